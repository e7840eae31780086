import { expect, test } from 'vitest'
import { ModelWorld } from './model-world.ts'
import type { ModelProcess } from './model-process.ts'
import { statefulTasks } from './test-tasks.ts'

const six = statefulTasks(6).map(({ task }) => task)

async function twoMembers(): Promise<{ world: ModelWorld; a: ModelProcess; b: ModelProcess }> {
  const world = new ModelWorld()
  const a = world.start()
  await world.until(() => world.isShared(a))
  const b = world.start()
  await world.until(() => world.isShared(a, b))
  return { world, a, b }
}

test('the first member owns all, before it is told anything', async () => {
  const world = new ModelWorld()
  const a = world.start()
  await world.until(() => a.membership !== null)
  expect(a.membership?.owned).toEqual(six)
  expect(a.membership?.rejoins).toBe(true)
  expect(a.membership?.describe()).toMatch(/member m1 of group 'g', generation 1, stable, 6 tasks/)
  expect(a.log).toEqual([`started ${six.join()}`])
})

test('a member whose group has no task left owns none', async () => {
  const world = new ModelWorld(1, statefulTasks(1))
  const a = world.start()
  await world.until(() => a.membership !== null)
  const b = world.start()
  await world.until(() => b.membership !== null)
  expect(b.membership?.owned).toEqual([])
})

test('a task that moves is with its owner until that has closed it; the others go on', async () => {
  const world = new ModelWorld()
  const a = world.start()
  await world.until(() => world.isShared(a))
  a.closeMs = 3_000
  const b = world.start()
  await world.until(() => a.log.includes('rebalanced + -main/3,main/4,main/5'))
  const startMs = world.clock.monotonic()
  await world.run(2_900)
  // Its last commit can be made, and its other tasks go on; nothing has been given away.
  for (const task of six) expect(a.membership?.ownership(task).identity()).not.toBeNull()
  expect(b.working.size).toBe(0)
  expect(a.membership?.owned).toEqual(['main/0', 'main/1', 'main/2'])
  expect(await confirmed(world, a, 'main/3')).toBe(false)
  expect(await confirmed(world, a, 'main/0')).toBe(true)
  await world.until(() => world.isShared(a, b))
  expect(world.clock.monotonic() - startMs).toBeLessThan(4_000)
  expect(a.log.filter((line) => line.startsWith('fenced'))).toEqual([])
})

test('a task that is not closed within the rebalance time-out is handed over', async () => {
  const world = new ModelWorld()
  const options = { rebalanceTimeoutMs: 5_000 }
  const a = world.start(options)
  await world.until(() => world.isShared(a))
  a.closeMs = 1_000_000
  const b = world.start(options)
  await world.until(() => b.working.size === 3, 10_000)
  expect(a.log.join()).toContain('hand-over-late: main/3, main/4, main/5 were not closed')
  expect(a.membership?.ownership('main/3').identity()).toBeNull()
  expect(a.membership?.ownership('main/0').identity()).not.toBeNull()
})

test('whoever stays keeps its tasks when others come and go', async () => {
  const { world, a, b } = await twoMembers()
  const before = [...a.working]
  void b.membership?.leave()
  const ms = await world.until(() => world.isShared(a))
  expect(ms).toBeLessThan(1_000)
  for (const task of before) {
    const lost = a.log.filter((line) => line.split('-')[1]?.split(',').includes(task))
    expect(lost).toEqual([])
  }
  expect(b.membership?.owned).toEqual([])
  expect(b.membership?.ownership('main/0').identity()).toBeNull()
  await b.membership?.leave()
  expect(b.link.sent.filter((name) => name === 'LeaveGroup').length).toBe(1)
})

test('a crash hands the tasks over within the session time-out and a second', async () => {
  const { world, a, b } = await twoMembers()
  world.crash(b)
  const ms = await world.until(() => world.isShared(a))
  expect(ms).toBeLessThan(11_000)
})

test('a static member that restarts has its tasks back without a rebalance', async () => {
  const world = new ModelWorld()
  const a = world.start({ instanceId: 'a' })
  await world.until(() => world.isShared(a))
  const b = world.start({ instanceId: 'b' })
  await world.until(() => world.isShared(a, b))
  const { rebalances } = world.coordinator
  for (const old of [b, a]) {
    world.crash(old)
    const tasks = [...old.working]
    const again = world.start({ instanceId: old === a ? 'a' : 'b' })
    const ms = await world.until(() => again.membership !== null)
    expect(ms).toBeLessThan(100)
    expect([...again.working]).toEqual(tasks)
  }
  expect(world.coordinator.rebalances).toBe(rebalances)
})

test('tasks that a leader was about to give up are not forgotten when it restarts', async () => {
  const world = new ModelWorld()
  const a = world.start({ instanceId: 'a' })
  await world.until(() => world.isShared(a))
  a.closeMs = 5_000
  const b = world.start({ instanceId: 'b' })
  await world.until(() => a.log.some((line) => line.includes('-main/3')))
  world.crash(a)
  const again = world.start({ instanceId: 'a' })
  await world.until(() => world.isShared(again, b), 5_000)
})

test('a static member gets its tasks back through a rebalance, too', async () => {
  const world = new ModelWorld()
  const a = world.start({ instanceId: 'a' })
  await world.until(() => world.isShared(a))
  const b = world.start({ instanceId: 'b' })
  await world.until(() => world.isShared(a, b))
  const tasks = [...b.working]
  world.crash(b)
  world.start({ instanceId: 'c' })
  await world.until(() => world.coordinator.state === 'preparing')
  const again = world.start({ instanceId: 'b' })
  await world.until(() => again.membership !== null)
  const kept = [...again.working].filter((task) => tasks.includes(task))
  expect(kept.length).toBe(2)
})

test('a rebalance that another member holds up takes nobody the right to commit', async () => {
  const { world, a, b } = await twoMembers()
  // It goes on beating, but its joins do not come through.
  b.link.scripted.set(
    'JoinGroup',
    Array.from({ length: 200 }, () => 14),
  )
  const c = world.start()
  await world.until(() => world.coordinator.state === 'preparing')
  await world.run(20_000, () => {
    world.check()
    for (const task of a.working) {
      const identity = a.membership?.ownership(task).identity()
      expect(identity).not.toBeNull()
      if (identity) expect(world.coordinator.accepts(identity)).toBe(true)
    }
  })
  b.link.scripted.clear()
  await world.until(() => world.isShared(a, b, c))
})

test('two versions of a pipeline do not share tasks: the newcomer is refused', async () => {
  const { world, a, b } = await twoMembers()
  const c = world.start({ infos: statefulTasks(4) })
  await world.until(() => c.failure !== null)
  expect(c.failure).toMatchObject({
    code: 'invalid-plan',
    message:
      "this process has other tasks than the members of group 'g' at work: " +
      "it has 'part main: 4 tasks with state on orders (4)', " +
      "the others have 'part main: 6 tasks with state on orders (6)' (pipeline 'g')",
  })
  await world.run(2_000)
  expect(world.isShared(a, b)).toBe(true)
  expect(world.coordinator.memberIds.length).toBe(2)
  expect(a.log.join()).not.toContain('-main/0')
})

test('a static member of a new version takes its old place only when it is alone', async () => {
  const world = new ModelWorld()
  const a = world.start({ instanceId: 'a' })
  await world.until(() => world.isShared(a))
  world.crash(a)
  const other = statefulTasks(4, 'orders', 'other')
  const again = world.start({ instanceId: 'a', infos: other })
  await world.until(() => again.membership !== null)
  expect(again.membership?.owned).toEqual(other.map(({ task }) => task))
})

test('changes before onChange is set are kept and told then', async () => {
  const { world, a } = await twoMembers()
  const { membership } = a
  // A second listener stands for a late one: it is told of what comes after.
  const told: string[] = []
  let free = (): void => {}
  membership?.onChange(async ({ gained, lost, reason }) => {
    told.push(`${reason} +${gained.join()} -${lost.join()}`)
    await new Promise<void>((resolve) => {
      free = resolve
    })
  })
  world.coordinator.expel(world.coordinator.memberIds[0] ?? '')
  await world.until(() => told.length === 1)
  expect(told[0]).toMatch(/^fenced \+ -main/)
  await world.run(15_000, () => {})
  expect(told.length).toBe(1) // one at a time
  free()
  await world.run(100, () => {})
  expect(told.length).toBe(2)
  expect(told[1]).toMatch(/^rebalanced \+main/)
})

async function confirmed(world: ModelWorld, one: ModelProcess, task: string): Promise<boolean> {
  let answer: boolean | null = null
  void one.membership?.confirm(task).then((is) => {
    answer = is
  })
  await world.until(() => answer !== null)
  return answer ?? false
}
