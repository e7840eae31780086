import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { VirtualClock } from '../core/clock.ts'
import { type ErrorCode, isCode, MillraceError } from '../core/error.ts'
import { batchOf, blob, isPending, nothing, restored, taskOf } from './conformance/log-probe.ts'
import { defineLogConformance } from './log.conformance.ts'
import {
  type Fault,
  faultyLog,
  type FaultyLog,
  scriptedFaults,
  seededFaults,
} from './log.faulty.ts'
import type { CommitBatch, Log, Session } from './log.ts'
import { type MemoryLog, openMemoryLog } from './memory/memory-log.ts'
import { MemoryStore } from './memory/memory-store.ts'

interface Opened {
  readonly log: FaultyLog
  readonly inner: Log
  readonly session: Session
}

/** Topic `t` with three records, one task on it, all of them polled. */
async function openFaulty(
  faults: readonly (Fault | null)[],
  clock?: VirtualClock,
): Promise<Opened> {
  const inner = openMemoryLog()
  await inner.createTopic('t')
  await inner.append([batchOf('t', 0, 'a', 'b', 'c')])
  const log = faultyLog(inner, scriptedFaults(faults, clock))
  const session = await log.open(taskOf())
  session.poll(0)
  return { log, inner, session }
}

const commit: CommitBatch = { offsets: [2], appends: [], changelog: null }

async function committed(inner: Log): Promise<number | undefined> {
  return (await inner.groups())[0]?.offsets[0]?.offset
}

function hasCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isCode(error, code)
}

async function end(inner: Log): Promise<number | undefined> {
  return (await inner.describeTopic('t')).partitions[0]?.endOffset
}

test('a failing commit is not applied, says so, and can be tried again', async () => {
  for (const code of ['log-failed', 'log-busy', 'disk-full'] as const) {
    const { log, inner, session } = await openFaulty([{ kind: 'fails', code }])
    await assert.rejects(
      session.commit(commit),
      (error) => isCode(error, code) && error.outcome === 'not-applied',
    )
    assert.equal(await committed(inner), undefined)
    await session.commit(commit)
    assert.equal(await committed(inner), 2)
    assert.deepEqual([log.met, log.violations], [[{ kind: 'fails', code }], []])
  }
})

test('an unknown commit was applied or not, and the caller cannot tell', async () => {
  for (const effect of ['applied', 'not-applied'] as const) {
    const { log, inner, session } = await openFaulty([{ kind: 'unknown', effect }])
    await assert.rejects(
      session.commit(commit),
      (error) => isCode(error, 'commit-unknown') && error.outcome === 'unknown',
    )
    assert.equal(await committed(inner), effect === 'applied' ? 2 : undefined)
    await session.close()
    const again = await log.open(taskOf())
    assert.deepEqual(again.offsets, [effect === 'applied' ? 2 : 0])
    assert.deepEqual(log.violations, [])
  }
})

test('a late commit is applied before or after its delay, and close waits for it', async () => {
  for (const applies of ['at-once', 'after-delay'] as const) {
    const clock = new VirtualClock()
    const { inner, session } = await openFaulty([{ kind: 'late', applies, delayMs: 10 }], clock)
    const running = session.commit(commit)
    const closing = session.close()
    assert.ok(await isPending(running))
    assert.ok(await isPending(closing))
    assert.equal(await committed(inner), applies === 'at-once' ? 2 : undefined)
    clock.advance(10)
    await running
    await closing
    assert.equal(await committed(inner), 2)
  }
})

test('a fenced commit finds the task taken, and nothing is applied', async () => {
  const { log, inner, session } = await openFaulty([{ kind: 'fenced' }])
  const waiting = session.wait(Infinity)
  await assert.rejects(session.commit(commit), hasCode('task-fenced'))
  assert.equal(await waiting, 'closed')
  assert.equal(await committed(inner), undefined)
  assert.ok((await log.open(taskOf())).epoch > session.epoch)
})

test('appends meet faults too, and a stamp makes trying again safe', async () => {
  const faults: Fault[] = [
    { kind: 'unknown', effect: 'applied' },
    { kind: 'fails', code: 'disk-full' },
  ]
  const { log, inner } = await openFaulty(faults)
  const stamp = { producer: 'x', sequence: 0 }
  const append = (): Promise<unknown> => log.append([batchOf('t', 0, 'd')], stamp)
  await assert.rejects(append(), hasCode('commit-unknown'))
  await assert.rejects(append(), hasCode('disk-full'))
  assert.deepEqual(await append(), [{ topic: 't', partition: 0, baseOffset: 3, recordCount: 1 }])
  assert.equal(await end(inner), 4)
})

test('an error of the write itself is not hidden by a fault', async () => {
  const { log } = await openFaulty([
    { kind: 'unknown', effect: 'applied' },
    { kind: 'late', applies: 'at-once', delayMs: 0 },
  ])
  for (let i = 0; i < 2; i++) {
    await assert.rejects(log.append([batchOf('u', 0, 'd')]), hasCode('unknown-topic'))
  }
})

type Misuse = (opened: Opened) => unknown

const misuses: readonly (readonly [violation: RegExp, misuse: Misuse, faults?: Fault[]])[] = [
  [/poll after close/, async ({ session }) => (await session.close(), session.poll(0))],
  [/wait after close/, async ({ session }) => (await session.close(), session.wait(0))],
  [/commit after close/, async ({ session }) => (await session.close(), session.commit(commit))],
  [/restore after close/, async ({ session }) => (await session.close(), session.restore())],
  [/poll of input 1 of 1/, ({ session }) => session.poll(1)],
  [/wait of -1 ms/, ({ session }) => session.wait(-1)],
  [/wait while another/, ({ session }) => (void session.wait(Infinity), session.wait(0))],
  [/commit while another/, ({ session }) => (void session.commit(commit), session.commit(commit))],
  [/2 of 1 offsets/, ({ session }) => session.commit({ ...commit, offsets: [2, 2] })],
  [/offset 1.5 of input/, ({ session }) => session.commit({ ...commit, offsets: [1.5] })],
  [/offset 4 .* up to 3 only/, ({ session }) => session.commit({ ...commit, offsets: [4] })],
  [
    /goes back from 2 to 1/,
    async ({ session }) => (
      await session.commit(commit),
      session.commit({ ...commit, offsets: [1] })
    ),
  ],
  [/restore was called twice/, ({ session }) => (session.restore(), session.restore())],
  [
    /restore after a commit/,
    async ({ session }) => (await session.commit(commit), session.restore()),
  ],
  [
    /after the task was lost or in doubt/,
    async ({ session }) => {
      await session.commit(commit).catch(() => undefined)
      await session.commit(commit)
    },
    [{ kind: 'unknown', effect: 'not-applied' }],
  ],
  [
    /after the task was lost or in doubt/,
    async ({ session }) => {
      await session.commit(commit).catch(() => undefined)
      await session.commit(commit)
    },
    [{ kind: 'fenced' }],
  ],
  [/an append cannot be fenced/, ({ log }) => log.append([]), [{ kind: 'fenced' }]],
]

for (const [violation, misuse, faults = []] of misuses) {
  test(`a violation is thrown and noted: ${violation.source}`, async () => {
    const opened = await openFaulty(faults)
    await assert.rejects(async () => misuse(opened), hasCode('assertion-failed'))
    expect(opened.log.violations).toEqual([expect.stringMatching(violation)])
  })
}

test('right use is no violation: -1, retries, restoring, commits without records', async () => {
  const { log, session } = await openFaulty([null, { kind: 'fails', code: 'log-busy' }])
  assert.deepEqual(await restored(session), [])
  await session.commit({ ...commit, changelog: blob('one') })
  await assert.rejects(session.commit(nothing), hasCode('log-busy'))
  await session.commit(nothing)
  await session.commit({ ...commit, offsets: [3] })
  await session.close()
  await session.close()
  assert.deepEqual(log.violations, [])
})

test('seeded faults repeat, differ by seed, and meet every kind', () => {
  const run = (seed: number): (Fault | null)[] => {
    const plan = seededFaults(seed, { percent: 50 })
    return Array.from({ length: 40 }, (_, i) => plan.next(i % 2 === 0 ? 'commit' : 'append'))
  }
  assert.deepEqual(run(7), run(7))
  assert.notDeepEqual(run(7), run(8))
  const kinds = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const faults = run(seed)
    assert.ok(
      faults.some((fault) => fault !== null),
      `seed ${seed} does something`,
    )
    for (const fault of faults) if (fault !== null) kinds.add(fault.kind)
    assert.ok(faults.every((fault, i) => i % 2 === 0 || fault?.kind !== 'fenced'))
  }
  assert.deepEqual([...kinds].toSorted(), ['fails', 'fenced', 'late', 'unknown'])
})

test('seeded faults never leave a log that differs from what was reported', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const inner = openMemoryLog()
    await inner.createTopic('t')
    const log = faultyLog(inner, seededFaults(seed, { delayMsMax: 0, percent: 50 }))
    let [least, most] = [0, 0]
    for (let i = 0; i < 30; i++) {
      const outcome = await log.append([batchOf('t', 0, 'a')]).catch((error: unknown) => error)
      if (!(outcome instanceof MillraceError)) least += 1
      if (!(outcome instanceof MillraceError) || outcome.outcome === 'unknown') most += 1
    }
    const count = (await end(inner)) ?? -1
    assert.ok(least <= count && count <= most, `seed ${seed}: ${least} ≤ ${count} ≤ ${most}`)
    assert.ok(least > 0)
  }
})

// Without faults the wrapper is a log like any other. Cases of sessions commit what they did not
// read, which it forbids.
defineLogConformance(
  Object.assign(
    (title: string, run: () => Promise<void>) => {
      if (/^(C2|C3|C4|L7) /.test(title)) test(title, run)
    },
    { skip: (title: string) => assert.match(title, /has no members/, 'all else it can do') },
  ),
  {
    name: 'faulty memory',
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
      const [store, clock] = [new MemoryStore(), new VirtualClock(1_700_000_000_000)]
      const inner: MemoryLog = openMemoryLog({ store, clock })
      return {
        open: async () => faultyLog(openMemoryLog({ store, clock }), scriptedFaults([])),
        clock,
        maintain: () => inner.maintain(),
        limitMs: 5_000,
      }
    },
    async stop() {},
  },
)
