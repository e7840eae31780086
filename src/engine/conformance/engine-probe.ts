/** For tests that run pipelines on a log: options, input, output, and waiting on conditions. */
import { assert } from '../../core/assert.ts'
import { systemClock } from '../../core/clock.ts'
import { BatchBuilder } from '../../log/batch.ts'
import type { Log } from '../../log/log.ts'
import { partitionOfText } from '../../log/partitioner.ts'
import type { Pipeline } from '../../pipeline/node.ts'
import { engineDefaults, startPipelines } from '../run.ts'
import type { EngineOptions, EngineRun, RunEvent } from '../run.ts'

const waitMsMax = 10_000

/** Waits until the condition holds. @throws `assertion-failed` after 10 s, saying what for */
export async function until(what: string, isMet: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = systemClock.monotonic() + waitMsMax
  while (!(await isMet())) {
    assert(systemClock.monotonic() < endMs, () => `waited too long until ${what}`)
    await new Promise<void>((resolve) => systemClock.after(2, resolve))
  }
}

export interface StartedProbe {
  readonly run: EngineRun
  readonly events: readonly RunEvent[]
  readonly printed: readonly string[]
}

export async function start(
  log: Log,
  pipelines: Pipeline | readonly Pipeline[],
  options: Partial<EngineOptions> = {},
): Promise<StartedProbe> {
  const events: RunEvent[] = []
  const printed: string[] = []
  const run = await startPipelines('kind' in pipelines ? [pipelines] : pipelines, {
    ...engineDefaults,
    log,
    clock: systemClock,
    name: 'p',
    print: (text) => printed.push(text),
    notify: (event) => events.push(event),
    ...options,
  })
  return { run, events, printed }
}

export interface ProbeRecord {
  readonly key: string | null
  readonly value: unknown
  readonly timeMs?: number
}

/** Appends values as JSON, each to the partition of its key (without key: the first). */
export async function give(
  log: Log,
  topic: string,
  records: readonly ProbeRecord[],
): Promise<void> {
  const { partitions } = await log.describeTopic(topic)
  const builders = partitions.map(() => new BatchBuilder())
  for (const { key, value, timeMs = 0 } of records) {
    const partition = key === null ? 0 : partitionOfText(key, partitions.length)
    builders[partition]?.add(key, JSON.stringify(value), timeMs)
  }
  const batches = builders.flatMap((builder, partition) =>
    builder.count === 0 ? [] : [{ topic, partition, bytes: builder.finish() }],
  )
  if (batches.length > 0) await log.append(batches)
}

/** All values of a topic as text, by partition, in order. */
export async function textsByPartition(log: Log, topic: string): Promise<string[][]> {
  const { partitions } = await log.describeTopic(topic)
  const all: string[][] = []
  for (const { partition, startOffset, endOffset } of partitions) {
    const texts: string[] = []
    const reader = await log.openReader([{ topic, partition, offset: startOffset }])
    for (let next = startOffset; next < endOffset;) {
      const batch = reader.poll(0)
      if (batch === null) {
        await reader.wait(waitMsMax)
        continue
      }
      for (let i = batch.first; i < batch.count; i++) texts.push(String(batch.value(i)))
      next = batch.nextOffset
    }
    await reader.close()
    all.push(texts)
  }
  return all
}

/** All values of a topic as text, in order of partition and offset. */
export async function texts(log: Log, topic: string): Promise<string[]> {
  return (await textsByPartition(log, topic)).flat()
}
