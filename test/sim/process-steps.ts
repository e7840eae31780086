/** Random steps that keep state of each key: process, dedupe, changes, patterns. */
import { listState, mapState, output, pattern, valueState } from '../../src/index.ts'
import type { AfterMatch, Duration, Key, Pattern } from '../../src/index.ts'
import { grouped, grown, isStepwise, mayThrow, orderBehind, say } from './ground.ts'
import { itemOf, ms } from './item.ts'
import type { Grown, Ground, StepMaker } from './ground.ts'
import type { Item } from './item.ts'

function inOrder(from: Grown, ground: Ground): boolean {
  return from.isKeyed && orderBehind(from, ground) === 'ordered'
}

/**
 * Timers and times to live lie between records: where event time moves far at once, records that
 * it brings come before them all, of the same step of time.
 */
function inSteps(from: Grown, ground: Ground): boolean {
  return inOrder(from, ground) && mayThrow(from) && isStepwise(from, ground)
}

/** Matching goes by event time, whatever the order of arrival. */
function inTime(from: Grown, ground: Ground): boolean {
  if (!from.isKeyed || from.size > 100) return false
  return inOrder(from, ground) || (from.isTimed && orderBehind(from, ground) === 'timed')
}

interface Alert {
  readonly n: number
}

/** Counts, remembers, sets and moves timers; some records throw after they changed state. */
function process(from: Grown, ground: Ground): Grown {
  const { dice, uses, isClockFree, isStill } = ground
  const [afterMs, ofThrow, ofClear] = [dice.pick([0, 500, 4_000]), dice.between(5, 40), 13]
  // Where event time stands when the wall clock calls would have to be the same each time.
  const usesClock = !isClockFree && isStill && dice.percent(60)
  // A timer that is set for what is past by then fires later, if event time has jumped.
  const goesOn = isStill && !from.isAsync && dice.percent(50)
  if (goesOn) uses.add('process: timers that set timers')
  const ttl = dice.percent(30) ? { ttl: dice.pick<Duration>(['1s', '10s']) } : {}
  const listTtl = dice.percent(30) ? { ttl: dice.pick<Duration>(['500ms', '3s']) } : {}
  uses.add('process: timer of event time')
  if (usesClock) uses.add('process: timer of the wall clock')
  if ('ttl' in ttl || 'ttl' in listTtl) uses.add('process: ttl')
  const options = JSON.stringify({ ...ttl, afterMs, ofThrow, usesClock, goesOn, list: listTtl })
  const name = say(ground, `${from.name}.process(${options})`)
  const { main, alerts } = from.stream.process({
    state: {
      total: valueState<number>({ default: 0 }),
      seen: mapState<Key, number>(),
      recent: listState<number>(listTtl),
    },
    emits: output<unknown>(),
    outputs: { alerts: output<Alert>() },
    ...ttl,
    onRecord: ({ v }, { state, timers, time, emit, output: outputs, clear }) => {
      state.total.set(state.total.get() + v)
      state.seen.set(v % 4, (state.seen.get(v % 4) ?? 0) + 1)
      state.recent.push(v)
      if (state.recent.size > 40) state.recent.replace(state.recent.toArray().slice(-3))
      timers.event(time + afterMs + (v % 3) * 100, v % 2 === 0 ? 'even' : '')
      if (usesClock) timers.processing(farOff + (v % 5) * 60_000, `clock ${v % 2}`)
      if (v % 7 === 0) timers.cancel('event', 'even')
      if (v % ofThrow === 3) throw new Error(`${v} is refused by process`)
      if (v % 5 === 0) outputs.alerts({ n: state.recent.size })
      if (v % ofClear === 0) clear()
      emit([state.total.get(), state.seen.entries(), state.recent.size])
    },
    onTimer: ({ kind, name: timer, time }, { state, timers, emit }) => {
      emit([kind, timer, time, state.total.get(), state.recent.toArray().slice(0, 5)])
      state.seen.delete(1)
      if (goesOn && kind === 'event' && state.total.get() % 3 === 0 && state.total.get() < 500) {
        state.total.set(state.total.get() + 100)
        timers.event(time + 1_000, 'again')
      }
    },
  })
  const after = {
    ...grouped(from, ground),
    isTimed: false,
    isTimeDriven: true,
    name,
    size: from.size * 1.6,
  }
  const both = main.map(itemOf)
  if (dice.percent(50)) return grown(from, { ...after, stream: both })
  uses.add('process: second output')
  return grown(from, { ...after, stream: both.merge(alerts.map(itemOf)) })
}

/** Of the wall clock, ms: 40 minutes after a simulation begins, long after all is idle. */
const farOff = 1_577_836_800_000 + 2_400_000

function dedupe(from: Grown, ground: Ground): Grown {
  const { dice } = ground
  const [of, within] = [dice.between(1, 8), ms(dice.pick([1, 500, 5_000]))]
  const by = dice.percent(70) ? { by: ({ v }: Item) => v % of } : {}
  const what = 'by' in by ? `v % ${of}` : 'key'
  const name = say(ground, `${from.name}.dedupe({ by ${what}, within: '${within}' })`)
  const stream = from.stream.dedupe({ ...by, within })
  return grown(from, { ...grouped(from, ground), name, stream })
}

function changes(from: Grown, ground: Ground): Grown {
  const of = ground.dice.between(1, 4)
  const name = say(ground, `${from.name}.changes(v % ${of})`)
  const stream = from.stream.changes(({ v }) => v % of).map(itemOf)
  return grown(from, { ...grouped(from, ground), name, stream })
}

const policies: readonly AfterMatch<'a' | 'b'>[] = [
  'skip past last',
  'to next',
  'none',
  { toFirst: 'b' },
  { toLast: 'b' },
]

function match(from: Grown, ground: Ground): Grown {
  const { dice, uses } = ground
  const [of, within] = [dice.between(2, 4), ms(dice.pick([300, 2_000, 6_000]))]
  const [atMost, greedy] = [dice.between(1, 3), dice.percent(50)]
  const link = dice.pick(['then', 'followedBy', 'followedByAny'] as const)
  const end = dice.pick(['none', 'one', 'nothing'] as const)
  const afterMatch = dice.pick(policies)
  const begun = pattern<Item>()
    .one('a', ({ v }) => v % of === 0)
    [link].some('b', ({ v }) => v % of > 0, { atMost, greedy })
  const closed: Pattern<Item, { readonly a: Item; readonly b: Item[] }> =
    end === 'none'
      ? begun.followedBy.none('c', ({ v }) => v % 5 === 4)
      : end === 'one'
        ? begun.followedBy.one('c', ({ v }) => v % 5 === 4, { optional: true })
        : begun
  const text = `a: v % ${of} == 0, ${link} b: 1 to ${atMost}, ${greedy ? 'greedy' : 'reluctant'}`
  const rest = `end: ${end}, within ${within}, after ${JSON.stringify(afterMatch)}`
  const name = say(ground, `${from.name}.match(${text}, ${rest})`)
  const matches = from.stream.match(closed.within(within), { afterMatch })
  const after = { ...grouped(from, ground), isTimed: false, isTimeDriven: true, name }
  const order = after.order === 'ordered' ? ('ordered' as const) : ('loose' as const)
  const found = matches.map(itemOf)
  if (dice.percent(50)) return grown(from, { ...after, order, stream: found })
  uses.add('match: timedOut')
  return grown(from, { ...after, order, stream: found.merge(matches.timedOut.map(itemOf)) })
}

export const processSteps: Readonly<Record<string, StepMaker>> = {
  process: { weight: 4, may: inSteps, grow: process },
  dedupe: { weight: 3, may: inOrder, grow: dedupe },
  changes: { weight: 2, may: inOrder, grow: changes },
  match: { weight: 4, may: inTime, grow: match },
}
