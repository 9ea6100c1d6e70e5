import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import formats from 'ajv-formats'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'

/**
 * Our contracts are documents of the Open Data Contract Standard, which other tools read: the standard's
 * own JSON schema has the last word. It is Apache-2.0 and stands unchanged in `test/fixtures/odcs`.
 */
const root = join(import.meta.dirname, '..')
const folders = ['presets', 'examples/demo/contracts']
const files = (
  await Promise.all(folders.map(async (f) => (await readdir(join(root, f))).map((n) => join(f, n))))
).flat()

let validate: ReturnType<Ajv2019['compile']>
beforeAll(async () => {
  const schema = await readFile(
    join(root, 'test/fixtures/odcs/odcs-json-schema-v3.2.0.json'),
    'utf8',
  )
  const ajv = new Ajv2019({ strict: false, allErrors: true })
  formats.default(ajv)
  validate = ajv.compile(JSON.parse(schema))
})

describe('the JSON schema of ODCS 3.2.0', () => {
  it.each(files)('takes %s', async (file) => {
    const document = parse(await readFile(join(root, file), 'utf8'))
    expect(validate(document) ? [] : validate.errors).toEqual([])
  })
  it('refuses what is none', () => {
    expect(validate({ kind: 'DataContract' })).toBe(false)
  })
})
