import type { Layout } from './layout.ts'
import { isTimeVariable } from './pattern.ts'

/** Whether a partition's objects can lie in several directories, one for each value of a variable. */
export const variablesBeforeTime = (layout: Layout): boolean =>
  layout.levels
    .slice(0, layout.time_level + 1)
    .flat()
    .some((part) => 'variable' in part && !isTimeVariable(part.variable))

/** Whether partitions have directories of their own, so that listing one leaves the others alone. */
export const hasDirectories = (layout: Layout): boolean =>
  layout.time_level < layout.levels.length - 1
