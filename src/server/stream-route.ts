/**
 * `GET /topics/NAME/stream`: records as they are committed, to any number of clients, as
 * server-sent events. The log is the buffer: a client that is slow reads later, and misses nothing
 * but what retention takes meanwhile, which it is told.
 */
import type { Clock } from '../core/clock.ts'
import { isCode } from '../core/error.ts'
import type { RecordBatch } from '../log/batch.ts'
import type { Log, Reader, TopicInfo } from '../log/log.ts'
import { partitionOfText } from '../log/partitioner.ts'
import { problemReply, topicParam } from './described.ts'
import type { ParamSpecs } from './params.ts'
import { recordJson, type ValueForm } from './record-view.ts'
import { Refusal } from './refusal.ts'
import { type Route, route, type Stream, type StreamClient } from './route.ts'
import { partitionParam, valuesParam } from './topic-routes.ts'

/** Clients at one time; each reads for itself. */
const clientsMax = 64
/** Without a record, a comment says so often that the connection lives. */
const aliveMs = 15_000
/** Records written before others have their turn. */
const turnRecords = 200
/** Partitions of one stream. */
const partitionsMax = 64

const streamParams = {
  topic: topicParam,
  partition: partitionParam,
  key: {
    in: 'query',
    description: 'Only records with this key, as text',
    schema: { type: 'string', maxLength: 8_000 },
  },
  from: {
    in: 'query',
    description: 'Where to begin, without `Last-Event-ID`',
    schema: { type: 'string', maxLength: 8, enum: ['latest', 'earliest'], default: 'latest' },
  },
  values: valuesParam,
  'Last-Event-ID': {
    in: 'header',
    description: 'Of the last event that was received: the stream goes on behind it',
    schema: { type: 'string', maxLength: 4_000, pattern: '^[0-9]+:[0-9]+(,[0-9]+:[0-9]+)*$' },
  },
} as const satisfies ParamSpecs

export function streamRoute(log: Log, clock: Clock): Route {
  let clientCount = 0
  return route({
    method: 'GET',
    path: '/topics/{topic}/stream',
    name: 'streamRecords',
    summary: 'Records as they are committed, as server-sent events; goes on after an interruption',
    params: streamParams,
    replies: {
      200: {
        description:
          'One event a record, its id the next offset of each partition; `event: gap` where ' +
          'records are gone',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
      400: problemReply,
      404: problemReply,
      429: problemReply,
    },
    handle: async (params): Promise<Stream> => {
      const info = await log.describeTopic(params.topic)
      const partitions = partitionsOf(info, params)
      const next = startOf(info, { ...params, partitions, last: params['Last-Event-ID'] })
      if (clientCount >= clientsMax) {
        throw new Refusal(429, 'too-many-requests', `${clientsMax} clients listen already`, {
          headers: { 'Retry-After': '5' },
        })
      }
      clientCount += 1
      const bytes = params.key === null ? null : Buffer.from(params.key)
      const streaming = new TopicStream({
        log,
        clock,
        topic: info.name,
        next,
        form: params.values as ValueForm,
        isWanted: (batch, i) => bytes === null || batch.key(i)?.equals(bytes) === true,
      })
      return {
        status: 200,
        contentType: 'text/event-stream; charset=utf-8',
        stream: (client) =>
          streaming.run(client).finally(() => {
            clientCount -= 1
          }),
      }
    },
  })
}

function partitionsOf(
  info: TopicInfo,
  { partition, key }: { readonly partition: number | null; readonly key: string | null },
): number[] {
  const only = partition ?? (key === null ? null : partitionOfText(key, info.config.partitions))
  const all = info.partitions.map((one) => one.partition)
  if (only !== null && !all.includes(only)) {
    throw new Refusal(404, 'unknown-partition', `topic '${info.name}' has no partition ${only}`)
  }
  const wanted = only === null ? all : [only]
  if (wanted.length <= partitionsMax) return wanted
  throw new Refusal(400, 'bad-request', `topic '${info.name}' has ${wanted.length} partitions`, {
    hint: `give partition: more than ${partitionsMax} are not read at once`,
  })
}

/** Partition → next offset. */
function startOf(
  info: TopicInfo,
  wish: { readonly partitions: readonly number[]; readonly from: string; last: string | null },
): Map<number, number> {
  const given = new Map(
    (wish.last ?? '')
      .split(',')
      .filter((part) => part !== '')
      .map((part) => part.split(':').map(Number) as [number, number]),
  )
  return new Map(
    wish.partitions.map((partition) => {
      const { startOffset = 0, endOffset = 0 } = info.partitions[partition] ?? {}
      const begin = wish.from === 'earliest' ? startOffset : endOffset
      // Beyond the end there is nothing as yet: a topic that was made anew begins at 0.
      return [partition, Math.min(given.get(partition) ?? begin, endOffset)]
    }),
  )
}

interface StreamParts {
  readonly log: Log
  readonly clock: Clock
  readonly topic: string
  /** Partition → next offset; moves on. */
  readonly next: Map<number, number>
  readonly form: ValueForm
  readonly isWanted: (batch: RecordBatch, i: number) => boolean
}

class TopicStream {
  readonly #parts: StreamParts
  readonly #partitions: readonly number[]
  #spokenMs: number

  constructor(parts: StreamParts) {
    this.#parts = parts
    this.#partitions = [...parts.next.keys()]
    this.#spokenMs = parts.clock.monotonic()
  }

  async run(client: StreamClient): Promise<void> {
    const { log, topic, next } = this.#parts
    const inputs = this.#partitions.map((partition) => {
      return { topic, partition, offset: next.get(partition) ?? 0 }
    })
    const reader = await log.openReader(inputs)
    const onGone = (): void => reader.wake()
    client.gone.addEventListener('abort', onGone)
    client.write(': records follow\n\n')
    try {
      while (!client.gone.aborted && (await this.#turn(reader, client)));
    } catch (thrown) {
      if (!isCode(thrown, 'unknown-topic')) throw thrown // deleted meanwhile: the stream ends
    } finally {
      client.gone.removeEventListener('abort', onGone)
      await reader.close()
    }
  }

  /** @returns whether it goes on */
  async #turn(reader: Reader, client: StreamClient): Promise<boolean> {
    const { clock } = this.#parts
    let isIdle = true
    for (const input of this.#partitions.keys()) {
      const batch = reader.poll(input)
      if (batch === null) continue
      isIdle = false
      await this.#write(batch, client)
    }
    if (!isIdle) return true
    const silentMs = clock.monotonic() - this.#spokenMs
    if (silentMs >= aliveMs) this.#say(client, ': still here\n\n')
    return (await reader.wait(Math.max(1, Math.min(aliveMs, aliveMs - silentMs)))) !== 'closed'
  }

  async #write(batch: RecordBatch, client: StreamClient): Promise<void> {
    const { next, isWanted, form, clock } = this.#parts
    const { partition } = batch
    const expected = next.get(partition) ?? 0
    const first = batch.first < batch.count ? batch.offset(batch.first) : batch.nextOffset
    if (first > expected) await this.#gap(client, partition, { from: expected, to: first })
    let written = 0
    for (let i = batch.first; i < batch.count && !client.gone.aborted; i++) {
      next.set(partition, batch.offset(i) + 1)
      if (!isWanted(batch, i)) continue
      this.#say(client, `id: ${this.#id()}\ndata: ${recordJson(batch, i, form)}\n\n`)
      if (!client.isReady) await client.drained()
      written += 1
      if (written % turnRecords === 0) await clock.nextTurn()
    }
    next.set(partition, batch.nextOffset)
  }

  /** Retention or compaction has taken records that this client had not got. */
  async #gap(
    client: StreamClient,
    partition: number,
    { from, to }: { readonly from: number; readonly to: number },
  ): Promise<void> {
    const { log, topic } = this.#parts
    const info = await log.describeTopic(topic)
    // In a compacted topic offsets are missing everywhere; on Kafka transactions' marks take some.
    const start = info.partitions[partition]?.startOffset ?? 0
    if (start <= from) return
    const data = JSON.stringify({ partition, from, to: Math.min(start, to) })
    this.#say(client, `event: gap\ndata: ${data}\n\n`)
  }

  #say(client: StreamClient, text: string): void {
    this.#spokenMs = this.#parts.clock.monotonic()
    client.write(text)
  }

  #id(): string {
    return [...this.#parts.next].map(([partition, offset]) => `${partition}:${offset}`).join(',')
  }
}
