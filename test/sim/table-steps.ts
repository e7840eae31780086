/** Random tables: made of a stream or a topic, changed, joined, grouped, and looked at again. */
import { table, topic } from '../../src/index.ts'
import type { Key, Table } from '../../src/index.ts'
import { retractingOf } from '../../src/pipeline/table-check.ts'
import type { AnyAggregator } from '../../src/pipeline/aggregator.ts'
import { asArgument, drawFields } from './fold-steps.ts'
import { grouped, grown, isStepwise, mayThrow, orderBehind, say } from './ground.ts'
import { itemOf, ms } from './item.ts'
import type { Grown, Ground, StepMaker } from './ground.ts'

interface GrownTable {
  readonly name: string
  readonly table: Table<{ readonly v: number; readonly p: unknown }, Key>
  /** The key is that of the stream it was made of. */
  readonly hasKeyOfStream: boolean
  /** When its rows change, beside other records, is not always the same. */
  readonly isAlone: boolean
  readonly mayThrow: boolean
}

/** Intermediate rows depend on the order in which records come. */
function inOrder(from: Grown, ground: Ground): boolean {
  return from.isKeyed && from.size < 150 && orderBehind(from, ground) === 'ordered'
}

function traitsOf(from: Grown, ground: Ground): Pick<GrownTable, 'isAlone' | 'mayThrow'> {
  const isAlone = from.isAsync || (ground.isWavering && from.isTimeDriven)
  return { isAlone, mayThrow: mayThrow(from) }
}

type TableMaker = (from: Grown, ground: Ground) => GrownTable

const makers: Readonly<Record<string, TableMaker>> = {
  'running aggregate': (from, ground) => {
    const { text, fields } = drawFields(ground, (_one, { throws }) => mayThrow(from) || !throws)
    const mayFade = isStepwise(from, ground)
    const ttl =
      mayFade && ground.dice.percent(30) ? { ttl: ms(ground.dice.pick([500, 5_000])) } : {}
    if ('ttl' in ttl) ground.uses.add('table: running aggregate with a ttl')
    const name = say(ground, `${from.name}.aggregate({ ${text} }, ${JSON.stringify(ttl)})`)
    const rows = from.stream.aggregate(asArgument(fields), ttl).map(itemOf)
    return { name, table: rows, hasKeyOfStream: true, ...traitsOf(from, ground) }
  },
  'running reduce': (from, ground) => {
    const name = say(ground, `${from.name}.reduce(v + v)`)
    const rows = from.stream.reduce((a, b) => ({ v: a.v + b.v, p: null })).map(itemOf)
    return { name, table: rows, hasKeyOfStream: true, ...traitsOf(from, ground) }
  },
  toTable: (from, ground) => {
    const of = ground.dice.between(2, 6)
    const name = say(ground, `${from.name}.map(v % ${of} ? v : null).toTable()`)
    const rows = from.stream.map((item) => (item.v % of === 0 ? null : item)).toTable()
    return { name, table: rows, hasKeyOfStream: true, ...traitsOf(from, ground) }
  },
  topN: (from, ground) => {
    const [n, of] = [ground.dice.between(1, 4), ground.dice.between(2, 50)]
    const order = ground.dice.pick(['asc', 'desc'] as const)
    const name = say(ground, `${from.name}.topN(${n}, { by: v % ${of}, ${order} })`)
    const rows = from.stream.topN(n, { by: ({ v }) => v % of, order }).map(itemOf)
    return { name, table: rows, hasKeyOfStream: true, ...traitsOf(from, ground) }
  },
}

type TableStep = (from: GrownTable, ground: Ground) => GrownTable

const steps: Readonly<Record<string, TableStep>> = {
  map: (from, ground) => {
    const { mayThrow: throws } = from
    const what = throws ? ', throws for v % 37 == 5' : ''
    const name = say(ground, `${from.name}.map(v + 1${what})`)
    const rows = from.table.map(({ v, p }) => {
      if (throws && v % 37 === 5) throw new Error(`row ${v} is refused`)
      return { v: v + 1, p }
    })
    return { ...from, name, table: rows }
  },
  filter: (from, ground) => {
    const of = ground.dice.between(2, 4)
    const name = say(ground, `${from.name}.filter(v % ${of} > 0)`)
    return { ...from, name, table: from.table.filter(({ v }) => v % of > 0) }
  },
  join: (from, ground) => {
    if (!from.hasKeyOfStream || from.isAlone) return from
    const source = ground.source('table')
    const type = ground.dice.pick(['inner', 'left', 'right', 'full'] as const)
    ground.uses.add(`table: join, ${type}`)
    const name = say(ground, `${from.name}.join(table(${source.name}), ${type})`)
    const rows = from.table.join(table(source.topic), { type }).map(itemOf)
    return { ...from, name, table: rows }
  },
  'join on a foreign key': (from, ground) => {
    if (ground.tasks !== 'one' || from.isAlone) return from
    const source = ground.source('table')
    const { keys } = ground
    const type = ground.dice.pick(['inner', 'left'] as const)
    const text = `table(${source.name}), on keys[v % ${keys.length}] or null, ${type}`
    const name = say(ground, `${from.name}.join(${text})`)
    const on = ({ v }: { v: number }): Key | null => {
      return v % 5 === 4 ? null : (keys[v % keys.length] as Key)
    }
    const rows = from.table.join(table(source.topic), { on: on as never, type }).map(itemOf)
    return { ...from, name, table: rows }
  },
  'groupBy, aggregate': (from, ground) => {
    if (ground.tasks !== 'one') return from
    const { text, fields } = drawFields(ground, (one, { throws }) => {
      if (throws && !from.mayThrow) return false
      return retractingOf(one as unknown as AnyAggregator) !== null
    })
    const name = say(ground, `${from.name}.groupBy(v % 3).aggregate({ ${text} })`)
    const grouping = from.table.groupBy(({ v }): Key => v % 3)
    const rows = grouping.aggregate(asArgument(fields)).map(itemOf)
    return { ...from, name, table: rows, hasKeyOfStream: false }
  },
  'groupBy, topN': (from, ground) => {
    if (ground.tasks !== 'one') return from
    const name = say(ground, `${from.name}.groupBy('g' + v % 2).topN(2, { by: v % 20 })`)
    const grouping = from.table.groupBy(({ v }): Key => `g${v % 2}`)
    const rows = grouping.topN(2, { by: ({ v }) => v % 20 }).map(itemOf)
    return { ...from, name, table: rows, hasKeyOfStream: false }
  },
}

function tables(from: Grown, ground: Ground): Grown {
  const { dice, uses } = ground
  let rows: GrownTable
  if (from.keyBy === null && from.depth === 0 && dice.percent(40)) {
    const source = ground.source('table')
    uses.add('table: of a topic')
    const name = say(ground, `table(${source.name})`)
    rows = {
      name,
      table: table(source.topic),
      hasKeyOfStream: true,
      isAlone: false,
      mayThrow: true,
    }
  } else {
    const [kind, make] = dice.pick(Object.entries(makers))
    uses.add(`table: ${kind}`)
    rows = make(from, ground)
  }
  for (let left = dice.int(3); left > 0; left--) {
    const [kind, step] = dice.pick(Object.entries(steps))
    const before = rows
    rows = step(before, ground)
    if (rows !== before && kind !== 'join') uses.add(`table: ${kind}`)
  }
  if (dice.percent(40)) {
    const out = `table-out-${ground.number()}`
    const isCompact = dice.percent(70)
    uses.add('table: to a topic')
    ground.lines.push(`${rows.name}.to(topic('${out}'${isCompact ? ', compact' : ''}))`)
    ground.outputs.push(rows.table.to(topic(out, { compact: isCompact, partitions: 2 })))
  }
  const after = { ...grouped(from, ground), isTimed: false, isTimeDriven: true, name: rows.name }
  const { isKeyed } = from
  // Grouped rows have another key than the stream: what joins by key has to know.
  const key = rows.hasKeyOfStream ? {} : { keyBy: { text: 'v % 3', of: groupKey } }
  if (dice.percent(50)) {
    uses.add('table: toStream')
    return grown(from, { ...after, ...key, isKeyed, stream: rows.table.toStream() })
  }
  uses.add('table: changes')
  return grown(from, { ...after, ...key, isKeyed, stream: rows.table.changes().map(itemOf) })
}

function groupKey({ v }: { readonly v: number }): Key {
  return v % 3
}

export const tableSteps: Readonly<Record<string, StepMaker>> = {
  table: { weight: 8, may: inOrder, grow: tables },
}
