/**
 * Idempotency keys: a request that comes again with its key gets the first answer, and nothing is
 * written. What is remembered lies in the log, in the topic `millrace.http.requests`, appended in
 * one step with the request's records: after a crash the one is there exactly if the other is. Here
 * is an index of it, bounded in number and time.
 *
 * A note cannot hold the offsets of the records beside it, as these are given by the append. It
 * says how many went to which partition, and from which offset on to look; the first record of each
 * run has the header `millrace-request`. So the answer can be made again.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { isCode, MillraceError } from '../core/error.ts'
import type { Log, Reader, TopicInfo } from '../log/log.ts'
import { mergeRuns, type Note, type Run } from './appends.ts'
import { findRuns } from './find-runs.ts'
import { keptOf, type KeptRequest, requestHeader, requestsTopic } from './kept-request.ts'
import { Refusal, tooMany } from './refusal.ts'

/** The log may delete notes later than this index forgets them, never sooner. */
const retentionFactor = 2

interface Entry {
  readonly fingerprint: string
  readonly atMs: number
  /** null: on its way. */
  runs: readonly Run[] | null
  /** As it lies in the log; null: not seen there yet. */
  kept: KeptRequest | null
  settled: Promise<void>
}

export interface RequestKeysOptions {
  readonly log: Log
  readonly clock: Clock
  readonly keepForMs: number
  readonly keysMax: number
}

export interface KeyedRequest {
  /** Identity of the key: the digest of the key and what it belongs to. */
  readonly id: string
  readonly fingerprint: string
  readonly topic: TopicInfo
}

/** Whether this request was the first of its key. */
export interface Remembered {
  readonly runs: readonly Run[]
  readonly isRepeated: boolean
}

export function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  // Each with its length before it, so that no two lists give the same bytes.
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  return hash.digest('base64url').slice(0, 32)
}

export class RequestKeys {
  readonly #options: RequestKeysOptions
  /** In order of time. */
  readonly #entries = new Map<string, Entry>()
  #reader: Reader | null = null
  /** Offset of the first note that was not read. */
  #next = 0
  #opening: Promise<void> | null = null

  constructor(options: RequestKeysOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#entries.size
  }

  /** Reads what is remembered, where there is anything. Idempotent. */
  async open(): Promise<void> {
    this.#opening ??= this.#open('look').then((found) => {
      if (found === 'nothing') this.#opening = null
    })
    await this.#opening
  }

  /**
   * Does what was asked once for each key.
   * @param append given the note that it has to append with the records
   * @throws Refusal 422 for another request with the same key, 429 where there is no room for a key
   */
  async once(request: KeyedRequest, append: (note: Note) => Promise<Run[]>): Promise<Remembered> {
    await this.#begin()
    if (this.#options.log.kind === 'kafka') await this.#reachEnd()
    this.#catchUp()
    this.#expire()
    const known = this.#entries.get(request.id)
    if (known !== undefined) return await this.#repeat(request, known, append)
    this.#checkRoom()
    const entry: Entry = {
      fingerprint: request.fingerprint,
      atMs: this.#options.clock.now(),
      runs: null,
      kept: null,
      settled: Promise.resolve(),
    }
    this.#entries.set(request.id, entry)
    const appending = append(this.#noteOf(request, entry))
    entry.settled = appending.then(
      (runs) => {
        entry.runs = runs
      },
      () => {
        // Where the log has it all the same, a repeat finds it there.
        const isOurs = this.#entries.get(request.id) === entry
        if (isOurs && entry.kept === null) this.#entries.delete(request.id)
      },
    )
    const runs = await appending
    return { runs, isRepeated: false }
  }

  async close(): Promise<void> {
    await this.#reader?.close()
  }

  async #repeat(
    request: KeyedRequest,
    known: Entry,
    append: (note: Note) => Promise<Run[]>,
  ): Promise<Remembered> {
    if (known.fingerprint !== request.fingerprint) {
      throw new Refusal(
        422,
        'idempotency-key-reused',
        'another request has come with this Idempotency-Key',
        { hint: 'give each request a key of its own, and only its repetitions the same' },
      )
    }
    await known.settled
    if (known.runs !== null) return { runs: known.runs, isRepeated: true }
    // The first has failed meanwhile, and nothing of it was written.
    if (known.kept === null) return await this.once(request, append)
    known.runs = mergeRuns(await findRuns(this.#options.log, known.kept, request.id))
    return { runs: known.runs, isRepeated: true }
  }

  #noteOf({ id, fingerprint, topic }: KeyedRequest, { atMs }: Entry): Note {
    return {
      header: { name: requestHeader, value: Buffer.from(id) },
      topic: requestsTopic,
      key: id,
      timeMs: atMs,
      value: (runs) => {
        const kept: KeptRequest = {
          topic: topic.name,
          fingerprint,
          atMs,
          runs: runs.map(({ partition, count }) => {
            return { partition, count, from: topic.partitions[partition]?.endOffset ?? 0 }
          }),
        }
        return JSON.stringify(kept)
      },
    }
  }

  #checkRoom(): void {
    const { keysMax, keepForMs, clock } = this.#options
    if (this.#entries.size < keysMax) return
    const [oldest] = this.#entries.values()
    const freeMs = (oldest?.atMs ?? 0) + keepForMs - clock.now()
    throw tooMany(
      `${keysMax} idempotency keys are remembered, and there is room for no more`,
      freeMs,
      'send more records a request, or let the server keep more keys',
    )
  }

  #expire(): void {
    const { keepForMs, clock } = this.#options
    const before = clock.now() - keepForMs
    for (const [id, entry] of this.#entries) {
      if (entry.atMs > before) return
      // One on its way is never forgotten.
      if (entry.runs !== null || entry.kept !== null) this.#entries.delete(id)
    }
  }

  async #begin(): Promise<void> {
    if (this.#reader !== null) return
    await this.open()
    this.#opening ??= this.#open('create').then(() => {})
    await this.#opening
  }

  async #open(how: 'look' | 'create'): Promise<'nothing' | 'open'> {
    const { log, clock, keepForMs } = this.#options
    let info: TopicInfo
    try {
      info = await log.describeTopic(requestsTopic)
    } catch (thrown) {
      if (!isCode(thrown, 'unknown-topic')) throw thrown
      if (how === 'look') return 'nothing'
      info = await log.createTopic(requestsTopic, { retentionMs: retentionFactor * keepForMs })
    }
    const end = info.partitions[0]?.endOffset ?? 0
    const offset = await log.offsetAtTime(requestsTopic, 0, clock.now() - keepForMs)
    const reader = await log.openReader([{ topic: requestsTopic, partition: 0, offset }])
    this.#next = offset
    this.#reader = reader
    await this.#readTo(reader, end)
    return 'open'
  }

  /**
   * A log that fetches from afar does not show at once what is committed: by another process, which
   * has answered this request before it died.
   */
  async #reachEnd(): Promise<void> {
    const { partitions } = await this.#options.log.describeTopic(requestsTopic)
    if (this.#reader !== null) await this.#readTo(this.#reader, partitions[0]?.endOffset ?? 0)
  }

  /** @throws `log-unreachable` */
  async #readTo(reader: Reader, end: number): Promise<void> {
    while (this.#catchUp() < end) {
      if ((await reader.wait(waitMs)) === 'ready') continue
      throw new MillraceError('log-unreachable', `topic '${requestsTopic}' cannot be read now`)
    }
  }

  /** Takes what the log has and this index has not. @returns the offset it has come to */
  #catchUp(): number {
    const reader = this.#reader
    for (let batch = reader?.poll(0) ?? null; batch !== null; batch = reader?.poll(0) ?? null) {
      for (let i = batch.first; i < batch.count; i++) {
        const id = batch.key(i)?.toString() ?? ''
        const kept = keptOf(batch.value(i))
        if (kept !== null) this.#learn(id, kept)
      }
      this.#next = batch.nextOffset
    }
    return this.#next
  }

  #learn(id: string, kept: KeptRequest): void {
    const known = this.#entries.get(id)
    const isOnItsWay = known?.runs === null && known.kept === null
    if (known?.fingerprint === kept.fingerprint && (isOnItsWay || known.atMs === kept.atMs)) {
      known.kept = kept
      return
    }
    // An earlier one under this key has expired where that was written; the newest counts.
    this.#entries.delete(id)
    const { fingerprint, atMs } = kept
    this.#entries.set(id, { fingerprint, atMs, runs: null, kept, settled: Promise.resolve() })
  }
}

/** How long the log may take to give what it has. */
const waitMs = 5_000
