import { expect, test } from 'vitest'
import { systemClock, VirtualClock } from '../../../core/clock.ts'
import { HeldTasks } from './held-tasks.ts'

interface Made {
  readonly held: HeldTasks
  readonly clock: VirtualClock
  readonly told: string[]
  readonly events: string[]
  readonly listen: () => void
  readonly settle: (error?: Error) => Promise<void>
}

function make(): Made {
  const clock = new VirtualClock()
  const events: string[] = []
  const told: string[] = []
  let pending: PromiseWithResolvers<void> | null = null
  const held = new HeldTasks({
    clock,
    tasks: ['a', 'b', 'c'],
    handOverMs: 1_000,
    notify: ({ kind }) => events.push(kind),
  })
  const listen = (): void =>
    held.onChange(({ gained, lost, reason }) => {
      told.push(`${reason} +${gained.join()} -${lost.join()}`)
      pending = Promise.withResolvers()
      return pending.promise
    })
  const settle = async (error?: Error): Promise<void> => {
    if (error === undefined) pending?.resolve()
    else pending?.reject(error)
    await systemClock.nextTurn()
  }
  return { held, clock, told, events, listen, settle }
}

test('changes before anyone listens are kept, and told one at a time', async () => {
  const { held, told, listen, settle } = make()
  held.start(['b', 'a'])
  expect(held.owned).toEqual(['a', 'b'])
  held.gain(['c'])
  let isFree = false
  void held.release(['a']).then(() => (isFree = true))
  await systemClock.nextTurn()
  expect([held.owned, held.leaving]).toEqual([['b', 'c'], ['a']])
  listen()
  expect(told).toEqual(['rebalanced +c -'])
  await settle()
  expect(told).toEqual(['rebalanced +c -', 'rebalanced + -a'])
  expect([isFree, held.holds('a'), held.owns('a')]).toEqual([false, true, false])
  await settle()
  expect([isFree, held.holds('a')]).toEqual([true, false])
})

test('what was dropped is told once, with what was not told before', async () => {
  const { held, told, listen, settle } = make()
  held.start(['a', 'b'])
  let isFree = false
  void held.release(['a']).then(() => (isFree = true))
  held.dropAll()
  await systemClock.nextTurn()
  expect([isFree, held.owned, held.leaving]).toEqual([true, [], []])
  held.gain(['c'])
  held.dropAll()
  held.gain(['a'])
  listen()
  expect(told).toEqual(['fenced + -a,b,c'])
  await settle()
  expect(told.slice(1)).toEqual(['rebalanced +a -'])
})

test('a task not let go in time is free; a listener that throws is no obstacle', async () => {
  const { held, clock, events, listen, settle } = make()
  held.start(['a', 'b'])
  listen()
  let isFree = false
  void held.release(['a']).then(() => (isFree = true))
  clock.advance(999)
  await systemClock.nextTurn()
  expect(isFree).toBe(false)
  clock.advance(1)
  await systemClock.nextTurn()
  expect([isFree, events]).toEqual([true, ['hand-over-late']])
  await settle(new Error('no'))
  expect(events).toEqual(['hand-over-late', 'tell-failed'])
  void held.release(['b'])
  await settle()
  expect(held.holds('b')).toBe(false)
})

test('after close nothing is told', async () => {
  const { held, told, listen } = make()
  held.start(['a'])
  listen()
  held.close()
  held.dropAll()
  await systemClock.nextTurn()
  expect([held.owned, told]).toEqual([[], []])
})
