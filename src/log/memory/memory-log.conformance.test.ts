import { test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { defineLogConformance } from '../log.conformance.ts'
import { type MemoryLog, openMemoryLog } from './memory-log.ts'
import { MemoryStore } from './memory-store.ts'

defineLogConformance(test, {
  name: 'memory',
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
    const store = new MemoryStore()
    const clock = new VirtualClock(1_700_000_000_000)
    return {
      open: async () => openMemoryLog({ store, clock }),
      clock,
      maintain: (log) => (log as MemoryLog).maintain(),
      limitMs: 5_000,
    }
  },
  async stop() {},
})
