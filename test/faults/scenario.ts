/**
 * What the kill rounds run: keyed windows over an input of two partitions, to a topic of two. The
 * expected output is found twice: by a plain computation over the input, and by an uninterrupted
 * run; both must equal what the killed runs left, byte for byte.
 */
import { collect, count, from, json, max, run, sum, topic, tumbling } from '../../src/index.ts'
import type { Running } from '../../src/index.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { HostEvent } from '../../src/host/host-event.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import type { AppendBatch, Log } from '../../src/log/log.ts'
import { partitionOfText } from '../../src/log/partitioner.ts'
import type { Pipeline } from '../../src/pipeline/node.ts'

export type TaskMode = 'one' | 'per-partition'

export interface Sale {
  readonly id: number
  readonly shop: string
  readonly amount: number
  readonly at: number
}

export const inTopic = 'sales'
export const outTopic = 'sales-per-window'
export const partitions = 2
const windowMs = 1000
/**
 * Records come at most this far out of order, and the topic says so: none is late, whatever the
 * interleaving.
 */
const disorderMs = 400
const shops = 40
const badEvery = 97

const sales = topic(inTopic, {
  codec: json<Sale>(),
  key: 'record',
  time: (sale) => sale.at,
  outOfOrder: '400ms',
  idle: 'wait',
  idleAfter: '1d',
})

/**
 * With several tasks, keys change partitions on the way: the repartition topic takes part in the
 * test.
 */
export function pipelineFor(mode: TaskMode): Pipeline {
  const keyed = mode === 'one' ? from(sales) : from(sales).keyBy((sale) => sale.shop.toUpperCase())
  return keyed
    .map((sale) => {
      if (sale.id % badEvery === 0) throw new Error(`sale ${sale.id} is refused`)
      return sale
    })
    .window(tumbling('1s'))
    .aggregate({
      sales: count(),
      revenue: sum((sale) => sale.amount),
      largest: max((sale) => sale.amount),
      ids: collect((sale) => sale.id),
    })
    .to(topic(outTopic, { codec: json(), partitions }))
}

export function start(
  log: Log,
  mode: TaskMode,
  notify?: (event: HostEvent) => void,
): Promise<Running> {
  // A commit every millisecond: as many chances as possible to be hit by a kill.
  return run(pipelineFor(mode), {
    log,
    name: 'faults',
    tasks: mode,
    signals: false,
    commitEveryMs: 1,
    ...(notify === undefined ? {} : { notify }),
  })
}

/**
 * The sales of a test: one for about each two milliseconds of event time, disordered within the
 * bound.
 */
export function salesOf(seed: number, fromId: number, toId: number): Sale[] {
  const list: Sale[] = []
  for (let id = fromId; id < toId; id++) {
    const random = seededRandom(seed * 1_000_003 + id)
    const shop = `shop-${random.int(shops)}`
    list.push({ id, shop, amount: random.int(10_000), at: id * 2 - random.int(disorderMs) })
  }
  return list
}

/** The sales as blocks, one for each partition that has any. */
export function blocksOf(list: readonly Sale[]): AppendBatch[] {
  const builders = Array.from({ length: partitions }, () => new BatchBuilder())
  for (const sale of list) {
    const builder = builders[partitionOfText(sale.shop, partitions)] as BatchBuilder
    builder.add(sale.shop, JSON.stringify(sale), sale.at)
  }
  return builders.flatMap((builder, partition) =>
    builder.count === 0 ? [] : [{ topic: inTopic, partition, bytes: builder.finish() }],
  )
}

/** A record far in the future for each partition: closes every window before it. */
export function closing(afterId: number): AppendBatch[] {
  return Array.from({ length: partitions }, (_, partition) => {
    const builder = new BatchBuilder()
    const sale: Sale = {
      id: badEvery * 1_000_000,
      shop: 'closing',
      amount: 0,
      at: afterId * 2 + 3_600_000,
    }
    builder.add(sale.shop, JSON.stringify(sale), sale.at)
    return { topic: inTopic, partition, bytes: builder.finish() }
  })
}

/**
 * What must come out for these sales: lines `partition key time value`, each partition's in order.
 */
export function expectedOutput(list: readonly Sale[], mode: TaskMode): string[] {
  const rows = new Map<string, { key: string; start: number; ids: number[]; amounts: number[] }>()
  for (const sale of list) {
    if (sale.id % badEvery === 0) continue
    const key = mode === 'one' ? sale.shop : sale.shop.toUpperCase()
    const start = Math.floor(sale.at / windowMs) * windowMs
    const row = rows.get(`${start} ${key}`) ?? { key, start, ids: [], amounts: [] }
    row.ids.push(sale.id)
    row.amounts.push(sale.amount)
    rows.set(`${start} ${key}`, row)
  }
  const sorted = [...rows.values()].toSorted(
    (a, b) => a.start - b.start || (a.key < b.key ? -1 : 1),
  )
  const lines: string[][] = Array.from({ length: partitions }, () => [])
  for (const { key, start, ids, amounts } of sorted) {
    const partition = partitionOfText(key, partitions)
    const value = {
      key,
      window: { start, end: start + windowMs },
      sales: ids.length,
      revenue: amounts.reduce((a, b) => a + b, 0),
      largest: Math.max(...amounts),
      ids,
    }
    lines[partition]?.push(`${partition} ${key} ${start + windowMs - 1} ${JSON.stringify(value)}`)
  }
  return lines.flat()
}

/** Everything in a topic as lines `partition key time value`, each partition's in order. */
export async function readLines(log: Log, name: string): Promise<string[]> {
  const info = await log.describeTopic(name)
  const inputs = info.partitions.map(({ partition, startOffset }) => ({
    topic: name,
    partition,
    offset: startOffset,
  }))
  const reader = await log.openReader(inputs)
  const lines: string[] = []
  for (const input of inputs.keys()) {
    for (let batch = reader.poll(input); batch !== null; batch = reader.poll(input)) {
      for (let i = batch.first; i < batch.count; i++) {
        lines.push(
          `${batch.partition} ${String(batch.key(i))} ${batch.time(i)} ${String(batch.value(i))}`,
        )
      }
    }
  }
  await reader.close()
  return lines
}

/** Ids of the sales among the dead letters, sorted. */
export async function deadIds(log: Log): Promise<number[]> {
  const lines = await readLines(log, `${inTopic}.dead`)
  return lines
    .map((line) => (JSON.parse(line.slice(line.indexOf('{'))) as Sale).id)
    .filter((id) => id < badEvery * 1_000_000)
    .toSorted((a, b) => a - b)
}

export function expectedDead(list: readonly Sale[]): number[] {
  return list.filter((sale) => sale.id % badEvery === 0).map((sale) => sale.id)
}
