import { expect, test } from 'vitest'
import { lead, type LedMember, type LeadOptions } from './lead.ts'
import { planShape, shapeDifference } from './plan-shape.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  encodingOf,
  type Subscription,
} from './subscription.ts'
import { statefulTasks } from './test-tasks.ts'

const infos = statefulTasks(4)
const plan = planShape(infos)
const options: LeadOptions = { leader: 'a', infos, plan, copies: 0, given: new Map() }

function member(memberId: string, said: Partial<Subscription> = {}, instanceId = ''): LedMember {
  const nothing = { owned: [], leaving: [], warm: [], standbys: [], generation: 1, round: 0 }
  const subscription = { plan, ...nothing, ...said }
  return { memberId, instanceId: instanceId === '' ? null : instanceId, subscription }
}

const tasks = (...indexes: number[]): string[] => indexes.map((index) => `main/${index}`)

test('what moves is only taken away at first, and given when it is free', () => {
  const first = lead([member('a', { owned: tasks(0, 1, 2, 3) }), member('b')], options)
  expect(first.get('a')).toMatchObject({ tasks: tasks(0, 1), revoke: tasks(2, 3) })
  expect(first.get('b')).toMatchObject({ tasks: [], revoke: [] })
  const closing = member('a', { owned: tasks(0, 1), leaving: tasks(3) })
  const second = lead([closing, member('b')], options)
  expect(second.get('a')).toMatchObject({ tasks: tasks(0, 1), revoke: tasks(3) })
  expect(second.get('b')).toMatchObject({ tasks: tasks(2) })
})

test('of two that say they own a task the later generation is right', () => {
  const old = member('a', { owned: tasks(0, 1), generation: 3 })
  const result = lead([old, member('b', { owned: tasks(0, 2), generation: 5 })], options)
  expect(result.get('b')?.tasks).toEqual(tasks(0, 2))
  expect(result.get('a')).toMatchObject({ tasks: tasks(1, 3), revoke: tasks(0) })
})

test('an instance that comes back gets what it was given', () => {
  const given = new Map([['two', tasks(0, 1)]])
  const result = lead([member('a'), member('b', {}, 'two')], { ...options, given })
  expect(result.get('b')?.tasks).toEqual(tasks(0, 1))
})

test('standby copies never lie where the task is, or is being closed', () => {
  const both = [
    member('a', { owned: tasks(0, 1), leaving: tasks(2) }),
    member('b', { owned: tasks(3) }),
  ]
  const result = lead(both, { ...options, copies: 1 })
  expect(result.get('a')?.standbys).toEqual(tasks(3))
  expect(result.get('b')?.standbys).toEqual(tasks(0, 1))
})

test('members at work stay, whoever leads; who differs is refused', () => {
  const other = planShape(statefulTasks(3))
  const newcomer = member('a', { plan: other })
  const old = member('b', { owned: tasks(0, 1, 2, 3) })
  // The newcomer leads: it does not know the others' tasks, so everything stays as it is.
  const led = lead([newcomer, old], { ...options, plan: other, infos: statefulTasks(3) })
  expect(led.get('a')?.refused).toContain("it has 'part main: 3 tasks with state on orders (3)'")
  expect(led.get('b')).toMatchObject({ tasks: tasks(0, 1, 2, 3), refused: null })

  const unread: LedMember = { memberId: 'c', instanceId: null, subscription: null }
  const result = lead([member('a', { owned: tasks(0) }), unread], options)
  expect(result.get('c')?.refused).toContain('not understood')
  expect(result.get('a')?.tasks).toEqual(tasks(0, 1, 2, 3))
})

test('plans differ by name, order, input and state; the difference is told', () => {
  const variants = [
    statefulTasks(3),
    statefulTasks(4, 'other'),
    statefulTasks(4, 'orders', 'part'),
    infos.toReversed(),
    infos.map((info) => ({ ...info, isStateful: false })),
    infos.map((info) => ({ ...info, task: `${info.task}x` })),
  ].map(planShape)
  expect(new Set([plan, ...variants].map(({ hash }) => hash)).size).toBe(7)
  expect(planShape(statefulTasks(4))).toEqual(plan)
  expect(shapeDifference(variants[5] ?? plan, plan)).toBe(
    'the same parts, but other task names or order',
  )
  const many = { hash: 'x', parts: Array.from({ length: 7 }, (_, i) => `part ${i}`) }
  expect(shapeDifference(many, plan)).toContain("'part 4' and 2 more, the others have 'part main")
  expect(shapeDifference({ hash: 'x', parts: [] }, plan)).toContain('it has nothing beside that')
})

test('subscriptions and assignments come back as they were; others are not understood', () => {
  const encoding = encodingOf(infos)
  const { subscription } = member('a', { owned: tasks(0, 1), leaving: tasks(2), generation: 7 })
  if (subscription === null) throw new Error('no subscription')
  const bytes = encodeSubscription(subscription, encoding)
  expect(decodeSubscription(bytes)).toEqual(subscription)
  const assignment = {
    plan: plan.hash,
    tasks: tasks(0),
    standbys: tasks(1),
    revoke: tasks(2),
    refused: null,
  }
  const answer = encodeAssignment(assignment, encoding)
  expect(decodeAssignment(answer)).toEqual(assignment)
  for (const cut of [0, 1, 5, bytes.length - 30]) {
    expect(decodeSubscription(bytes.subarray(0, cut))).toBeNull()
    expect(decodeAssignment(answer.subarray(0, Math.min(cut, 40)))).toBeNull()
  }
  // An ordinary consumer's: version 3, no topics, no user data.
  const plain = Buffer.from('000300000000ffffffff00000000ffffffffffff', 'hex')
  expect(decodeSubscription(plain)).toBeNull()
})
