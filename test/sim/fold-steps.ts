/** Random folds: windows of every kind and emission, running results, aggregates of every kind. */
import {
  aggregator,
  approxDistinct,
  argMax,
  argMin,
  calendar,
  collect,
  count,
  countWindow,
  cumulative,
  distinct,
  ewma,
  first,
  globalWindow,
  histogram,
  last,
  max,
  mean,
  min,
  onCount,
  onInterval,
  quantile,
  session,
  sliding,
  stddev,
  sum,
  topK,
  trailing,
  tumbling,
  variance,
} from '../../src/index.ts'
import type { AggregatorOf, WindowOptions, WindowSpec } from '../../src/index.ts'
import type { Dice } from './dice.ts'
import { grouped, grown, isStepwise, mayThrow, orderBehind, say } from './ground.ts'
import { itemOf, ms } from './item.ts'
import type { Grown, Ground, Order, StepMaker } from './ground.ts'
import type { Item } from './item.ts'

interface TestedAggregator {
  readonly make: () => AggregatorOf<Item, unknown>
  /** Does not depend on the order of the records, also in its last bits. */
  readonly commutes: boolean
  readonly throws: boolean
}

const ofV = ({ v }: Item): number => v
const ofV3 = ({ v }: Item): number => v % 3
const inOrder = (make: () => AggregatorOf<Item, unknown>): TestedAggregator => {
  return { make, commutes: false, throws: false }
}
const anyOrder = (make: () => AggregatorOf<Item, unknown>): TestedAggregator => {
  return { make, commutes: true, throws: false }
}

const aggregators: Readonly<Record<string, TestedAggregator>> = {
  count: anyOrder(() => count()),
  sum: anyOrder(() => sum(ofV)),
  'sum of fractions': inOrder(() => sum(({ v }) => v / 10)),
  'sum, refuses 17': {
    make: () =>
      sum(({ v }) => {
        if (v === 17) throw new Error('17 is refused')
        return v
      }),
    commutes: true,
    throws: true,
  },
  mean: anyOrder(() => mean(ofV)),
  min: anyOrder(() => min(ofV)),
  max: anyOrder(() => max(({ v }) => `${v}`)),
  distinct: anyOrder(() => distinct(({ v }) => (v % 4 === 0 ? null : v % 3))),
  approxDistinct: anyOrder(() => approxDistinct(ofV, { precision: 8 })),
  histogram: anyOrder(() => histogram(ofV, [10, 100, 500])),
  quantile: anyOrder(() => quantile(ofV, [0.1, 0.5, 1])),
  topK: anyOrder(() => topK(ofV3, 2)),
  first: inOrder(() => first(ofV)),
  last: inOrder(() => last(ofV)),
  collect: inOrder(() => collect(ofV)),
  argMin: inOrder(() => argMin(ofV3, ofV)),
  argMax: inOrder(() => argMax(ofV3, ofV)),
  variance: inOrder(() => variance(ofV)),
  stddev: inOrder(() => stddev(ofV, { population: true })),
  'ewma by record': inOrder(() => ewma(ofV, { alpha: 0.5 })),
  'ewma by time': inOrder(() => ewma(ofV, { halfLife: '1s', time: ({ v }) => v * 100 })),
  'an own aggregator': inOrder(() =>
    aggregator<Item, string>({
      init: () => '',
      add: (text, { v }) => `${text} ${v}`,
      merge: (one, other) => one + other,
    }),
  ),
}

type Fields = Readonly<Record<string, AggregatorOf<Item, unknown>>>

/** One to four aggregates: of those that a step can use. */
export function drawFields(
  ground: Ground,
  fits: (one: AggregatorOf<Item, unknown>, tested: TestedAggregator) => boolean,
): { readonly text: string; readonly fields: Fields } {
  const fitting = Object.entries(aggregators).filter(([, one]) => fits(one.make(), one))
  const drawn = ground.dice.some(fitting, 1, 4)
  for (const [name] of drawn) ground.uses.add(`aggregate: ${name}`)
  const fields = drawn.map(([name, { make }]) => [name.replaceAll(/\W/g, '_'), make()] as const)
  return { text: drawn.map(([name]) => name).join(', '), fields: Object.fromEntries(fields) }
}

/** What aggregates look like to the types, where their names are drawn. */
export function asArgument(fields: Fields): { readonly result: AggregatorOf<Item, unknown> } {
  return fields as unknown as { readonly result: AggregatorOf<Item, unknown> }
}

interface DrawnWindow {
  readonly name: string
  readonly text: string
  readonly spec: WindowSpec
  readonly needs: 'order' | 'nothing'
  /** The wall clock, or a count, closes it. */
  readonly canBeLate: boolean
  readonly merges: boolean
  readonly growth: number
}

interface WindowDraw {
  readonly order: Order
  readonly mayFollowClock: boolean
  /** All records that have come until an instant of event time are always the same. */
  readonly isInStep: boolean
  /** Windows of a day may come: none is left open when the run ends, or nobody waits for it. */
  readonly hasDays: boolean
}

/** Places in the list of windows. */
const trailingAt = 4
const calendarAt = 5

function drawWindow(
  dice: Dice,
  { order, mayFollowClock, isInStep, hasDays }: WindowDraw,
): DrawnWindow {
  const unit = dice.pick([200, 1_000, 3_000])
  const clock = order === 'ordered' && mayFollowClock && dice.percent(40)
  const time = clock ? 'processing' : 'event'
  const timed = <S extends WindowSpec>(name: string, spec: S, growth = 1): DrawnWindow => ({
    name: clock ? `${name} of processing time` : name,
    text: JSON.stringify(spec),
    spec,
    needs: 'nothing',
    canBeLate: !clock,
    merges: name !== 'tumbling' && name !== 'calendar',
    growth,
  })
  const counted = (name: string, spec: WindowSpec, merges = false): DrawnWindow => {
    const text = JSON.stringify(spec)
    return { name, text, spec, needs: 'order', canBeLate: false, merges, growth: 0.5 }
  }
  const makers: readonly (() => DrawnWindow)[] = [
    () => timed('tumbling', tumbling(ms(5 * unit), { offset: ms(unit), time }), 0.4),
    () => timed('sliding', sliding(ms(5 * unit), { every: ms(2 * unit), time })),
    () => timed('cumulative', cumulative(ms(2 * unit), { within: ms(6 * unit), time })),
    () => timed('session', session(ms(unit), { time }), 0.5),
    () => timed('trailing', trailing(ms(2 * unit), { time })),
    () => timed('calendar', calendar('1d', { timeZone: 'Europe/Berlin', time }), 0.1),
    () => counted('count', countWindow(dice.between(1, 5))),
    () => counted('count, overlapping', countWindow(6, { every: 4 }), true),
    () => counted('global by count', globalWindow(onCount(3, { purge: dice.percent(50) }))),
    () => {
      const trigger = onInterval(ms(5 * unit), { time, purge: dice.percent(50) })
      return counted('global by interval', globalWindow(trigger))
    },
  ]
  const usable = makers.filter((_make, i) => {
    if (i === calendarAt) return hasDays
    // Where records come in any order: only windows that do not depend on it. A trailing window
    // holds what came before a record.
    return order === 'ordered' ? isInStep || i < makers.length - 1 : i < trailingAt
  })
  return (dice.pick(usable) as () => DrawnWindow)()
}

function windowed(from: Grown, ground: Ground): Grown {
  const { dice, uses, isClockFree, isStill, isAtOnce, tasks } = ground
  const order = orderBehind(from, ground)
  const isOrdered = order === 'ordered'
  // Records have to come, and results to be timed, at a time that is always the same.
  const mayFollowClock = !isClockFree && isStill && isAtOnce && !from.isTimeDriven
  // Several tasks wait for what others have open.
  const hasDays = tasks === 'one'
  const isInStep = isStepwise(from, ground)
  const window = drawWindow(dice, { order, mayFollowClock, isInStep, hasDays })
  uses.add(`window: ${window.name}`)
  // A window that the clock closes may do so before a result comes early, where a process was
  // paused.
  const mayBeEarly = !isClockFree && isStill && !from.isTimeDriven && window.canBeLate
  const options: WindowOptions = {
    ...(window.canBeLate && dice.percent(40) ? { lateness: ms(dice.pick([100, 2_000])) } : {}),
    // What comes before a window is complete depends on the order.
    ...(isOrdered && isInStep && window.spec.kind !== 'global'
      ? drawEmission(dice, mayBeEarly)
      : {}),
  }
  if (options.lateness !== undefined) uses.add('window: lateness')
  if (options.emit !== undefined) {
    uses.add(`window: emit ${typeof options.emit === 'string' ? options.emit : 'early'}`)
  }
  const text = `${from.name}.window(${window.text}, ${JSON.stringify(options)})`
  const after = {
    ...grouped(from, ground),
    isTimed: false,
    isTimeDriven: true,
    order: isOrdered ? order : 'loose',
  }
  const size = from.size * window.growth * (options.emit === undefined ? 1 : 2)
  const grouping = from.stream.window(window.spec, options)
  if (isOrdered && dice.percent(20)) {
    uses.add('window: reduce')
    const name = say(ground, `${text}.reduce(v + v)`)
    const reduced = grouping.reduce((a, b) => ({ v: a.v + b.v, p: null }))
    return grown(from, { ...after, name, stream: reduced.map(itemOf), size } as Partial<Grown>)
  }
  const { text: what, fields } = drawFields(ground, (one, { commutes, throws }) => {
    if (throws && !mayThrow(from)) return false
    return (isOrdered || commutes) && (!window.merges || canMerge(one))
  })
  const name = say(ground, `${text}.aggregate({ ${what} })`)
  const results = grouping.aggregate(asArgument(fields))
  const stream = (dice.percent(50) ? results.named(name) : results).map(itemOf)
  return grown(from, { ...after, name, stream, size } as Partial<Grown>)
}

function canMerge(one: AggregatorOf<Item, unknown>): boolean {
  return (one as unknown as { readonly merge: unknown }).merge !== null
}

function drawEmission(dice: Dice, mayBeEarly: boolean): Pick<WindowOptions, 'emit'> {
  if (dice.percent(60)) return {}
  if (!mayBeEarly || dice.percent(30)) return { emit: 'updates' }
  return { emit: { early: ms(dice.pick([200, 1_000])) } }
}

export const windowSteps: Readonly<Record<string, StepMaker>> = {
  window: { weight: 12, may: ({ isKeyed, size }) => isKeyed && size < 200, grow: windowed },
}
