/**
 * `POST /topics/NAME`: records of a request into a topic. Answered when they are on disk. All of
 * them are written, or none.
 */
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../core/clock.ts'
import type { Log, TopicInfo } from '../log/log.ts'
import { deadTopic, lateTopic, marksTopic } from '../pipeline/letter-topic.ts'
import type { TopicSpec } from '../pipeline/topic-spec.ts'
import { TopicAppends, type Note, type Run } from './appends.ts'
import { Body } from './body.ts'
import type { Budget } from './budget.ts'
import type { CheckedHttpOptions } from './http-options.ts'
import { recordList } from './record-list.ts'
import { jsonRanges, LineRanges, type RecordRanges } from './record-ranges.ts'
import { Refusal } from './refusal.ts'
import { digest, type RequestKeys } from './request-keys.ts'
import { TopicCache } from './topic-cache.ts'

export interface IngestOptions {
  readonly log: Log
  readonly clock: Clock
  readonly options: CheckedHttpOptions
  readonly budget: Budget
  readonly keys: RequestKeys
  /** The topics that pipelines of this process read. */
  readonly specs: ReadonlyMap<string, TopicSpec>
}

export interface IngestRequest {
  readonly topic: string
  readonly request: IncomingMessage
  /** Told when the body is wanted. */
  readonly begin: () => void
  readonly key: string | null
  readonly keyPointer: string | null
  readonly idempotencyKey: string | null
  readonly invalid: 'refuse' | 'take'
}

export interface Ingested {
  readonly topic: string
  readonly records: number
  readonly runs: readonly Run[]
  /** A request with this idempotency key had been answered before; nothing was written. */
  readonly isRepeated: boolean
}

export class Ingest {
  /** Totals since the start. */
  readonly counters = { requests: 0, records: 0, bytes: 0, repeated: 0 }
  readonly #options: IngestOptions
  readonly #topics: TopicCache
  readonly #appends = new Map<string, TopicAppends>()

  constructor(options: IngestOptions) {
    this.#options = options
    this.#topics = new TopicCache(options.log, options.clock)
  }

  /** @throws Refusal · what the log throws */
  async take(asked: IngestRequest): Promise<Ingested> {
    const { options, budget } = this.#options
    checkOwn(asked.topic, this.#options.log.kind)
    const format = formatOf(asked.request)
    const topic = await this.#topics.find(asked.topic)
    const bounds = { recordsMax: options.recordsMax, recordBytesMax: topic.config.recordBytesMax }
    const body = new Body({ bytesMax: options.bodyBytesMax, budget, begin: asked.begin })
    try {
      let ranges: RecordRanges
      if (format === 'json') {
        await body.read(asked.request)
        ranges = jsonRanges(body.bytes, bounds)
      } else {
        const lines = new LineRanges(bounds)
        await body.read(asked.request, () => lines.take(body.bytes))
        lines.end(body.bytes)
        ranges = lines
      }
      return await this.#append(topic, { asked, bytes: body.bytes, ranges })
    } finally {
      body.release()
    }
  }

  async #append(
    topic: TopicInfo,
    {
      asked,
      bytes,
      ranges,
    }: { readonly asked: IngestRequest; readonly bytes: Buffer; readonly ranges: RecordRanges },
  ): Promise<Ingested> {
    const spec = this.#options.specs.get(topic.name) ?? null
    const records = await recordList(bytes, ranges, { ...asked, topic, spec })
    const append = (note: Note | null): Promise<Run[]> => {
      const timeMs = this.#options.clock.now()
      const partitions = topic.config.partitions
      return this.#appendsOf(topic.name).add(records, { partitions, timeMs, note })
    }
    let runs: readonly Run[]
    let isRepeated = false
    try {
      if (asked.idempotencyKey !== null) {
        const { key, keyPointer, invalid } = asked
        const fingerprint = digest(key ?? '', keyPointer ?? '', invalid, bytes)
        const id = digest(topic.name, asked.idempotencyKey)
        const done = await this.#options.keys.once({ id, fingerprint, topic }, append)
        runs = done.runs
        isRepeated = done.isRepeated
      } else runs = records.count === 0 ? [] : await append(null)
    } catch (thrown) {
      this.#topics.forget(topic.name) // it may be gone, or another
      throw thrown
    } finally {
      if (this.#appends.get(topic.name)?.isIdle === true) this.#appends.delete(topic.name)
    }
    this.#count(records.count, bytes.length, isRepeated)
    return { topic: topic.name, records: records.count, runs, isRepeated }
  }

  #appendsOf(topic: string): TopicAppends {
    const known = this.#appends.get(topic) ?? new TopicAppends(this.#options.log, topic)
    this.#appends.set(topic, known)
    return known
  }

  #count(records: number, bytes: number, isRepeated: boolean): void {
    this.counters.requests += 1
    if (isRepeated) this.counters.repeated += 1
    else {
      this.counters.records += records
      this.counters.bytes += bytes
    }
  }
}

/** Topics that Millrace writes itself: what stands there is believed. */
function checkOwn(topic: string, kind: Log['kind']): void {
  const isOwn =
    topic.startsWith('millrace.') ||
    topic.endsWith('.repartition') ||
    (kind === 'kafka' && topic.endsWith('-changelog')) ||
    [deadTopic(''), lateTopic('')].some(
      (end) => topic.endsWith(end) || topic.endsWith(marksTopic(end)),
    )
  if (!isOwn) return
  throw new Refusal(403, 'forbidden', `topic '${topic}' is written by Millrace alone`, {
    hint: 'send records to a topic that a pipeline reads',
  })
}

const types: Readonly<Record<string, 'json' | 'lines'>> = {
  'application/json': 'json',
  'application/x-ndjson': 'lines',
  'application/ndjson': 'lines',
  'application/jsonl': 'lines',
}

function formatOf(request: IncomingMessage): 'json' | 'lines' {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers
  const [name = '', ...rest] = type.split(';').map((part) => part.trim().toLowerCase())
  const format = Object.hasOwn(types, name) ? types[name] : undefined
  const charset = rest.find((part) => part.startsWith('charset='))
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset)
  if (format !== undefined && isUtf8 && encoding === 'identity') return format
  const what = encoding === 'identity' ? `content type '${type}'` : `encoding '${encoding}'`
  throw new Refusal(415, 'unsupported-media-type', `${what.slice(0, 200)} is not known`, {
    hint: 'send application/json or application/x-ndjson, in UTF-8, not compressed',
    headers: { 'Accept-Encoding': 'identity', 'Accept-Post': Object.keys(types).join(', ') },
  })
}
