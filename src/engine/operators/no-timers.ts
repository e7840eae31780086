/** For steps that have something to restore, or one kind of timer: all that they do not do. */
import { never } from './operator.ts'
import type { Stateful } from './operator.ts'

export const noTimers: Stateful = {
  onRestored: () => {},
  onWatermark: () => {},
  watermarkDueMs: () => never,
  onClock: () => {},
  clockDueMs: () => never,
  onStop: () => {},
}
