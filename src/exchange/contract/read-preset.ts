import { readFile } from 'node:fs/promises'
import type { PresetName } from '../../core/config.ts'
import { type ParsedContract, parseContract } from '../../core/odcs/odcs.ts'
import { PRESET_DELIVERY, type PresetDelivery } from '../../core/presets.ts'

/** Everything a preset says: its contract, the text it was read from, and how it is delivered. */
export interface Preset extends ParsedContract {
  readonly name: PresetName
  /** The document as shipped; what the contract's hash is taken of. */
  readonly text: string
  readonly delivery: PresetDelivery
}

/** Reads a shipped preset. The folder lies beside `src` in a clone and beside `dist` in a package. */
export async function readPreset(name: PresetName): Promise<Preset> {
  const file = new URL(`../../../presets/${name}.odcs.yaml`, import.meta.url)
  const text = await readFile(file, 'utf8')
  return { name, text, delivery: PRESET_DELIVERY[name], ...parseContract(text, `preset ${name}`) }
}
