import { storeConformance } from '../../test/conformance/store.ts'
import { openMemory } from './memory.ts'

storeConformance('memory', async () => ({ store: openMemory() }))
