/** Random joins of two streams, and of a stream with a table. */
import { asOf, cumulative, sameWindow, sliding, table, tumbling, within } from '../../src/index.ts'
import type { Duration, Key, Stream } from '../../src/index.ts'
import { grouped, grown, orderBehind, say } from './ground.ts'
import { itemOf, ms } from './item.ts'
import type { Grown, Ground, Order, StepMaker } from './ground.ts'
import type { Item } from './item.ts'
import { streamOf } from './sources.ts'

interface OtherSide {
  readonly text: string
  readonly stream: Stream<Item, Key>
  readonly size: number
}

/** Another topic, by the key of the stream it is joined with. */
function otherSide(from: Grown, ground: Ground): OtherSide {
  const other = streamOf(ground.source('stream'), ground)
  const isFiltered = ground.dice.percent(30)
  const base = isFiltered ? other.stream.filter(({ v }) => v % 3 > 0) : other.stream
  const { keyBy } = from
  const key = keyBy ?? (other.isKeyed ? null : fallbackKey(ground))
  const text = `${other.name}${isFiltered ? '.filter(v % 3 > 0)' : ''}`
  const size = other.size * (isFiltered ? 0.7 : 1)
  if (key === null) return { text, stream: base, size }
  return { text: `${text}.keyBy(${key.text})`, stream: base.keyBy(key.of), size }
}

/** For a topic without a key: one of those of the other topics, whatever its type. */
function fallbackKey({ keys }: Ground): { text: string; of: (item: Item) => Key } {
  return { text: 'keys[v % length]', of: ({ v }) => keys[v % keys.length] as Key }
}

/** The other side's records have to move where its key is not its topic's: then both do. */
function behindJoin(from: Grown, other: OtherSide, ground: Ground): Grown {
  const moves = other.text.includes('.keyBy(')
  if (ground.tasks === 'one' || !moves || from.keyBy !== null) return grouped(from, ground)
  return { ...from, order: 'timed', hasMoved: true }
}

function joined(
  from: Grown,
  ground: Ground,
  { name, stream, other }: { name: string; stream: Stream<unknown, Key>; other: OtherSide },
): Grown {
  const moved = behindJoin(from, other, ground)
  return grown(from, {
    name,
    stream: stream.map(itemOf),
    hasMoved: moved.hasMoved,
    order: moved.order === 'ordered' ? 'ordered' : 'loose',
    isTimed: false,
    isTimeDriven: true,
    size: (from.size * other.size) / 10,
  })
}

const joinTypes = ['inner', 'left', 'right', 'full'] as const

function interval(from: Grown, ground: Ground): Grown {
  const { dice, uses, isStill, isWavering } = ground
  const other = otherSide(from, ground)
  const isForever = from.size * other.size < 4_000 && dice.percent(15)
  // Rows without a partner come in order of each step of event time, behind what else it brings.
  const sided = isWavering || from.isTimeDriven ? (['inner'] as const) : joinTypes.slice(0, 3)
  const types = isStill ? joinTypes : sided
  const type = isForever ? 'inner' : dice.pick(types)
  uses.add(isForever ? 'join: forever' : `join: within, ${type}`)
  if (isForever) {
    const name = say(ground, `${from.name}.join(${other.text}, within('forever'))`)
    const stream = from.stream.join(other.stream, within('forever'))
    return joined(from, ground, { name, stream, other })
  }
  const before = dice.pick<Duration | `-${number}ms`>(['0ms', '500ms', '2s', '-100ms'])
  const range = { before: before as Duration, after: dice.pick<Duration>(['200ms', '1s', '3s']) }
  const lateness = dice.percent(30) ? { lateness: ms(dice.pick([100, 3_000])) } : {}
  const how = JSON.stringify({ ...range, ...lateness, type })
  const name = say(ground, `${from.name}.join(${other.text}, within ${how})`)
  const stream = from.stream.join(other.stream, within(range), { type, ...lateness })
  return joined(from, ground, { name, stream, other })
}

function byWindow(from: Grown, ground: Ground): Grown {
  const { dice } = ground
  const other = otherSide(from, ground)
  const type = dice.pick(joinTypes)
  const window = dice.pick([
    tumbling('2s'),
    sliding('2s', { every: '1s' }),
    cumulative('1s', { within: '3s' }),
  ])
  ground.uses.add(`join: same window, ${window.kind}`)
  const text = `${other.text}, sameWindow(${JSON.stringify(window)}), ${type}`
  const name = say(ground, `${from.name}.join(${text})`)
  const stream = from.stream.join(other.stream, sameWindow(window), { type })
  return joined(from, ground, { name, stream, other })
}

function newest(from: Grown, ground: Ground): Grown {
  const { dice } = ground
  const other = otherSide(from, ground)
  const type = dice.pick(['inner', 'left'] as const)
  const tolerance = ms(dice.pick([0, 500, 5_000]))
  const name = say(ground, `${from.name}.join(${other.text}, asOf('${tolerance}'), ${type})`)
  const stream = from.stream.join(other.stream, asOf(tolerance), { type })
  return joined({ ...from, size: from.size / 5 }, ground, { name, stream, other })
}

function withTable(from: Grown, ground: Ground): Grown {
  const { dice, uses } = ground
  const source = ground.source('table')
  const type = dice.pick(['inner', 'left'] as const)
  const latest = dice.percent(40) ? { asOf: 'latest' as const } : {}
  const history = dice.percent(40) ? { history: ms(dice.pick([1, 1_000, 5_000])) } : {}
  const options = 'asOf' in latest ? { type, ...latest } : { type, ...history }
  const kind = 'asOf' in options ? 'latest' : 'history' in options ? 'history' : 'event time'
  uses.add(`join: table, ${kind}`)
  const text = `table(${source.name}), ${JSON.stringify(options)}`
  const name = say(ground, `${from.name}.join(${text})`)
  const stream = from.stream.join(table(source.topic), options).map(itemOf)
  return grown(from, { ...grouped(from, ground), name, stream, isTimed: false, isTimeDriven: true })
}

/** A record's partners are the same in any order, and so is the time at which a pair is known. */
function anyOrder({ isKeyed, isAsync, isTimeDriven, size }: Grown, ground: Ground): boolean {
  return isKeyed && !isAsync && size < 120 && !(ground.isWavering && isTimeDriven)
}

function inOrder(from: Grown, ground: Ground): boolean {
  return anyOrder(from, ground) && orderBehind(from, ground) === 'ordered'
}

/** The newest of several records of one time would be the one that came last. */
function inTime(from: Grown, ground: Ground): boolean {
  const orders: readonly Order[] = ['ordered', 'timed']
  return anyOrder(from, ground) && from.isTimed && orders.includes(orderBehind(from, ground))
}

export const joinSteps: Readonly<Record<string, StepMaker>> = {
  'join: within': { weight: 5, may: anyOrder, grow: interval },
  'join: same window': { weight: 3, may: anyOrder, grow: byWindow },
  'join: as of': { weight: 2, may: inTime, grow: newest },
  'join: table': {
    weight: 3,
    // The table has the key of its topic.
    may: (from, ground) => inOrder(from, ground) && from.keyBy === null,
    grow: withTable,
  },
}
