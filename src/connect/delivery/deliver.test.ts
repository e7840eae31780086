import assert from 'node:assert/strict'
import { test } from 'vitest'
import { systemClock, VirtualClock } from '../../core/clock.ts'
import { isCode, MillraceError } from '../../core/error.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import { MemoryStore } from '../../log/memory/memory-store.ts'
import type { MemoryLog } from '../../log/memory/memory-log.ts'
import { ModelDestination } from '../conformance/model-destination.ts'
import {
  createOutbox,
  deliverOutbox,
  fill,
  outboxTopic,
  recordsOf,
  until,
  withTime,
} from '../conformance/outbox-case.ts'
import { settle } from '../../../test/letters/settle-cases.ts'
import type { DeliveringSink } from '../sink.ts'
import { action } from '../sinks/action.ts'
import type { DeliveryEvent } from './deliver.ts'

interface Bench {
  readonly clock: VirtualClock
  readonly log: MemoryLog
  readonly destination: ModelDestination
}

async function bench(plan?: ConstructorParameters<typeof ModelDestination>[1]): Promise<Bench> {
  const clock = new VirtualClock(1_700_000_000_000)
  const log = openMemoryLog({ clock, store: new MemoryStore() })
  await createOutbox(log)
  return { clock, log, destination: new ModelDestination(clock, plan) }
}

const numbered = (count: number, key: string | null = null, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ key, value: from + i }))
const values = ({ received }: ModelDestination): unknown[] => received.map(({ value }) => value)

test('D5 a destination that is away costs no tries; what waits is delivered later', async () => {
  const { clock, log, destination } = await bench()
  const events: DeliveryEvent[] = []
  await fill(log, numbered(20, 'a'))
  destination.isAway = true
  const sink = destination.sink('s', { retries: 0 })
  const run = await deliverOutbox(log, sink, { clock, notify: (event) => events.push(event) })
  await until(clock, () => clock.now() > 1_700_000_600_000, { stepMs: 500 })
  assert.equal(run.status().state, 'away')
  assert.ok(isCode(run.status().lastError?.error, 'sink-unavailable'))
  assert.equal(run.status().backlog, 20)
  assert.ok(run.status().failures < 30, `${run.status().failures} tries in ten minutes`)
  destination.isAway = false
  await until(clock, () => run.status().backlog === 0, { stepMs: 500 })
  await withTime(clock, run.stop())
  assert.deepEqual(
    values(destination),
    numbered(20).map(({ value }) => value),
  )
  assert.deepEqual(await recordsOf(log, `${outboxTopic}.dead`), [])
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['sink-away', 'sink-back'],
  )
})

test('D3 a record that fails is given up after its last try, the next follows', async () => {
  const { clock, log } = await bench()
  const tries: [unknown, number][] = []
  const sink = action(
    's',
    (value: unknown, { attempt }) => {
      tries.push([value, attempt])
      if (value === 1) throw new Error('cannot')
    },
    { retries: 2 },
  )
  await fill(log, numbered(3, 'a'))
  const run = await deliverOutbox(log, sink, { clock })
  await until(clock, () => run.status().backlog === 0)
  assert.deepEqual(tries, [
    [0, 1],
    [1, 1],
    [1, 2],
    [1, 3],
    [2, 1],
  ])
  await withTime(clock, run.stop())
  const [letter, ...others] = await recordsOf(log, `${outboxTopic}.dead`)
  assert.deepEqual(others, [])
  assert.equal(letter?.headers.get('millrace-reason'), 'sink-failed')
  assert.equal(letter.headers.get('millrace-step'), 's')
  assert.equal(letter.headers.get('millrace-offset'), '1')
  assert.match(letter.headers.get('millrace-message') ?? '', /cannot/)
})

test('D3 of several that are refused together only the bad one is given up', async () => {
  const { clock, log, destination } = await bench({
    next: () => null,
    refuses: ({ value }) => value === 3,
  })
  await fill(log, numbered(10))
  const run = await deliverOutbox(log, destination.sink('s', { batch: 10 }), { clock })
  await until(clock, () => run.status().backlog === 0)
  await withTime(clock, run.stop())
  assert.deepEqual(
    values(destination).toSorted((a, b) => Number(a) - Number(b)),
    [0, 1, 2, 4, 5, 6, 7, 8, 9],
  )
  assert.equal((await recordsOf(log, `${outboxTopic}.dead`)).length, 1)
})

test('D3 a value that does not decode is given up', async () => {
  const { clock, log, destination } = await bench()
  const sink = destination.sink('s')
  const strict: DeliveringSink = {
    ...sink,
    codec: {
      name: 'strict',
      decode: () => {
        throw new MillraceError('decode-failed', 'no value')
      },
      decoder: () => () => null,
      encode: () => '',
    },
  }
  await fill(log, numbered(1))
  const run = await deliverOutbox(log, strict, { clock })
  await until(clock, () => run.status().backlog === 0)
  await withTime(clock, run.stop())
  const [letter] = await recordsOf(log, `${outboxTopic}.dead`)
  assert.equal(letter?.headers.get('millrace-reason'), 'decode-failed')
})

test('D4 a try that does not end is given up waiting for, and counts as failed', async () => {
  const { clock, log } = await bench()
  let calls = 0
  const sink = action(
    's',
    async () => {
      calls += 1
      if (calls === 1) await new Promise(() => {}) // deaf to its signal
    },
    { timeout: '1s' },
  )
  await fill(log, numbered(1))
  const run = await deliverOutbox(log, sink, { clock })
  await until(clock, () => run.status().backlog === 0)
  assert.equal(calls, 2)
  assert.ok(isCode(run.status().lastError?.error, 'sink-failed'))
  await withTime(clock, run.stop())
})

test('D4 no more tries at a time than allowed; what is held is bounded', async () => {
  const { clock, log, destination } = await bench({
    next: () => ({ kind: 'slow', ms: 50 }),
    refuses: () => false,
  })
  const large = 'x'.repeat(100_000)
  for (let i = 0; i < 20; i++)
    await fill(
      log,
      Array.from({ length: 10 }, () => ({ key: null, value: large })),
    )
  const run = await deliverOutbox(log, destination.sink('s', { concurrency: 3 }), { clock })
  await until(clock, () => run.status().backlog === 0)
  assert.equal(destination.inFlightMax, 3)
  assert.equal(destination.received.length, 200)
  await withTime(clock, run.stop())
})

test('D4 a rate is kept', async () => {
  const { clock, log, destination } = await bench()
  await fill(log, numbered(50))
  const startedMs = clock.now()
  const run = await deliverOutbox(log, destination.sink('s', { rate: 10 }), { clock })
  await until(clock, () => run.status().backlog === 0, { stepMs: 5 })
  const tookMs = clock.now() - startedMs
  assert.ok(tookMs >= 4_900 && tookMs < 8_000, `${tookMs} ms`)
  await withTime(clock, run.stop())
})

test('D2 an orderly restart repeats nothing, though later records were done first', async () => {
  const { clock, log, destination } = await bench()
  destination.isAway = false
  let isStuck = true
  const calls: unknown[] = []
  const sink = action('s', async (value: unknown, { signal }) => {
    if (value === 'stuck' && isStuck)
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      )
    calls.push(value)
  })
  await fill(log, [{ key: 'a', value: 'stuck' }, ...numbered(5, 'b')])
  const first = await deliverOutbox(log, sink, { clock })
  await until(clock, () => calls.length === 5)
  await withTime(clock, first.stop())
  isStuck = false
  const second = await deliverOutbox(log, sink, { clock })
  await until(clock, () => second.status().backlog === 0)
  await withTime(clock, second.stop())
  assert.deepEqual(calls, [0, 1, 2, 3, 4, 'stuck'])
})

test('what was delivered is deleted from the outbox, unless it is to be kept', async () => {
  for (const keep of [false, true]) {
    const { clock, log, destination } = await bench()
    await fill(log, numbered(10))
    const run = await deliverOutbox(log, destination.sink('s', { keep }), { clock })
    await until(clock, () => run.status().backlog === 0)
    clock.advance(60_000) // it is done from time to time
    await fill(log, numbered(1))
    await until(clock, () => run.status().backlog === 0)
    await withTime(clock, run.stop())
    const { partitions } = await log.describeTopic(outboxTopic)
    assert.equal(partitions[0]?.startOffset, keep ? 0 : 11)
  }
})

test('K5 a destination that went back in time is given again what it lacks', async () => {
  const { clock, log, destination } = await bench({
    next: () => null,
    refuses: ({ value }) => value === 4,
  })
  const deliverAll = async (): Promise<void> => {
    const sink = destination.transactional('s', { keep: true })
    const run = await deliverOutbox(log, sink, { clock })
    await until(clock, () => run.status().backlog === 0)
    await systemClock.nextTurn()
    await withTime(clock, run.stop())
  }
  await fill(log, numbered(10))
  await deliverAll()
  destination.restore(3)
  await fill(log, numbered(2, null, 10))
  await deliverAll()
  assert.deepEqual(values(destination), [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11])
  assert.equal((await recordsOf(log, `${outboxTopic}.dead`)).length, 1)
  assert.deepEqual(destination.violations, [])
})

test('a sink that cannot be opened as it is configured ends the run and says so', async () => {
  const { clock, log, destination } = await bench()
  const sink: DeliveringSink = {
    ...destination.sink('s'),
    open: async () => {
      throw new MillraceError('invalid-argument', 'there is no such table')
    },
  }
  await fill(log, numbered(1))
  const run = await deliverOutbox(log, sink, { clock })
  await assert.rejects(withTime(clock, run.done), (thrown) => isCode(thrown, 'invalid-argument'))
})

test('a connection is opened anew after an outage, and closed at the end', async () => {
  const { clock, log } = await bench()
  let opened = 0
  let closed = 0
  const sink: DeliveringSink = {
    ...action('s', () => {}),
    open: async () => {
      const number = ++opened
      return {
        deliver: async () => {
          if (number === 1) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
        },
        close: async () => void (closed += 1),
      }
    },
  }
  await fill(log, numbered(1))
  const run = await deliverOutbox(log, sink, { clock })
  await until(clock, () => run.status().backlog === 0)
  await withTime(clock, run.stop())
  assert.deepEqual([opened, closed], [2, 2])
})

test('D3 a record over which the destination hangs up is given up', async () => {
  const { clock, log } = await bench()
  const taken: unknown[] = []
  const sink = action(
    's',
    (value: unknown) => {
      if (value === 0) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
      taken.push(value)
    },
    { retries: 2 },
  )
  await fill(log, [{ key: 'bad', value: 0 }])
  const run = await deliverOutbox(log, sink, { clock })
  for (let i = 1; run.status().dead === 0; i++) {
    assert.ok(i < 100, 'it is tried for ever')
    await fill(log, numbered(1, 'good', i))
    await until(clock, () => taken.length === i, { stepMs: 100 })
    clock.advance(1_000)
    await systemClock.nextTurn()
  }
  await withTime(clock, run.stop())
  assert.equal((await recordsOf(log, `${outboxTopic}.dead`)).length, 1)
})

test('K5 a destination that is beyond the end of the outbox is of another log', async () => {
  const { clock, log, destination } = await bench()
  await fill(log, numbered(10))
  const first = await deliverOutbox(log, destination.transactional('s'), { clock })
  await until(clock, () => first.status().backlog === 0)
  await withTime(clock, first.stop())
  const other = openMemoryLog({ clock, store: new MemoryStore() })
  await createOutbox(other)
  await fill(other, numbered(3))
  const run = await deliverOutbox(other, destination.transactional('s'), { clock })
  await assert.rejects(withTime(clock, run.done), (thrown) => isCode(thrown, 'offset-out-of-range'))
  assert.equal(destination.received.length, 10)
})

test('D5 where it is told to come later, a record is not given up', async () => {
  const { clock, log } = await bench()
  const taken: unknown[] = []
  let refusals = 0
  const sink = action(
    's',
    (value: unknown) => {
      if (value === 0 && refusals < 50) {
        refusals += 1
        throw new MillraceError('sink-unavailable', 'too many requests')
      }
      taken.push(value)
    },
    { retries: 2 },
  )
  await fill(log, [{ key: 'limited', value: 0 }])
  const run = await deliverOutbox(log, sink, { clock })
  for (let i = 1; !taken.includes(0); i++) {
    assert.ok(i < 200, `${refusals} times it was to come later`)
    await fill(log, numbered(1, 'other', i))
    await until(clock, () => taken.includes(i), { stepMs: 100 })
    clock.advance(1_000)
    await systemClock.nextTurn()
  }
  await withTime(clock, run.stop())
  assert.equal(refusals, 50)
  assert.equal(run.status().dead, 0)
  assert.deepEqual(await recordsOf(log, `${outboxTopic}.dead`), [])
})

test('D2 a dead letter that is replayed comes with the id that its record had', async () => {
  const { clock, log } = await bench()
  const tries: [string, unknown][] = []
  let isMended = false
  const sink = action(
    's',
    (value: unknown, { id }) => {
      tries.push([id, value])
      if (value === 1 && !isMended) throw new Error('cannot')
    },
    { retries: 0 },
  )
  await fill(log, numbered(3, 'a'))
  const run = await deliverOutbox(log, sink, { clock })
  await until(clock, () => run.status().backlog === 0)
  const replay = async (): Promise<number> => {
    const letters = `${outboxTopic}.dead`
    return (await withTime(clock, settle(log, letters, 'replay'))).settled
  }
  // It dies once more; then the letter of that one is replayed.
  assert.equal(await replay(), 1)
  await until(clock, () => tries.length === 4 && run.status().backlog === 0)
  isMended = true
  assert.equal(await replay(), 1)
  await until(clock, () => tries.length === 5 && run.status().backlog === 0)
  assert.equal(await replay(), 0)
  await withTime(clock, run.stop())
  const failing = tries.filter(([, value]) => value === 1).map(([id]) => id)
  assert.deepEqual(
    failing,
    Array.from({ length: 3 }, () => `${outboxTopic}/0/1`),
  )
})
