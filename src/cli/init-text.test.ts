import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { Config, PRESETS } from '../core/config.ts'
import { configurationText } from './init-text.ts'

describe('configurationText', () => {
  it.each(['local', 's3', 'gcs'] as const)('fits the schema with a %s store', (store) => {
    const { text, feeds } = configurationText({ presets: PRESETS, store })
    const config = Config.parse(parse(text))
    expect(Object.keys(config.feeds)).toEqual(feeds.map((feed) => feed.name))
    expect(Object.values(config.feeds).map((feed) => feed.preset)).toEqual(PRESETS)
    expect(Object.values(config.stores).map((each) => each.type)).toEqual([store])
  })

  it('offers no setting that the schema does not know', () => {
    const { text } = configurationText({ presets: ['hackle-events'], store: 's3' })
    const offered = text.replaceAll(/^(\s*)# ([a-z_]+: \S)/gm, '$1$2')
    expect(offered).not.toBe(text)
    expect(Config.safeParse(parse(offered)).error).toBeUndefined()
  })

  it('holds no secret', () => {
    const { text } = configurationText({ presets: ['hackle-events'], store: 's3' })
    expect(text).toMatch(/secret_access_key: \{ env: [A-Z_]+ \}/)
  })
})
