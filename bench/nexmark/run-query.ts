/** Runs one query over a file of events: through a topic, to the rows of the bounded result. */
import { json, openLog, topic } from '../../src/index.ts'
import type { Log } from '../../src/index.ts'
import { drive } from './drive.ts'
import type { NexmarkEvent } from './events.ts'
import type { Query, Row } from './query.ts'
import { fillTables, keyOf, readEvents } from './read-events.ts'

export interface RunQueryOptions {
  readonly input: string
  readonly partitions: number
  readonly restartEvery: number | null
}

export interface QueryResult {
  /** Rows as compact JSON, sorted by code unit. */
  readonly lines: readonly string[]
  readonly records: number
  readonly restarts: number
  readonly late: number
  readonly dead: number
}

/** With several partitions each is a task of its own, and rows may change partitions in between. */
export async function runQuery(query: Query, options: RunQueryOptions): Promise<QueryResult> {
  const { input, partitions, restartEvery } = options
  const log = await openLog({ log: 'memory' })
  try {
    await log.createTopic('events', { partitions })
    await fillTables(log, query.tables)
    const { records, outOfOrderMs } = await readEvents(input, log, 'events', partitions)
    const events = topic('events', {
      codec: json<NexmarkEvent>(),
      key: keyOf,
      time: (event) => event.dateTime,
      outOfOrder: `${outOfOrderMs}ms`,
    })
    const results = topic('results', { codec: json<unknown>() })
    const ran = await drive({
      log,
      pipeline: query.build(events).to(results),
      name: 'nexmark',
      tasks: partitions === 1 ? 'one' : 'per-partition',
      restartEvery,
    })
    return { ...ran, records, lines: await linesOf(query, log) }
  } finally {
    await log.close()
  }
}

async function linesOf(query: Query, log: Log): Promise<string[]> {
  const appended: unknown[] = []
  const newest = new Map<string, unknown>()
  for await (const [key, value] of recordsOf(log, 'results')) {
    if (query.kind === 'append') appended.push(value)
    else if (value === null) newest.delete(key)
    else newest.set(key, value)
  }
  const results = query.kind === 'append' ? appended : [...newest.values()]
  const rows = query.rows as ((result: unknown) => readonly Row[]) | undefined
  const all = results.flatMap((result): readonly unknown[] => rows?.(result) ?? [result])
  return all.map((row) => JSON.stringify(row)).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

async function* recordsOf(log: Log, name: string): AsyncIterable<[string, unknown]> {
  const { partitions } = await log.describeTopic(name)
  for (const { partition, startOffset, endOffset } of partitions) {
    const reader = await log.openReader([{ topic: name, partition, offset: startOffset }])
    for (let next = startOffset; next < endOffset;) {
      const batch = reader.poll(0)
      if (batch === null) {
        await reader.wait(1000)
        continue
      }
      for (let i = batch.first; i < batch.count; i++) {
        const value = batch.value(i)
        const key = String(batch.key(i))
        yield [key, value === null ? null : (JSON.parse(value.toString()) as unknown)]
      }
      next = batch.nextOffset
    }
    await reader.close()
  }
}
