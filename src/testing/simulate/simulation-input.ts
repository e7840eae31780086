/** The input of a simulation, encoded once: what each partition holds, in order. */
import { encodeKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { MillraceError } from '../../core/error.ts'
import { BatchBuilder } from '../../log/batch.ts'
import type { AppendBatch } from '../../log/log.ts'
import { partitionOfText } from '../../log/partitioner.ts'
import type { TopicSpec } from '../../pipeline/node.ts'
import type { Topic } from '../../pipeline/topic.ts'

/** A record that a pipeline reads. Make them with `inputOf`, which checks the types. */
export interface SimulatedRecord {
  readonly topic: string
  readonly value: unknown
  /** Default: the topic's key function, else none. */
  readonly key?: Key
  /**
   * Record time, ms. Event time where the topic has no `time` function. Default 0; by `inputOf`
   * what the topic's `time` gives.
   */
  readonly time?: number
  /** Default: of the key, as on every log; without key 0. */
  readonly partition?: number
  /**
   * 0, 1, …: those of a later wave come when all of the earlier ones were read and the wall clock
   * has gone on for a while (`betweenWaves`). Default 0.
   */
  readonly wave?: number
}

/** A record with its bytes. */
export interface InputRecord {
  readonly topic: string
  readonly partition: number
  readonly key: string | null
  readonly value: Uint8Array | string | null
  readonly timeMs: number
  readonly wave: number
  /** For people. */
  readonly text: string
}

/**
 * Records of one topic for `simulate`, in the order in which its partitions hold them.
 * @param options of each value, or of all
 * @example
 * const input = inputOf(words, ['a', 'b'], (_word, i) => ({ time: i * 1000 }))
 * input.length // => 2
 */
export function inputOf<V, K>(
  topic: Topic<V, K>,
  values: readonly V[],
  options: (
    value: V,
    index: number,
  ) => {
    readonly key?: Key
    readonly time?: number
    readonly partition?: number
    readonly wave?: number
  } = () => ({}),
): SimulatedRecord[] {
  const { name } = topic.spec
  return values.map((value, i) => {
    const timeMs = eventTimeOf(topic.spec, value)
    return {
      topic: name,
      value,
      ...(timeMs === null ? {} : { time: timeMs }),
      ...options(value, i),
    }
  })
}

/** Ms; null where the topic has no `time` function, or it has none for this value. */
function eventTimeOf({ time }: TopicSpec, value: unknown): number | null {
  if (time === null || value === null) return null
  try {
    const found = Number(time(value))
    return Number.isFinite(found) ? found : null
  } catch {
    return null
  }
}

/** @throws `unknown-topic` · `unknown-partition` · what the codec throws */
export function encodeInput(
  input: readonly SimulatedRecord[],
  sources: ReadonlyMap<string, TopicSpec>,
): InputRecord[] {
  return input.map(({ topic, value, key, time = 0, partition, wave = 0 }) => {
    const spec = sources.get(topic)
    if (spec === undefined) {
      throw new MillraceError('unknown-topic', `the pipeline does not read topic '${topic}'`, {
        hint: `it reads ${[...sources.keys()].join(', ')}`,
      })
    }
    const count = spec.partitions ?? 1
    const own = key ?? (typeof spec.key === 'function' && value !== null ? spec.key(value) : null)
    const text = own === null ? null : encodeKey(own)
    const home = partition ?? (text === null ? 0 : partitionOfText(text, count))
    if (!Number.isInteger(home) || home < 0 || home >= count) {
      throw new MillraceError('unknown-partition', `topic '${topic}' has no partition ${home}`)
    }
    const bytes = value === null && spec.compact ? null : spec.codec.encode(value)
    const when = wave > 0 ? `, wave ${wave}` : ''
    const shown = typeof bytes === 'string' ? bytes : (bytes?.toString() ?? 'null')
    return {
      topic,
      partition: home,
      key: text,
      value: bytes,
      timeMs: time,
      wave,
      text: `${topic}/${home} ${text ?? '(no key)'} ${shown} at ${time}${when}`,
    }
  })
}

/** Blocks of at most `recordsMax` records, each partition's in order. */
export function blocksOf(input: readonly InputRecord[], recordsMax: number): AppendBatch[] {
  const blocks: AppendBatch[] = []
  const builders = new Map<string, BatchBuilder>()
  const finish = ({ topic, partition }: InputRecord, builder: BatchBuilder): void => {
    if (builder.count > 0) blocks.push({ topic, partition, bytes: builder.finish() })
  }
  const last = new Map<string, InputRecord>()
  for (const record of input) {
    const place = `${record.topic}/${record.partition}`
    const builder = builders.get(place) ?? new BatchBuilder()
    builders.set(place, builder)
    last.set(place, record)
    builder.add(record.key, record.value, record.timeMs)
    if (builder.count >= recordsMax) finish(record, builder)
  }
  for (const [place, builder] of builders) finish(last.get(place) as InputRecord, builder)
  return blocks
}
