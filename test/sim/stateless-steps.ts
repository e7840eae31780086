/** Random steps that keep nothing between records, and those that only look at order. */
import type { Key } from '../../src/index.ts'
import { globalTable, lookup } from '../../src/index.ts'
import { grown, mayThrow, say } from './ground.ts'
import { hashOf, itemOf, ms, refuseSome } from './item.ts'
import type { Grown, Ground, KeyFunction, StepMaker } from './ground.ts'
import type { Item } from './item.ts'
import { streamOf } from './sources.ts'

const always = (): boolean => true

function map(from: Grown, ground: Ground): Grown {
  const { dice } = ground
  const [of, at] = [dice.between(2, 9), dice.int(30)]
  const throws = mayThrow(from) && dice.percent(40)
  if (throws) ground.uses.add('a function that throws')
  const what = throws ? `, throws for v % 31 == ${at}` : ''
  const name = say(ground, `${from.name}.map(v * ${of}${what})`)
  const stream = from.stream.map(({ v, p }): Item => {
    if (throws) refuseSome({ v, p }, 31, at)
    return { v: (v * of + 1) % 997, p }
  })
  return grown(from, { name, stream: dice.percent(50) ? stream.named(name) : stream })
}

function filter(from: Grown, ground: Ground): Grown {
  const of = ground.dice.between(3, 8)
  const name = say(ground, `${from.name}.filter(v % ${of} > 0)`)
  const stream = from.stream.filter(({ v }) => v % of > 0)
  return grown(from, { name, stream })
}

function flatMap(from: Grown, ground: Ground): Grown {
  const most = ground.dice.between(2, 3)
  const name = say(ground, `${from.name}.flatMap(v % ${most + 1} copies)`)
  const stream = from.stream.flatMap(({ v, p }): Item[] =>
    Array.from({ length: v % (most + 1) }, (_, i) => ({ v: v + i, p })),
  )
  return grown(from, { name, stream, size: from.size * 1.5 })
}

function keyBy(from: Grown, ground: Ground): Grown {
  const key = ground.dice.pick(keyFunctions)(ground.dice.between(1, 6))
  const name = say(ground, `${from.name}.keyBy(${key.text})`)
  const stream = from.stream.keyBy(key.of)
  return grown(from, { name, stream, keyBy: key, isKeyed: true, hasMoved: false })
}

const keyFunctions: readonly ((of: number) => KeyFunction)[] = [
  (of) => ({ text: `v % ${of}`, of: ({ v }) => v % of }),
  (of) => ({ text: `'k' + v % ${of}`, of: ({ v }) => `k${v % of}` }),
  (of) => ({ text: `[v % ${of}, 'x']`, of: ({ v }): Key => [v % of, 'x'] }),
  (of) => ({ text: `v % ${of} == 0`, of: ({ v }) => v % of === 0 }),
  (of) => ({ text: `BigInt(v % ${of})`, of: ({ v }) => BigInt(v % of) }),
  (of) => ({ text: `'' or 'ä€' by v % ${of}`, of: ({ v }) => (v % of === 0 ? '' : 'ä€') }),
]

function branch(from: Grown, ground: Ground): Grown {
  const { dice } = ground
  const of = dice.between(2, 4)
  const name = say(ground, `${from.name}.branch({ low: v % ${of} == 0, mid: v % 7 < 3 })`)
  const { low, mid, rest } = from.stream.branch({
    low: ({ v }) => v % of === 0,
    mid: ({ v }) => v % 7 < 3,
  })
  if (dice.percent(50)) {
    ground.uses.add('merge')
    const merged = say(ground, `${name}.low merge ${name}.rest`)
    return grown(from, { name: merged, stream: low.merge(rest), size: from.size * 0.7 })
  }
  const taken = dice.pick(['low', 'mid', 'rest'] as const)
  const stream = { low, mid, rest }[taken]
  return grown(from, { name: `${name}.${taken}`, stream, size: from.size * 0.4 })
}

function split(from: Grown, ground: Ground): Grown {
  const name = say(ground, `${from.name}.split(2)`)
  const [some, others] = from.stream.split(2)
  const changed = some.map(({ v, p }) => ({ v: v + 1, p }))
  ground.lines.push(`${name}: v + 1 for the first, merged with the second`)
  ground.uses.add('merge')
  return grown(from, { name, stream: changed.merge(others) })
}

function merge(from: Grown, ground: Ground): Grown {
  const other = streamOf(ground.source('stream'), ground)
  const { keyBy: key } = from
  const text = key === null ? '' : `.keyBy(${key.text})`
  const name = say(ground, `${from.name}.merge(${other.name}${text})`)
  const right = key === null ? other.stream : other.stream.keyBy(key.of)
  // What has come through a repartition topic, and what has not, do so together for the next step.
  return grown(from, {
    name,
    stream: from.stream.merge(right),
    isKeyed: key !== null || (from.isKeyed && other.isKeyed),
    hasMoved: from.hasMoved && key === null,
    size: from.size + other.size,
  })
}

/** Gives up its turn so many times. */
async function slowly(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await Promise.resolve()
}

function mapAsync(from: Grown, ground: Ground): Grown {
  const { dice } = ground
  const [concurrency, retries, hangs] = [dice.pick([1, 2, 16]), dice.int(3), dice.percent(30)]
  const timeout = dice.pick([20, 200])
  if (hangs) ground.uses.add('mapAsync: a call that times out')
  if (retries > 0) ground.uses.add('mapAsync: retries')
  const text = `concurrency: ${concurrency}, retries: ${retries}, timeout: ${timeout}`
  const hang = hangs ? ', hangs first for v % 23 == 5' : ''
  const ways = `fails for v % 11 == 3 up to attempt ${retries}, always for v % 29 == 7${hang}`
  const name = say(ground, `${from.name}.mapAsync(${ways}; { ${text} })`)
  const call = async ({ v, p }: Item, attempt: number): Promise<Item> => {
    await slowly(v % 5)
    if (v % 11 === 3 && attempt <= retries) throw new Error(`attempt ${attempt} of ${v} failed`)
    if (v % 29 === 7) throw new Error(`${v} always fails`)
    if (hangs && v % 23 === 5 && attempt === 1) await new Promise<never>(() => {})
    return { v: v + 1, p }
  }
  const stream = from.stream.mapAsync((item, { attempt }) => call(item, attempt), {
    concurrency,
    retries,
    backoff: ms(dice.pick([0, 10])),
    timeout: ms(timeout),
  })
  return grown(from, { name, stream, isAsync: true })
}

function lookedUp(from: Grown, ground: Ground): Grown {
  const { dice } = ground
  const of = dice.between(3, 9)
  const type = dice.pick(['inner', 'left'] as const)
  const name = say(ground, `${from.name}.join(lookup(by v % ${of}), ${type})`)
  const rows = lookup(
    async (key: number) => {
      await slowly(key % 3)
      if (key === 4) throw new Error('4 cannot be found')
      return key % 3 === 0 ? null : { row: key }
    },
    {
      by: (item: Item) => (item.v % 10 === 9 ? null : item.v % of),
      cache: { entries: dice.pick([0, 2, 100]) },
    },
  )
  const stream = from.stream.join(rows, { type }).map(itemOf)
  return grown(from, { name, stream, isAsync: true, isCached: true })
}

function joinGlobal(from: Grown, ground: Ground): Grown {
  const source = ground.source('global')
  const type = ground.dice.pick(['inner', 'left'] as const)
  const name = say(ground, `${from.name}.join(globalTable(${source.name}), by k of v, ${type})`)
  const table = globalTable(source.topic)
  const { keys } = ground
  const by = ({ v, p }: Item): Key | null => {
    return v % 9 === 8 ? null : (keys[hashOf(JSON.stringify(p) ?? '') % keys.length] as Key)
  }
  const stream = from.stream.join(table, { type, by: by as never }).map(itemOf)
  return grown(from, { name, stream })
}

function mayMerge(from: Grown, { isWavering }: Ground): boolean {
  if (from.isAsync || (isWavering && from.isTimeDriven)) return false
  return from.size < 150 && !from.hasMoved
}

/** Behind a rest, rows of a further wave may be there before or after what event time brings. */
function mayMeetRows(from: Grown, { isWavering }: Ground): boolean {
  return !(isWavering && from.isTimeDriven)
}

export const statelessSteps: Readonly<Record<string, StepMaker>> = {
  map: { weight: 3, may: always, grow: map },
  filter: { weight: 2, may: always, grow: filter },
  flatMap: { weight: 2, may: ({ size }) => size < 150, grow: flatMap },
  keyBy: { weight: 6, may: always, grow: keyBy },
  branch: { weight: 2, may: always, grow: branch },
  split: { weight: 1, may: ({ isKeyed }) => isKeyed, grow: split },
  // Behind a repartition topic, another topic's records would have to go through it as well.
  merge: { weight: 2, may: mayMerge, grow: merge },
  mapAsync: { weight: 2, may: mayThrow, grow: mapAsync },
  'join: lookup': {
    weight: 4,
    // A record without key would be refused behind it.
    may: (from) => mayThrow(from) && from.keyBy !== null,
    grow: lookedUp,
  },
  'join: global table': { weight: 2, may: mayMeetRows, grow: joinGlobal },
}
