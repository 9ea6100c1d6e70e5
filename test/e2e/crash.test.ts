import { describeCrashes } from '../support/crash-suite.ts'

describeCrashes('local folder, PGlite', { open: async () => ({}), steps: true })
