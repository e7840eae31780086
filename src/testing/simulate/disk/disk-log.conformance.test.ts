/** The model of the embedded log passes the suite that the real one passes. */
import { describe, test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import { seededRandom } from '../../../core/random.ts'
import { defineLogConformance, type LogSubject } from '../../../log/log.conformance.ts'
import { type DiskLog, openDiskLog } from './disk-log.ts'
import { DiskModel } from './disk-model.ts'
import { DiskStorage } from './disk-storage.ts'

/** @param after what becomes of the disk when the last handle is closed */
function subject(after: 'nothing' | 'power-loss'): LogSubject {
  return {
    name: `disk (then ${after})`,
    capabilities: [
      'reopen',
      'shared',
      'virtual-clock',
      'maintain',
      'dense',
      'instant',
      'any-time',
      'lazy',
      'exclusive',
    ],
    async start() {
      const disk = new DiskModel({ random: seededRandom(1) })
      const storage = new DiskStorage({ disk })
      const clock = new VirtualClock(1_700_000_000_000)
      let openCount = 0
      return {
        open: async (): Promise<DiskLog> => {
          const log = await openDiskLog({ storage, clock })
          let isOpen = true
          openCount += 1
          const close = async (): Promise<void> => {
            if (isOpen) openCount -= 1
            isOpen = false
            await log.close()
            if (openCount === 0 && after === 'power-loss') disk.losePower()
          }
          return { ...log, close }
        },
        clock,
        maintain: (log) => (log as DiskLog).maintain(),
        limitMs: 5_000,
      }
    },
    async stop() {},
  }
}

describe('processes end', () => defineLogConformance(test, subject('nothing')))
describe('processes end, then the power goes', () =>
  defineLogConformance(test, subject('power-loss')))
