/**
 * One query over generated events, in a process of its own: `bench-case.ts QUERY memory|embedded
 * EVENTS`. Prints one figure as JSON.
 *
 * `memory`: decoded events from a log in memory, whose records hold but a number, so that the
 * engine is what is measured. `embedded`: JSON from the embedded log, decoded on the way. Both with
 * state, changelog and commits, to a sink that counts.
 */
import { codec, json, openLog, run, topic } from '../../src/index.ts'
import type { Codec, Log } from '../../src/index.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import { inTempDir, meter, report, throughput } from '../measure.ts'
import type { NexmarkEvent } from './events.ts'
import { generate } from './generator.ts'
import { aims, queries } from './queries.ts'
import { fillTables, keyOf } from './read-events.ts'

const [id = '', source = '', text = ''] = process.argv.slice(2)
const query = queries[id]
const records = Number(text)
if (query === undefined) throw new Error(`there is no query '${id}'`)

const blockRecords = 500
const rate = 10_000
const outOfOrder = '4s' // as Flink's Nexmark has it

if (source === 'memory') {
  const log = await openLog({ log: 'memory' })
  const events = [...generate({ profile: 'X', events: records, rate, extra: 'cheap' })]
  const decoded = codec<NexmarkEvent>({
    name: 'decoded',
    decode: () => {
      throw new Error('never called')
    },
    encode: (event) => String(event.dateTime),
  })
  const inMemory: Codec<NexmarkEvent> = {
    ...decoded,
    decoder: (bytes) => (start) => events[bytes.readUInt32LE(start)] as NexmarkEvent,
  }
  const numbers = new Uint32Array(records).map((_, i) => i)
  await fill(log, records, (i) => new Uint8Array(numbers.buffer, i * 4, 4), events)
  await measure(log, inMemory, 'from memory, decoded')
} else {
  await inTempDir(async (dir) => {
    const log = await openLog({ log: 'embedded', data: dir })
    const events = generate({ profile: 'X', events: records, rate, extra: 'cheap' })
    await fill(log, records, (_, event) => JSON.stringify(event), events)
    await measure(log, json<NexmarkEvent>(), 'from the embedded log, JSON')
  })
}

async function fill(
  log: Log,
  count: number,
  valueOf: (i: number, event: NexmarkEvent) => string | Uint8Array,
  events: Iterable<NexmarkEvent>,
): Promise<void> {
  await log.createTopic('events', { partitions: 1 })
  const builder = new BatchBuilder()
  let i = 0
  for (const event of events) {
    builder.add(String(keyOf(event)), valueOf(i, event), event.dateTime)
    i += 1
    if (builder.count < blockRecords && i < count) continue
    await log.append([{ topic: 'events', partition: 0, bytes: builder.finish() }])
  }
  await fillTables(log, query?.tables)
}

async function measure(log: Log, eventCodec: Codec<NexmarkEvent>, note: string): Promise<void> {
  const events = topic('events', {
    codec: eventCodec,
    key: keyOf,
    time: (event) => event.dateTime,
    outOfOrder,
  })
  let results = 0
  const built = query?.build(events)
  const pipeline = built?.forEach(() => {
    results += 1
  })
  if (pipeline === undefined) return
  globalThis.gc?.()
  const measured = meter()
  const running = await run(pipeline, { log, name: 'nexmark', signals: false })
  const isDone = (): boolean =>
    running
      .status()
      .every(({ inputs }) => inputs.every(({ lag, offset }) => lag === 0 && offset > 0))
  while (!isDone()) {
    await Promise.race([running.done, new Promise((resolve) => setTimeout(resolve, 5))])
  }
  await running.stop() // with the last commit
  const seconds = measured.seconds()
  const entries = running.status()[0]?.stateEntries ?? 0
  // The aims are for decoded records from memory.
  const aim = source === 'memory' ? aims[id] : undefined
  const figure = throughput({
    name: `${id} ${query?.title ?? ''}`,
    records,
    seconds,
    cpuSeconds: measured.cpuSeconds(),
    aimPerSecond: aim ?? 0,
    note: `${note}; ${results} results, ${entries} entries of state`,
  })
  report(aim === undefined ? { ...figure, aim: '–' } : figure)
  await log.close()
}
