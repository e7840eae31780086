/**
 * Random tables whose rows are spread over several tasks. In which order they change is open; what
 * they come to in the end is not: the newest rows of a compact topic are compared.
 */
import { table, topic } from '../../src/index.ts'
import type { Key, Table } from '../../src/index.ts'
import type { AnyAggregator } from '../../src/pipeline/aggregator.ts'
import { retractingOf } from '../../src/pipeline/table-check.ts'
import { asArgument, drawFields } from './fold-steps.ts'
import { grown, say } from './ground.ts'
import type { Grown, Ground, StepMaker } from './ground.ts'
import { itemOf } from './item.ts'
import type { Item } from './item.ts'

interface Spread {
  readonly name: string
  readonly table: Table<Item, Key>
  /** The key is that of the sources. */
  readonly hasSourceKey: boolean
}

type Step = (from: Spread, ground: Ground) => Spread | null

const steps: Readonly<Record<string, Step>> = {
  'map and filter': (from, ground) => {
    const of = ground.dice.between(2, 4)
    const name = say(ground, `${from.name}.map(v + 1).filter(v % ${of} > 0)`)
    const rows = from.table.map(({ v, p }) => ({ v: v + 1, p })).filter(({ v }) => v % of > 0)
    return { ...from, name, table: rows }
  },
  join: (from, ground) => {
    if (!from.hasSourceKey) return null
    const source = ground.source('table')
    const type = ground.dice.pick(['inner', 'left', 'right', 'full'] as const)
    const name = say(ground, `${from.name}.join(table(${source.name}), ${type})`)
    const rows = from.table.join(table(source.topic), { type }).map(itemOf)
    return { ...from, name, table: rows }
  },
  'join on a foreign key': (from, ground) => {
    const source = ground.source('table')
    const { keys } = ground
    const type = ground.dice.pick(['inner', 'left'] as const)
    const text = `table(${source.name}), on keys[v % ${keys.length}] or null, ${type}`
    const name = say(ground, `${from.name}.join(${text})`)
    const on = ({ v }: Item): Key | null => {
      return v % 5 === 4 ? null : (keys[v % keys.length] as Key)
    }
    const rows = from.table.join(table(source.topic), { on: on as never, type }).map(itemOf)
    return { ...from, name, table: rows }
  },
  'groupBy, aggregate': (from, ground) => {
    const of = ground.dice.between(1, 4)
    const { text, fields } = drawFields(ground, (one, { commutes, throws }) => {
      return commutes && !throws && retractingOf(one as unknown as AnyAggregator) !== null
    })
    const name = say(ground, `${from.name}.groupBy(v % ${of}).aggregate({ ${text} })`)
    const grouping = from.table.groupBy(({ v }): Key => v % of)
    return { name, table: grouping.aggregate(asArgument(fields)).map(itemOf), hasSourceKey: false }
  },
  'groupBy, topN': (from, ground) => {
    const [of, n] = [ground.dice.between(1, 3), ground.dice.between(1, 3)]
    const name = say(ground, `${from.name}.groupBy('g' + v % ${of}).topN(${n}, { by: v % 20 })`)
    const grouping = from.table.groupBy(({ v }): Key => `g${v % of}`)
    const rows = grouping.topN(n, { by: ({ v }) => v % 20 }).map(itemOf)
    return { name, table: rows, hasSourceKey: false }
  },
}

/** A running aggregate of a stream, or the table of a topic. */
function begun(from: Grown, ground: Ground): Spread {
  if (ground.dice.percent(50)) {
    const source = ground.source('table')
    const name = say(ground, `table(${source.name})`)
    return { name, table: table(source.topic), hasSourceKey: true }
  }
  const { text, fields } = drawFields(ground, (_one, { commutes, throws }) => commutes && !throws)
  const name = say(ground, `${from.name}.aggregate({ ${text} })`)
  const rows = from.stream.aggregate(asArgument(fields)).map(itemOf)
  return { name, table: rows, hasSourceKey: from.keyBy === null }
}

function spread(from: Grown, ground: Ground): Grown {
  const { dice, uses } = ground
  let rows = begun(from, ground)
  for (let left = dice.between(1, 3); left > 0; left--) {
    const [kind, step] = dice.pick(Object.entries(steps))
    const next = step(rows, ground)
    if (next === null) continue
    uses.add(`spread table: ${kind}`)
    rows = next
  }
  // So that the rows that are compared are behind a repartition, whatever came before.
  const last = (steps['groupBy, aggregate'] as Step)(rows, ground) ?? rows
  for (const one of dice.percent(50) ? [rows, last] : [last]) {
    const out = `table-out-${ground.number()}`
    const partitions = dice.between(1, 3)
    ground.lines.push(`${one.name}.to(topic('${out}', { compact, partitions: ${partitions} }))`)
    ground.outputs.push(one.table.to(topic(out, { compact: true, partitions })))
  }
  return grown(from, { isEnd: true })
}

function mayBeSpread({ isKeyed, isAsync, size }: Grown, { tasks }: Ground): boolean {
  return tasks === 'per-partition' && isKeyed && !isAsync && size < 150
}

export const spreadTableSteps: Readonly<Record<string, StepMaker>> = {
  'spread table': { weight: 8, may: mayBeSpread, grow: spread },
}
