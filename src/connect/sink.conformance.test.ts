/**
 * The suite is tested: right sinks pass it, each wrong one is rejected by the case it breaks.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { MemoryStore } from '../log/memory/memory-store.ts'
import { ModelDestination } from './conformance/model-destination.ts'
import type { DeliveringSink, Sink, SinkPartition, TransactionalSink } from './sink.ts'
import { defineSinkConformance, sinkConformance, sinkSubjects } from './sink.conformance.ts'
import type { ConformanceValue, SinkCaseId, SinkSubject } from './sink.conformance.ts'

const options = { retries: 2, backoff: '10ms', backoffMax: '50ms', timeout: '2s' } as const

function newLog(): () => ReturnType<typeof openMemoryLog> {
  const store = new MemoryStore()
  return () => openMemoryLog({ store })
}

/** A destination in memory that some sink gives to. */
function subjectOf(
  name: string,
  sinkTo: (destination: () => ModelDestination) => Sink,
  more: Partial<SinkSubject> = {},
): SinkSubject {
  let destination = new ModelDestination(systemClock)
  return {
    name,
    sink: () => sinkTo(() => destination),
    begin: async () => {
      destination = new ModelDestination(systemClock, {
        next: () => null,
        refuses: ({ value }) => (value as ConformanceValue).isBad,
      })
    },
    arrived: async () =>
      destination.received.map(({ value }) => {
        const { n, key } = value as ConformanceValue
        return { n, key }
      }),
    outage: {
      stop: async () => void (destination.isAway = true),
      start: async () => void (destination.isAway = false),
    },
    refuses: true,
    knowsIds: false,
    newLog,
    limitMs: 3_000,
    ...more,
  }
}

const plain = (destination: () => ModelDestination): DeliveringSink =>
  destination().sink('s', options)
const exact = (destination: () => ModelDestination): TransactionalSink =>
  destination().transactional('s', options)

/** Knows ids by itself. */
function knowing(destination: () => ModelDestination): DeliveringSink {
  const sink = plain(destination)
  return {
    ...sink,
    open: async (context) => {
      const connection = await sink.open(context)
      return {
        ...connection,
        deliver: async (records, attempt) => {
          const known = new Set(destination().received.map(({ id }) => id))
          const fresh = records.filter(({ id }) => !known.has(id))
          if (fresh.length > 0) await connection.deliver(fresh, attempt)
        },
      }
    },
  }
}

describe('right ones pass', () => {
  defineSinkConformance(test, subjectOf('plain', plain))
  defineSinkConformance(test, subjectOf('knowing', knowing, { knowsIds: true }))
  defineSinkConformance(test, subjectOf('exact', exact, { knowsIds: true }))
})

type Deliver = Awaited<ReturnType<DeliveringSink['open']>>['deliver']

function wrongPlain(wrap: (deliver: Deliver) => Deliver) {
  return (destination: () => ModelDestination): DeliveringSink => {
    const sink = plain(destination)
    return {
      ...sink,
      open: async (context) => {
        const connection = await sink.open(context)
        return { ...connection, deliver: wrap(connection.deliver) }
      },
    }
  }
}

function wrongExact(wrap: (partition: SinkPartition, epoch: number) => SinkPartition) {
  return (destination: () => ModelDestination): TransactionalSink => {
    const sink = exact(destination)
    return {
      ...sink,
      open: async (context) => {
        const connection = await sink.open(context)
        return {
          ...connection,
          take: async (place, attempt) => wrap(await connection.take(place, attempt), place.epoch),
        }
      },
    }
  }
}

const wrong: readonly {
  readonly name: string
  readonly breaks: SinkCaseId
  readonly sink: (destination: () => ModelDestination) => Sink
  readonly more?: Partial<SinkSubject>
}[] = [
  {
    name: 'resolves before the destination has it',
    breaks: 'K1',
    sink: wrongPlain((deliver) => async (records, attempt) => {
      systemClock.after(40, () => void deliver(records, attempt).catch(() => {}))
    }),
  },
  {
    name: 'swallows what fails',
    breaks: 'K3',
    sink: wrongPlain((deliver) => async (records, attempt) => {
      await deliver(records, attempt).catch(() => {})
    }),
  },
  {
    name: 'loses a record now and then',
    breaks: 'K1',
    sink: wrongPlain((deliver) => async (records, attempt) => {
      const some = records.filter(({ offset }) => offset % 50 !== 7)
      if (some.length > 0) await deliver(some, attempt)
    }),
  },
  {
    name: 'says that it knows ids, and does not',
    breaks: 'K2',
    sink: plain,
    more: { knowsIds: true },
  },
  {
    name: 'does not tell a refusal from a failure',
    breaks: 'K3',
    sink: wrongPlain((deliver) => async (records, attempt) => {
      await deliver(records, attempt).catch(() => {
        throw new Error('it failed')
      })
    }),
  },
  {
    name: 'is deaf to its signal',
    breaks: 'K4',
    sink: wrongPlain((deliver) => async (records, attempt) => {
      if (attempt.signal.aborted) await new Promise(() => {})
      await deliver(records, attempt)
    }),
  },
  {
    name: 'does not move the position',
    breaks: 'K5',
    sink: wrongExact((partition) => ({
      ...partition,
      position: partition.position === null ? null : Math.max(0, partition.position - 1),
    })),
  },
  {
    name: 'has no position at all',
    breaks: 'K5',
    sink: wrongExact((partition) => ({ ...partition, position: null })),
  },
  {
    name: 'lets who was fenced write',
    breaks: 'K5',
    sink: wrongExact((partition) => ({
      ...partition,
      write: async (...args) => {
        await partition.write(...args).catch((thrown: unknown) => {
          if ((thrown as { code?: string }).code !== 'task-fenced') throw thrown
        })
      },
    })),
  },
]

test.each(wrong)('a sink that $name is rejected by $breaks', async ({ breaks, sink, more }) => {
  const subject = subjectOf('wrong', sink, { limitMs: 1_000, ...more })
  const cases = sinkConformance.filter(({ id }) => id === breaks)
  const results = await Promise.allSettled(
    cases
      .filter(({ needs }) => needs !== 'ids' || subject.knowsIds)
      .map(async (one) => await one.run(subjectOf('wrong', sink, { limitMs: 1_000, ...more }))),
  )
  assert.ok(
    results.some(({ status }) => status === 'rejected'),
    `${breaks} does not notice it`,
  )
})

test('every subject has a case, and titles begin with it', () => {
  const ids = new Set(sinkConformance.map(({ id }) => id))
  assert.deepEqual([...ids].toSorted(), Object.keys(sinkSubjects).toSorted())
  for (const { id, title } of sinkConformance) assert.ok(title.startsWith(`${id} `), title)
})
