import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shareOut, type ShareMember, type Shares, type ShareTask } from './share-out.ts'

const fresh = (id: string, holds: readonly string[] = [], warm: string[] = []): ShareMember => ({
  id,
  holds,
  warm,
  standbys: [],
})

function tasksOf(stateful: number, stateless: number): ShareTask[] {
  return [
    ...Array.from({ length: stateful }, (_, i) => ({ task: `s/${i}`, isStateful: true })),
    ...Array.from({ length: stateless }, (_, i) => ({ task: `p/${i}`, isStateful: false })),
  ]
}

interface Case {
  readonly tasks: readonly ShareTask[]
  readonly members: readonly ShareMember[]
  readonly copies: number
}

const anyCase: fc.Arbitrary<Case> = fc
  .record({ stateful: fc.nat(12), stateless: fc.nat(8), size: fc.integer({ min: 1, max: 6 }) })
  .chain(({ stateful, stateless, size }) => {
    const tasks = tasksOf(stateful, stateless)
    // Each task's holder (none where it is `size`), and who has a copy of it.
    const holder = fc.array(fc.nat(size), { minLength: tasks.length, maxLength: tasks.length })
    const some = fc.subarray(tasks.map(({ task }) => task))
    const lists = fc.array(some, { minLength: size, maxLength: size })
    return fc
      .record({ holder, warm: lists, standbys: lists, copies: fc.nat(2) })
      .map(({ holder: by, warm, standbys, copies }) => ({
        tasks,
        copies,
        members: Array.from({ length: size }, (_, i) => ({
          id: `m${i}`,
          holds: tasks.flatMap(({ task }, t) => (by[t] === i ? [task] : [])),
          warm: warm[i] ?? [],
          standbys: (standbys[i] ?? []).filter((task) => task.startsWith('s')),
        })),
      }))
  })

const run = ({ tasks, members, copies }: Case): Shares => shareOut(tasks, members, copies)
const spread = (sizes: readonly number[]): number => Math.max(...sizes) - Math.min(...sizes)

function sizes(lists: Iterable<readonly string[]>, prefix = ''): number[] {
  return [...lists].map((list) => list.filter((task) => task.startsWith(prefix)).length)
}

test('every task has one member, spread evenly by kind and in all', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const { active } = run(one)
      const all = [...active.values()].flat()
      expect(all.toSorted()).toEqual(one.tasks.map(({ task }) => task).toSorted())
      expect(spread(sizes(active.values(), 's'))).toBeLessThanOrEqual(1)
      expect(spread(sizes(active.values(), 'p'))).toBeLessThanOrEqual(1)
      expect(spread(sizes(active.values()))).toBeLessThanOrEqual(1)
    }),
  )
})

test('a member keeps what it holds up to its share, so that nothing moves needlessly', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const { active } = run(one)
      for (const { id, holds } of one.members) {
        const mine = active.get(id) ?? []
        for (const kind of ['s', 'p']) {
          const held = holds.filter((task) => task.startsWith(kind))
          const kept = mine.filter((task) => held.includes(task))
          const share = mine.filter((task) => task.startsWith(kind))
          expect(kept.length).toBe(Math.min(held.length, share.length))
        }
      }
      // With state, no other even spread would have kept more.
      const stateful = one.tasks.filter(({ isStateful }) => isStateful).length
      const least = Math.floor(stateful / one.members.length)
      const extras = stateful % one.members.length
      const held = one.members.map((m) => m.holds.filter((task) => task.startsWith('s')).length)
      const best =
        held.reduce((sum, n) => sum + Math.min(n, least), 0) +
        Math.min(extras, held.filter((n) => n > least).length)
      const kept = one.members.flatMap(({ id, holds }) =>
        (active.get(id) ?? []).filter((task) => task.startsWith('s') && holds.includes(task)),
      )
      expect(kept.length).toBe(best)
    }),
  )
})

test('sharing the result out again changes nothing', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const first = run(one)
      const members = one.members.map(({ id, warm }) => ({
        id,
        warm,
        holds: first.active.get(id) ?? [],
        standbys: first.standbys.get(id) ?? [],
      }))
      const again = run({ ...one, members })
      expect([...again.active]).toEqual([...first.active])
      expect([...again.standbys]).toEqual([...first.standbys])
    }),
  )
})

test('the order in which members come does not matter', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const turned = run({ ...one, members: one.members.toReversed() })
      expect([...turned.active]).toEqual([...run(one).active])
      expect([...turned.standbys]).toEqual([...run(one).standbys])
    }),
  )
})

test('standby copies lie on others than the owner, as many as there are members for', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const { active, standbys } = run(one)
      const wanted = Math.min(one.copies, one.members.length - 1)
      for (const { task, isStateful } of one.tasks) {
        const holders = [...standbys].filter(([, list]) => list.includes(task))
        expect(holders.length).toBe(isStateful ? wanted : 0)
        for (const [id] of holders) expect(active.get(id)).not.toContain(task)
      }
      expect(spread(sizes(standbys.values()))).toBeLessThanOrEqual(2)
    }),
  )
})

test('a task that moves goes to the member that has its copy', () => {
  const tasks = tasksOf(4, 0)
  const members = [
    fresh('a', ['s/0', 's/1', 's/2', 's/3']),
    fresh('b', [], ['s/1']),
    fresh('c', [], ['s/3']),
  ]
  const { active } = shareOut(tasks, members, 0)
  expect(active.get('b')).toEqual(['s/1'])
  expect(active.get('c')).toEqual(['s/3'])
})

test('the heir of a task is whoever had its standby copy', () => {
  const members = [
    { ...fresh('a', ['s/0', 's/1']), warm: ['s/4'] },
    { ...fresh('b', ['s/2', 's/3']), warm: ['s/5'] },
  ]
  const { active } = shareOut(tasksOf(6, 0), members, 0)
  expect(active.get('a')).toEqual(['s/0', 's/1', 's/4'])
  expect(active.get('b')).toEqual(['s/2', 's/3', 's/5'])
})

test('no members get nothing', () => {
  expect(shareOut(tasksOf(2, 2), [], 1).active.size).toBe(0)
})
