/**
 * Wrong logs, each with one fault a real one could have. The suite in `log.conformance.ts` must
 * reject every one.
 */
import { VirtualClock } from '../../src/core/clock.ts'
import { BatchBuilder, RecordBatch } from '../../src/log/batch.ts'
import type { LogSubject } from '../../src/log/log.conformance.ts'
import type { AppendBatch, GroupOffset, Log, Session } from '../../src/log/log.ts'
import { openMemoryLog } from '../../src/log/memory/memory-log.ts'
import { MemoryStore, type PreparedAppend } from '../../src/log/memory/memory-store.ts'
import { commitMutants } from './commit-mutants.ts'
import { beforeEach, change, type LogMutant, withReaders, withSessions } from './wrap-log.ts'

/** The memory log as the suite takes it, each handle passed through `wrap`. */
export function memorySubject(wrap: LogMutant['wrap'], name = 'memory'): LogSubject {
  return {
    name,
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
      const clock = new VirtualClock(1_700_000_000_000)
      const storage = { store: new MemoryStore(), notes: new Map<string, unknown>() }
      const inner = openMemoryLog({ store: storage.store, clock })
      return {
        open: async () => wrap(openMemoryLog({ store: storage.store, clock }), storage),
        clock,
        maintain: () => inner.maintain(),
        limitMs: 200,
      }
    },
    async stop() {},
  }
}

function reversed(batch: AppendBatch): AppendBatch {
  const block = new RecordBatch(batch.topic, batch.partition, 0, batch.bytes)
  const builder = new BatchBuilder()
  for (let i = block.count - 1; i >= 0; i--) {
    builder.add(block.key(i), block.value(i), block.time(i), block.headers(i))
  }
  return { topic: batch.topic, partition: batch.partition, bytes: builder.finish() }
}

export const logMutants: readonly LogMutant[] = [
  ...commitMutants,
  {
    name: 'loses the last append when the log is closed',
    breaks: 'L5',
    wrap: (log, { store, notes }) => {
      const flush = (): void => {
        const held = notes.get('held') as PreparedAppend | undefined
        notes.delete('held')
        held?.apply(0)
      }
      const sessions = withSessions(log, (session) =>
        change(session, { commit: (batch) => (flush(), session.commit(batch)) }),
      )
      const eager = beforeEach(sessions, flush)
      return change(eager, {
        append: async (batches, stamp) => {
          flush()
          const prepared = store.prepare(batches, stamp)
          notes.set('held', prepared)
          return [...prepared.appended]
        },
        close: async () => (notes.delete('held'), await log.close()),
      })
    },
  },
  {
    name: 'loses the last commit when the log is closed',
    breaks: 'L5',
    wrap: (log) => {
      let held: (() => Promise<unknown>) | null = null
      const settle = async (): Promise<void> => {
        const run = held
        held = null
        await run?.()
      }
      const lazy = withSessions(log, (session) =>
        change(session, {
          commit: async (batch) => {
            await settle()
            if (batch.appends.length > 0) return await session.commit(batch)
            held = () => session.commit(batch)
            return { appended: [] }
          },
          close: async () => (await settle(), await session.close()),
        }),
      )
      return change(lazy, {
        open: async (spec) => (await settle(), await lazy.open(spec)),
        groups: async () => (await settle(), await log.groups()),
      })
    },
  },
  {
    name: 'acknowledges an append before applying it',
    breaks: 'C2',
    wrap: (log) =>
      change(log as Log, {
        append: async (batches, stamp) => {
          void Promise.resolve().then(async () => {
            for (let i = 0; i < 100; i++) await Promise.resolve()
            await log.append(batches, stamp).catch(() => undefined)
          })
          return batches.map(({ topic, partition, bytes }) => {
            const { count } = new RecordBatch(topic, partition, 0, bytes)
            return { topic, partition, baseOffset: 0, recordCount: count }
          })
        },
      }),
  },
  {
    name: 'doubles an append that is repeated',
    breaks: 'C2',
    wrap: (log) => change(log as Log, { append: (batches) => log.append(batches) }),
  },
  {
    name: 'appends the batches one after the other, not in one step',
    breaks: 'L1',
    wrap: (log) =>
      change(log as Log, {
        append: async (batches, stamp) => {
          if (stamp !== undefined) return await log.append(batches, stamp)
          const appended = []
          for (const batch of batches) appended.push(...(await log.append([batch])))
          return appended
        },
      }),
  },
  {
    name: 'reverses the order within a batch',
    breaks: 'L3',
    wrap: (log) =>
      change(log as Log, { append: (batches, stamp) => log.append(batches.map(reversed), stamp) }),
  },
  {
    name: 'never wakes a reader',
    breaks: 'C3',
    wrap: (log) =>
      withReaders(log, (reader) => {
        let hasPolled = false
        return change(reader, {
          poll: (input) => ((hasPolled = true), reader.poll(input)),
          wait: (timeoutMs) => (hasPolled ? new Promise(() => undefined) : reader.wait(timeoutMs)),
        })
      }),
  },
  {
    name: 'forgets a wake that comes before the wait',
    breaks: 'C3',
    wrap: (log) => {
      const wrapWait = <R extends Pick<Session, 'wait' | 'wake'>>(reader: R): R => {
        let isWaiting = false
        return change(reader, {
          wake: () => (isWaiting ? reader.wake() : undefined),
          wait: async (timeoutMs: number) => {
            isWaiting = true
            return await reader.wait(timeoutMs).finally(() => (isWaiting = false))
          },
        } as Partial<R>)
      }
      return withSessions(withReaders(log, wrapWait), wrapWait)
    },
  },
  {
    name: 'returns records below the wished offset',
    breaks: 'C3',
    wrap: (log) =>
      withReaders(log, (reader) =>
        change(reader, {
          poll: (input) => {
            const batch = reader.poll(input)
            if (batch === null) return null
            return new RecordBatch(batch.topic, batch.partition, batch.baseOffset, batch.bytes)
          },
        }),
      ),
  },
  {
    name: 'cuts the first record off every polled batch',
    breaks: 'C5',
    wrap: (log) =>
      withSessions(log, (session) =>
        change(session, {
          poll: (input) => {
            const batch = session.poll(input)
            if (batch === null || batch.first + 1 >= batch.count) return batch
            const from = batch.offset(batch.first + 1)
            const { topic, partition, baseOffset, bytes } = batch
            return new RecordBatch(topic, partition, baseOffset, bytes, from)
          },
        }),
      ),
  },
  {
    name: 'gives epochs that do not grow',
    breaks: 'L4',
    wrap: (log) => withSessions(log, (session) => change(session, { epoch: 1 })),
  },
  {
    name: 'lets two runs join one pipeline',
    breaks: 'C7',
    wrap: (log) =>
      change(log as Log, { join: (options) => log.join({ ...options, takeOver: true }) }),
  },
  {
    name: 'keeps the offsets of a deleted topic',
    breaks: 'C1',
    wrap: (log, { store }) =>
      change(log as Log, {
        deleteTopic: async (name) => {
          const { topics, tasks } = store
          const kept = [...tasks.values()].map((task) => [task.offsets, [...task.offsets]] as const)
          await log.deleteTopic(name)
          for (const [offsets, entries] of kept) {
            for (const [key, place] of entries)
              if (!topics.has(place.topic)) offsets.set(key, place)
          }
        },
      }),
  },
  {
    name: 'trims one record too many',
    breaks: 'C11',
    wrap: (log, { store }) =>
      change(log as Log, {
        trim: async (places) => {
          const upTo = ({ offset, ...place }: GroupOffset): number =>
            offset === 0 ? 0 : Math.min(offset + 1, store.partition(place).endOffset)
          await log.trim(places)
          await log.trim(places.map((place) => ({ ...place, offset: upTo(place) })))
        },
      }),
  },
  {
    name: 'trims whole batches only',
    breaks: 'C11',
    wrap: (log, { store }) =>
      change(log as Log, {
        trim: async (places) => {
          const wholeOnly = (place: GroupOffset): GroupOffset => {
            const base = store.partition(place).read(place.offset)?.baseOffset ?? place.offset
            return { ...place, offset: Math.min(base, place.offset) }
          }
          await log.trim(places.map(wholeOnly))
        },
      }),
  },
  {
    name: 'forgets to trim',
    breaks: 'C11',
    wrap: (log) => change(log as Log, { trim: async () => undefined }),
  },
]
