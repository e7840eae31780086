import { expect, test } from 'vitest'
import { ModelWorld } from './model-world.ts'
import type { ModelProcess } from './model-process.ts'

async function one(
  options: Parameters<ModelWorld['start']>[0] = {},
): Promise<{ world: ModelWorld; a: ModelProcess }> {
  const world = new ModelWorld()
  const a = world.start(options)
  await world.until(() => world.isShared(a))
  return { world, a }
}

const lines = (a: ModelProcess, start: string): string[] =>
  a.log.filter((line) => line.startsWith(start))

for (const [code, why] of [
  [22, 'the group has gone on without this member'],
  [25, 'the coordinator does not know this member any more'],
] as const) {
  test(`heartbeat ${code}: all is dropped at once, then joined anew`, async () => {
    const { world, a } = await one()
    a.link.scripted.set('Heartbeat', [code])
    await world.until(() => lines(a, 'fenced +').length > 0)
    expect(a.membership?.rejoins).toBe(true)
    expect(lines(a, 'fenced:')).toEqual([`fenced: membership of group 'g' was lost: ${why}`])
    await world.until(() => world.isShared(a))
    expect(lines(a, 'rebalanced')).toEqual([
      'rebalanced +main/0,main/1,main/2,main/3,main/4,main/5 -',
    ])
  })
}

test('heartbeat 27: joins again, and goes on with all it has', async () => {
  const { world, a } = await one()
  a.link.scripted.set('Heartbeat', [27])
  const joins = a.link.sent.filter((name) => name === 'JoinGroup').length
  await world.until(() => a.link.sent.filter((name) => name === 'JoinGroup').length > joins)
  await world.run(100)
  expect(world.isShared(a)).toBe(true)
  expect(a.log.length).toBe(1)
})

for (const code of [15, 16]) {
  test(`heartbeat ${code}: the coordinator is looked up anew`, async () => {
    const { world, a } = await one()
    const before = a.link.forgotten
    a.link.scripted.set('Heartbeat', [code, code])
    await world.run(2_000)
    expect(a.link.forgotten).toBe(before + 2)
    expect(world.isShared(a)).toBe(true)
    expect(a.log.length).toBe(1)
  })
}

for (const code of [14, -1]) {
  test(`heartbeat ${code}: tried again until the session must be over`, async () => {
    const { world, a } = await one()
    a.link.scripted.set('Heartbeat', [code, code, code])
    await world.run(3_000)
    expect(lines(a, 'fenced')).toEqual([])
    a.link.scripted.set(
      'Heartbeat',
      Array.from({ length: 30 }, () => code),
    )
    await world.until(() => lines(a, 'fenced +').length > 0, 11_000)
  })
}

test('heartbeat 30: refused for good', async () => {
  const { world, a } = await one()
  a.link.scripted.set('Heartbeat', [30])
  await world.until(() => lines(a, 'fenced +').length > 0)
  expect(a.membership?.rejoins).toBe(false)
  expect(lines(a, 'fenced:').join()).toContain('the login may not read it')
  await world.run(3_000)
  expect(a.membership?.owned).toEqual([])
  expect(a.membership?.describe()).toContain('ended: cannot be a member')
})

test('heartbeat 82: another process has our instance id, for good', async () => {
  const { world, a } = await one({ instanceId: 'i' })
  await world.run(11_000)
  const b = world.start({ instanceId: 'i' })
  await world.until(() => world.isShared(b) && lines(a, 'fenced +').length > 0)
  expect(a.membership?.rejoins).toBe(false)
  await world.run(20_000)
  expect(world.isShared(b)).toBe(true)
  expect(world.coordinator.memberIds.length).toBe(1)
})

test('two that start with one instance id: one of them ends', async () => {
  const { world, a } = await one({ instanceId: 'i' })
  const b = world.start({ instanceId: 'i' })
  await world.run(5_000)
  const ended = [a, b].filter(({ membership }) => membership?.rejoins === false)
  expect(ended.length).toBe(1)
  expect(world.isShared(ended[0] === a ? b : a)).toBe(true)
})

test('82 for a join of our own that was given up for lost is no reason to end', async () => {
  const world = new ModelWorld()
  const a = world.start({ instanceId: 'i' })
  a.link.faults.loseAnswer = 1000 // the first join is carried out, and not answered
  await world.until(() => a.link.forgotten > 0)
  a.link.faults.loseAnswer = 0
  a.link.scripted.set('Heartbeat', [82])
  await world.until(() => lines(a, 'fenced +').length > 0)
  await world.until(() => world.isShared(a))
  expect(a.membership?.rejoins).toBe(true)
  expect(lines(a, 'fenced:').join()).toContain('a delayed request of this process')
})

for (const [code, error] of [
  [23, 'log-unsupported'],
  [24, 'invalid-argument'],
  [26, 'invalid-argument'],
  [30, 'not-authorised'],
  [69, 'log-unsupported'],
  [81, 'log-unsupported'],
  [82, 'task-fenced'],
] as const) {
  test(`join ${code}: ${error}`, async () => {
    const world = new ModelWorld()
    const a = world.start()
    // 82 may come of delayed requests a few times.
    a.link.scripted.set('JoinGroup', code === 82 ? [code, code, code, code] : [code])
    await world.until(() => a.failure !== null)
    expect(a.failure).toMatchObject({ code: error })
    await world.run(15_000)
    expect(world.coordinator.memberIds).toEqual([])
  })
}

for (const code of [14, 15, 16, 22, 25, 27, -1]) {
  test(`join and sync ${code}: tried again`, async () => {
    const world = new ModelWorld()
    const a = world.start()
    a.link.scripted.set('JoinGroup', [code, code])
    a.link.scripted.set('SyncGroup', [code, code])
    // Member ids that were given away must first expire.
    await world.until(() => world.isShared(a), 40_000)
  })
}

test('a session that gets no answer ends by the clock here, and is had anew', async () => {
  const { world, a } = await one()
  a.link.faults.isCut = true
  await world.run(9_000)
  expect(a.membership?.ownership('main/0').identity()).not.toBeNull()
  await world.until(() => lines(a, 'fenced +').length > 0, 2_000)
  expect(lines(a, 'fenced:').join()).toContain('no heartbeat was answered')
  expect(a.membership?.ownership('main/0').identity()).toBeNull()
  await world.run(120_000) // away for minutes
  expect(a.membership?.rejoins).toBe(true)
  a.link.faults.isCut = false
  expect(await world.until(() => world.isShared(a))).toBeLessThan(3_000)
})

test('a blocked event loop is told, with what came of it', async () => {
  const { world, a } = await one()
  await world.run(2_000)
  a.clock.pause()
  await world.run(6_000)
  a.clock.resume()
  await world.run(100)
  expect(a.log.slice(1)).toEqual([
    expect.stringMatching(/^blocked: .* for 5[5-9]\d\d ms; the group membership was kept$/),
  ])

  a.clock.pause()
  await world.run(15_000)
  expect(a.membership?.ownership('main/0').identity()).toBeNull() // before any timer has run
  a.clock.resume()
  await world.until(() => world.isShared(a), 3_000)
  expect(lines(a, 'blocked').at(-1)).toMatch(
    /for 14\d\d\d ms, over the session time-out of 10000 ms; the group membership was lost$/,
  )
  expect(lines(a, 'fenced +').length).toBe(1)
})

test('a coordinator that moves takes nothing away', async () => {
  const { world, a } = await one()
  const b = world.start()
  await world.until(() => world.isShared(a, b))
  world.coordinator.move()
  await world.run(5_000)
  expect(world.isShared(a, b)).toBe(true)
  expect([...lines(a, 'fenced'), ...lines(b, 'fenced')]).toEqual([])
})

test('a join that waits at a broker that hangs is given up once another answers', async () => {
  const { world, a } = await one()
  a.link.scripted.set('Heartbeat', [27])
  const never = new Promise<never>(() => {})
  const join = world.coordinator.join.bind(world.coordinator)
  world.coordinator.join = () => never
  await world.run(1_000)
  world.coordinator.join = join
  a.link.scripted.set('Heartbeat', [16])
  await world.until(() => !(a.membership?.describe() ?? '').includes('joining'), 3_000)
  expect(lines(a, 'fenced')).toEqual([])
  expect(world.isShared(a)).toBe(true)
})

test('confirm and settled: asked anew, and waiting for a rebalance to end', async () => {
  const { world, a } = await one()
  const ownership = a.membership?.ownership('main/0')
  const generation = ownership?.identity()?.generation ?? 0
  // Another member joins; the commit in between is refused with 22.
  world.start()
  const settled = ask(() => ownership?.settled())
  const confirmed = ask(() => a.membership?.confirm('main/0'))
  const unknown = ask(() => a.membership?.confirm('no such task'))
  await world.until(() => [settled, confirmed, unknown].every(({ isDone }) => isDone))
  expect(confirmed.value).toBe(true)
  expect(unknown.value).toBe(false)
  await world.run(3_000)
  const later = ask(() => ownership?.settled())
  await world.until(() => later.isDone)
  expect(later.value).toMatchObject({ memberId: 'm1', instanceId: null })
  expect(ownership?.identity()?.generation).toBeGreaterThan(generation)

  a.link.faults.isCut = true
  const cut = ask(() => a.membership?.confirm('main/0'))
  const startMs = world.clock.monotonic()
  await world.until(() => cut.isDone)
  expect(cut.value).toBe(false)
  expect(world.clock.monotonic() - startMs).toBeLessThan(12_000)
})

function ask<T>(question: () => Promise<T> | undefined): { isDone: boolean; value: T | undefined } {
  const asked: { isDone: boolean; value: T | undefined } = { isDone: false, value: undefined }
  void question()?.then((value) => {
    asked.value = value
    asked.isDone = true
  })
  return asked
}
