import { afterEach, expect } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { connectCluster } from '../wire/connect-cluster.ts'
import { joinGroup } from '../wire/requests/join-group.ts'
import type { JoinGroupOptions } from './join-group.ts'
import * as all from './test-process.ts'
import type { TestProcess } from './test-process.ts'
import { statefulTasks } from './test-tasks.ts'

const infos = statefulTasks(6)
const clock = systemClock
const processes: TestProcess[] = []

afterEach(async () => {
  await Promise.all(processes.splice(0).map((one) => all.endProcess(one)))
})

async function start(group: string, options: Partial<JoinGroupOptions> = {}): Promise<TestProcess> {
  const process = await all.startProcess(brokers, { group, infos, instanceId: null, ...options })
  processes.push(process)
  return process
}

function shared(limitMs: number, ...sizes: number[]): Promise<number> {
  const condition = (): boolean => all.areShared(processes, ...sizes)
  return all.until(condition, limitMs, () => all.describeAll(processes))
}

kafkaTest('two members share six tasks, a third joins, one leaves, one crashes', async () => {
  const group = uniqueName('group-classic')
  const a = await start(group)
  expect(a.membership.owned).toEqual(infos.map(({ task }) => task))
  await start(group)
  await shared(10_000, 3, 3)
  const before = processes.map(({ owned }) => new Set(owned))
  const third = await start(group)
  await shared(10_000, 2, 2, 2)
  // What the first two have now they had before: only what moved was taken away.
  for (const [i, set] of before.entries()) {
    for (const task of processes[i]?.owned ?? []) expect(set.has(task)).toBe(true)
  }
  for (const { membership, owned } of processes) {
    for (const task of owned) {
      expect(membership.ownership(task).identity()?.memberId).toMatch(/./)
      expect(await membership.confirm(task)).toBe(true)
    }
  }

  processes.pop()
  await third.membership.leave()
  expect(await shared(5_000, 3, 3)).toBeLessThan(1_000)
  await third.cluster.close()

  processes.shift()
  await a.cluster.close() // no word to the coordinator
  expect(await shared(10_000, 6)).toBeLessThan(3_000)
})

kafkaTest('standby copies lie with other members, and their holder takes over', async () => {
  const group = uniqueName('group-standbys')
  await start(group, { standbys: 1 })
  await start(group, { standbys: 1 })
  await start(group, { standbys: 1 })
  await shared(10_000, 2, 2, 2)
  const copies = (): string[] => processes.flatMap(({ membership }) => [...membership.standbys])
  await all.until(
    () => new Set(copies()).size === 6,
    5_000,
    () => all.describeAll(processes),
  )
  for (const { membership, owned } of processes) {
    expect(membership.standbys.length).toBe(2)
    for (const task of membership.standbys) expect(owned.has(task)).toBe(false)
  }
  const gone = processes.pop() as TestProcess
  const heirs = processes.map(({ membership }) => new Set(membership.standbys))
  const moved = [...gone.owned]
  await gone.membership.leave()
  await shared(5_000, 3, 3)
  await gone.cluster.close()
  const warm = moved.filter((task) =>
    processes.some((p, i) => p.owned.has(task) && heirs[i]?.has(task)),
  )
  // Both copies may lie with one heir, of which evenness lets it take one only.
  expect(warm.length).toBeGreaterThanOrEqual(1)
})

kafkaTest('a static member that restarts has its tasks back at once', async () => {
  const group = uniqueName('group-static')
  const a = await start(group, { instanceId: 'one' })
  const b = await start(group, { instanceId: 'two' })
  await shared(10_000, 3, 3)
  const tasks = [...b.owned]
  processes.pop()
  await b.cluster.close() // no word to the coordinator
  const startMs = clock.monotonic()
  const again = await start(group, { instanceId: 'two' })
  expect(clock.monotonic() - startMs).toBeLessThan(1_000)
  expect([...again.owned]).toEqual(tasks)
  expect(a.owned.size).toBe(3)

  // The leader, too.
  processes.shift()
  await a.cluster.close()
  const leader = await start(group, { instanceId: 'one' })
  expect(leader.owned).toEqual(a.owned)
  await start(group, { instanceId: 'three' })
  await shared(10_000, 2, 2, 2)
})

kafkaTest('of two processes with one instance id one ends, the other has all', async () => {
  const group = uniqueName('group-fenced')
  await start(group, { instanceId: 'one' })
  await start(group, { instanceId: 'one' })
  const isOver = ({ membership }: TestProcess): boolean => membership.rejoins === false
  await all.until(
    () => processes.filter(isOver).length === 1,
    10_000,
    () => all.describeAll(processes),
  )
  const [ended] = processes.splice(processes.findIndex(isOver), 1)
  expect(ended?.log.join()).toContain('another process has joined with the same instance id one')
  expect(ended?.membership.ownership('main/0').identity()).toBeNull()
  expect(ended?.owned.size).toBe(0)
  await shared(10_000, 6)
  await ended?.cluster.close()
})

kafkaTest('a group of ordinary consumers is left alone', async () => {
  const group = uniqueName('group-consumers')
  const cluster = await connectCluster({ brokers, clock })
  const request = {
    group,
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 6_000,
    memberId: '',
    instanceId: 'consumer',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    reason: null,
  }
  expect((await cluster.send({ group }, joinGroup, request)).code).toBe(0)
  await expect(start(group)).rejects.toMatchObject({ code: 'log-unsupported' })
  await cluster.close()
})

kafkaTest('a member with other tasks is refused, and told in what they differ', async () => {
  const group = uniqueName('group-plan')
  const a = await start(group)
  await expect(start(group, { infos: statefulTasks(4) })).rejects.toMatchObject({
    code: 'invalid-plan',
    message: expect.stringContaining(
      "it has 'part main: 4 tasks with state on orders (4)', the others have 'part main: 6 tasks",
    ),
  })
  await shared(5_000, 6)
  expect(a.log.filter((line) => line.startsWith('fenced'))).toEqual([])
})

kafkaTest('a session time-out that the broker does not allow is refused', async () => {
  const group = uniqueName('group-session')
  await expect(start(group, { sessionTimeoutMs: 5 })).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringMatching(
      /does not allow a session time-out of 5 ms: from \d+ \(group.min.session.timeout.ms\) to \d+/,
    ),
  })
})
