import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { isCode, MillraceError } from '../core/error.ts'
import type { CommitBatch, JoinOptions, Log, Membership, Session, TaskSpec } from '../log/log.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { give, start, texts, until } from './conformance/engine-probe.ts'
import { whenReachable } from './when-reachable.ts'

type Tell = Parameters<Membership['onChange']>[0]

/** Shares the tasks of one pipeline among members, moved by hand. */
class Sharing {
  readonly members: SharedMembership[] = []

  /** The log as one process sees it. */
  logOf(log: Log): Log {
    return new Proxy(log, {
      get: (target, name) => {
        if (name === 'join') return async (options: JoinOptions) => this.#join(options)
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  #join({ tasks }: JoinOptions): Membership {
    const member = new SharedMembership(this.members.length === 0 ? tasks : [])
    this.members.push(member)
    return member
  }

  /** In order: given up, then gained. */
  async handOver(task: string, to: SharedMembership): Promise<void> {
    for (const member of this.members) {
      if (member !== to && member.owned.includes(task)) await member.lose([task], 'rebalanced')
    }
    await to.gain([task])
  }

  /** The old owner is told after the new one has begun. */
  async seize(task: string, to: SharedMembership): Promise<void> {
    const old = this.members.filter((member) => member !== to && member.owned.includes(task))
    for (const member of old) member.forget(task)
    await to.gain([task])
    for (const member of old) await member.tellLost([task], 'fenced')
  }
}

class SharedMembership implements Membership {
  readonly rejoins = true
  owned: readonly string[]
  hasLeft = false
  #tell: Tell | null = null

  constructor(tasks: readonly string[]) {
    this.owned = tasks
  }

  onChange(tell: Tell): void {
    this.#tell = tell
  }

  async confirm(task: string): Promise<boolean> {
    return this.owned.includes(task)
  }

  async leave(): Promise<void> {
    this.hasLeft = true
    this.owned = []
  }

  forget(task: string): void {
    this.owned = this.owned.filter((one) => one !== task)
  }

  async gain(tasks: readonly string[]): Promise<void> {
    if (tasks.every((task) => this.owned.includes(task))) return
    this.owned = [...this.owned, ...tasks]
    await this.#tell?.({ gained: tasks, lost: [], reason: 'rebalanced' })
  }

  async lose(tasks: readonly string[], reason: 'rebalanced' | 'fenced'): Promise<void> {
    for (const task of tasks) this.forget(task)
    await this.tellLost(tasks, reason)
  }

  async tellLost(lost: readonly string[], reason: 'rebalanced' | 'fenced'): Promise<void> {
    await this.#tell?.({ gained: [], lost, reason })
  }
}

const partitions = 3
/** The running number of each record within its key. */
const numbered = from(topic('in', { key: (value) => (value as { k: string }).k }))
  .aggregate({ n: count() })
  .to(topic('out'))

interface Move {
  readonly task: number
  readonly to: number
  readonly isSeized: boolean
  /** Records before it. */
  readonly records: number
}

const moves = fc.array(
  fc.record({
    task: fc.nat({ max: partitions - 1 }),
    to: fc.nat({ max: 1 }),
    isSeized: fc.boolean(),
    records: fc.nat({ max: 20 }),
  }),
  { minLength: 1, maxLength: 6 },
)

async function checkMoves(list: readonly Move[]): Promise<void> {
  const log = openMemoryLog()
  await log.createTopic('in', { partitions })
  const sharing = new Sharing()
  const options = { tasks: 'per-partition' as const, commitEveryMs: 1 }
  const runs = []
  for (let i = 0; i < 2; i++) runs.push(await start(sharing.logOf(log), numbered, options))
  let given = 0
  for (const { task, to, isSeized, records } of list) {
    const values = Array.from({ length: records }, (_, i) => `k${(given + i) % 7}`)
    await give(
      log,
      'in',
      values.map((k) => ({ key: k, value: { k } })),
    )
    given += records
    const member = sharing.members[to] as SharedMembership
    const move = isSeized ? sharing.seize(`main/${task}`, member) : null
    await (move ?? sharing.handOver(`main/${task}`, member))
  }
  await until('all results', async () => (await texts(log, 'out')).length >= given)
  for (const { run } of runs) await run.stop()
  assert.ok(sharing.members.every(({ hasLeft }) => hasLeft))
  const wanted: string[] = []
  const counts = new Map<string, number>()
  for (let i = 0; i < given; i++) {
    const key = `k${i % 7}`
    const n = (counts.get(key) ?? 0) + 1
    counts.set(key, n)
    wanted.push(JSON.stringify({ key, n }))
  }
  assert.deepEqual((await texts(log, 'out')).toSorted(), wanted.toSorted())
}

test('L4 tasks that move between processes, in order or seized, do each record once', async () => {
  await fc.assert(fc.asyncProperty(moves, checkMoves), { numRuns: 25 })
})

test('L4 a task is given away when its last commit is down', async () => {
  const log = openMemoryLog()
  await log.createTopic('in', { partitions })
  const sharing = new Sharing()
  const held: (() => void)[] = []
  const open = async (spec: TaskSpec): Promise<Session> => {
    const session = await log.open(spec)
    return changed(session, 'commit', async (batch: CommitBatch) => {
      if (batch.appends.length > 0) await new Promise<void>((resolve) => held.push(resolve))
      return session.commit(batch)
    })
  }
  const options = { tasks: 'per-partition' as const }
  const { run, events } = await start(sharing.logOf(changed(log, 'open', open)), numbered, options)
  await give(log, 'in', [{ key: 'k', value: { k: 'k' } }])
  await until('a commit is under way', () => held.length === 1)
  const [member] = sharing.members
  const order: string[] = []
  const given = member?.lose([...member.owned], 'rebalanced').then(() => order.push('given away'))
  for (let turn = 0; turn < 20; turn++) await systemClock.nextTurn()
  order.push('committed')
  held[0]?.()
  await given
  assert.deepEqual(order, ['committed', 'given away'])
  assert.equal((await texts(log, 'out')).length, 1)
  await run.stop()
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'hand-over-failed'),
    [],
  )
})

/** The same with one method that is another. */
function changed<T extends object>(inner: T, method: keyof T, by: unknown): T {
  return new Proxy(inner, {
    get: (target, name) => {
      if (name === method) return by
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

test('a fenced task that is still owned is opened again', async () => {
  const log = openMemoryLog()
  await log.createTopic('in', { partitions })
  const sharing = new Sharing()
  const { run, events } = await start(sharing.logOf(log), numbered, { tasks: 'per-partition' })
  const inputs = [{ topic: 'in', partition: 1 }]
  // Somebody else takes the task and goes away.
  await (await log.open({ pipeline: 'p', task: 'main/1', inputs, startAt: ['earliest'] })).close()
  await until('it is told', () => events.some(({ kind }) => kind === 'fenced'))
  const values = Array.from({ length: 30 }, (_, i) => ({ key: `k${i}`, value: { k: `k${i}` } }))
  await give(log, 'in', values)
  await until('all results', async () => (await texts(log, 'out')).length === 30)
  await run.stop()
})

/** Task main/1 of the log finds its records gone: as long as `isGone` says, from its `poll` on. */
function losing(log: Log, isGone: (opens: number) => 'open' | 'poll' | null): Log {
  const gone = (): never => {
    throw new MillraceError('offset-out-of-range', '3 records were deleted before they were read')
  }
  let opens = 0
  return new Proxy(log, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'open') return value.bind(target) as unknown
      return async (spec: TaskSpec) => {
        if (spec.task !== 'main/1') return await target.open(spec)
        opens += 1
        const how = isGone(opens)
        if (how === 'open') gone()
        const session = await target.open(spec)
        if (how === 'poll') session.poll = gone
        return session
      }
    },
  })
}

test('a zombie that misses what its heir has trimmed looks whether it is one', async () => {
  const log = openMemoryLog()
  await log.createTopic('in', { partitions })
  const sharing = new Sharing()
  const own = sharing.logOf(losing(log, (opens) => (opens === 1 ? 'poll' : null)))
  const { run, events } = await start(own, numbered, { tasks: 'per-partition' })
  await until('it is told', () => events.some(({ kind }) => kind === 'fenced'))
  const values = Array.from({ length: 30 }, (_, i) => ({ key: `k${i}`, value: { k: `k${i}` } }))
  await give(log, 'in', values)
  await until('all results', async () => (await texts(log, 'out')).length === 30)
  await run.stop()
})

test('records that are gone for the owner, too, end the run', async () => {
  const log = openMemoryLog()
  await log.createTopic('in', { partitions })
  const sharing = new Sharing()
  const own = sharing.logOf(losing(log, (opens) => (opens === 1 ? 'poll' : 'open')))
  const { run } = await start(own, numbered, { tasks: 'per-partition' })
  await assert.rejects(run.done, (thrown) => isCode(thrown, 'offset-out-of-range'))
})

test('a process that owns nothing waits, and stops at once', async () => {
  const log = openMemoryLog()
  await log.createTopic('in', { partitions })
  const sharing = new Sharing()
  const first = await start(sharing.logOf(log), numbered, { tasks: 'per-partition' })
  const second = await start(sharing.logOf(log), numbered, { tasks: 'per-partition' })
  assert.deepEqual(second.run.status(), [])
  assert.deepEqual(
    first.run.status().map(({ task }) => task),
    ['main/0', 'main/1', 'main/2'],
  )
  await sharing.handOver('main/2', sharing.members[1] as SharedMembership)
  await until('it runs', () => second.run.status().length === 1)
  assert.deepEqual(
    first.run.status().map(({ task }) => task),
    ['main/0', 'main/1'],
  )
  await second.run.stop()
  await first.run.stop()
})

test('a log that is away is waited for, until the signal comes', async () => {
  let calls = 0
  const away = (): never => {
    calls += 1
    throw new MillraceError('log-unreachable', 'no broker answers')
  }
  const waits: number[] = []
  const abort = new AbortController()
  const options = {
    clock: systemClock,
    signal: abort.signal,
    onWait: (_error: unknown, inMs: number) => void waits.push(inMs),
  }
  const late = async (): Promise<string> => (calls < 1 ? away() : 'here')
  assert.equal(await whenReachable(late, options), 'here')
  assert.deepEqual(waits, [250])
  const never = whenReachable(async () => away(), options)
  abort.abort()
  await assert.rejects(never, (thrown) => isCode(thrown, 'log-unreachable'))
  const wrong = async (): Promise<never> => {
    throw new MillraceError('unknown-topic', 'no')
  }
  await assert.rejects(whenReachable(wrong, options), (thrown) => isCode(thrown, 'unknown-topic'))
})
