/**
 * Appends that belong to no task. What fits into one batch of one partition is written without a
 * transaction, as it is whole or not there anyway; the rest in a transaction. What waits while
 * something is under way goes together after it, in order.
 */
import { isCode, MillraceError, messageOf } from '../../../core/error.ts'
import { systemRandom, uniqueName } from '../../../core/random.ts'
import type { Random } from '../../../core/random.ts'
import { RecordBatch } from '../../batch.ts'
import type { AppendBatch, Appended, ProducerStamp } from '../../log.ts'
import type { TransactionalProducer } from '../contracts.ts'
import { checkAppends, placeKey, prepareAppends, recordCountOf } from './appends.ts'
import type { AppendOptions, CheckedAppend } from './appends.ts'
import { IdempotentProducer } from './idempotent-producer.ts'
import type { Written } from './idempotent-producer.ts'
import { StampedAppends } from './stamped-appends.ts'
import { openTransactionalProducer } from './transactional-producer.ts'

export interface AppenderOptions extends AppendOptions {
  /** For the transactional id of this handle. */
  readonly random?: Random
  /** As of `openTransactionalProducer`. */
  readonly timeoutMs?: number
  readonly patienceMs?: number
  readonly lane?: number
}

export interface Appender {
  /** As `Log.append`. */
  append(batches: readonly AppendBatch[], stamp?: ProducerStamp): Promise<Appended[]>
  /** Waits for what is under way; what waits is refused with `log-closed`. Idempotent. */
  close(): Promise<void>
}

export function createAppender(options: AppenderOptions): Appender {
  return new KafkaAppender(options)
}

/** Of appends that go together. */
const togetherBytesMax = 16 << 20
const attemptsMax = 3
/** What a record takes in a Kafka batch beside its payload, at most; and the batch itself. */
const recordOverheadMax = 40
const batchHeadBytes = 61

interface Job {
  readonly batches: readonly AppendBatch[]
  readonly resolve: (appended: Appended[]) => void
  readonly reject: (error: unknown) => void
}

interface CheckedJob extends Job {
  readonly checked: readonly CheckedAppend[]
  /** The most that it takes in Kafka's form. */
  readonly bytes: number
  readonly kind: 'single' | 'whole'
}

class KafkaAppender implements Appender {
  readonly #options: AppenderOptions
  readonly #alone: IdempotentProducer
  readonly #stamped: StampedAppends
  readonly #transactionalId: string
  readonly #waiting: Job[] = []
  /** Taken from `#waiting` and checked, but not of the kind of those before. */
  #held: CheckedJob | null = null
  #producer: TransactionalProducer | null = null
  #working: Promise<void> | null = null
  #isClosed = false

  constructor(options: AppenderOptions) {
    const { cluster, patienceMs = 30_000, lane = 0, random = systemRandom } = options
    this.#options = options
    this.#alone = new IdempotentProducer({ cluster, patienceMs, lane, unsure: 'give-up' })
    this.#stamped = new StampedAppends(options)
    this.#transactionalId = `millrace-append-${uniqueName(random)}`
  }

  async append(batches: readonly AppendBatch[], stamp?: ProducerStamp): Promise<Appended[]> {
    if (this.#isClosed) throw closed()
    for (const batch of batches) checkBlock(batch)
    if (stamp !== undefined) return await this.#stamped.append(batches, stamp)
    return await new Promise<Appended[]>((resolve, reject) => {
      this.#waiting.push({ batches, resolve, reject })
      this.#working ??= this.#work()
    })
  }

  async #work(): Promise<void> {
    await Promise.resolve() // whoever appends in the same turn comes along
    for (;;) {
      const jobs = await this.#take()
      if (jobs.length === 0) {
        // Something may have come since the last look.
        if (this.#waiting.length > 0) continue
        this.#working = null
        return
      }
      const run = jobs[0]?.kind === 'single' ? this.#runSingles(jobs) : this.#runWhole(jobs)
      await run.catch((thrown: unknown) => {
        for (const { reject } of jobs) reject(thrown)
      })
    }
  }

  /** The next appends that can go together. */
  async #take(): Promise<CheckedJob[]> {
    const jobs: CheckedJob[] = []
    const bytesOf = new Map<string, number>()
    let total = 0
    for (;;) {
      const job = this.#held ?? (await this.#nextChecked())
      this.#held = null
      if (job === null) return jobs
      const { append, limits } = job.checked[0] ?? {}
      const key = append === undefined ? '' : placeKey(append)
      const inBatch = (bytesOf.get(key) ?? batchHeadBytes) + job.bytes
      total += job.bytes
      const isTooMuch =
        total > togetherBytesMax ||
        (job.kind === 'single' && inBatch > (limits?.batchBytesMax ?? Infinity))
      if (jobs.length > 0 && (job.kind !== jobs[0]?.kind || isTooMuch)) {
        this.#held = job
        return jobs
      }
      bytesOf.set(key, inBatch)
      jobs.push(job)
    }
  }

  /** Refused ones are told, and left out. */
  async #nextChecked(): Promise<CheckedJob | null> {
    for (;;) {
      const job = this.#waiting.shift()
      if (job === undefined) return null
      try {
        if (this.#isClosed) throw closed()
        return checkedJob(job, await checkAppends(job.batches, this.#options))
      } catch (thrown) {
        job.reject(thrown)
      }
    }
  }

  /** Each is in one batch; those of a partition share it. */
  async #runSingles(jobs: readonly CheckedJob[]): Promise<void> {
    const all = jobs.flatMap(({ checked }) => checked)
    const encoded = prepareAppends(all, this.#options.compression).encode()
    const written = await this.#alone.send(encoded.partitions)
    const byPlace = new Map(written.map((one) => [placeKey(one.of), one]))
    const receipts = encoded.receipts(new Map(written.map((one) => [one.of, one.offsets])))
    let at = 0
    for (const job of jobs) {
      const appended = receipts.slice(at, at + job.checked.length)
      at += job.checked.length
      const failed = job.checked
        .map(({ append }) => byPlace.get(placeKey(append)))
        .find((one): one is Written => one !== undefined && one.error !== null)
      if (failed === undefined) job.resolve(appended)
      else if (jobs.length > 1 && isRefusal(failed.error)) {
        // One bad append must not take the others in its batch with it.
        await this.#runSingles([job]).catch(job.reject)
      } else job.reject(failed.error)
    }
  }

  async #runWhole(jobs: readonly CheckedJob[]): Promise<void> {
    const appends = jobs.flatMap(({ batches }) => batches)
    let appended: readonly Appended[]
    try {
      appended = await this.#commit(appends)
    } catch (thrown) {
      if (jobs.length === 1 || !isRefusal(thrown)) throw thrown
      for (const job of jobs) await this.#runWhole([job]).catch(job.reject)
      return
    }
    let at = 0
    for (const { batches, resolve } of jobs) {
      resolve(appended.slice(at, at + batches.length))
      at += batches.length
    }
  }

  /**
   * Nobody else has this transactional id; but a request of this process to take it over, given up
   * as lost, may reach the broker late and fence it. Nothing was done then.
   */
  async #commit(appends: readonly AppendBatch[]): Promise<readonly Appended[]> {
    for (let attempt = 1; ; attempt++) {
      const producer = await this.#opened()
      try {
        return await producer.commit({ appends, offsets: () => [] })
      } catch (thrown) {
        if (!isCode(thrown, 'task-fenced')) throw thrown
        if (attempt < attemptsMax) continue
        throw new MillraceError('log-failed', 'an append was refused again and again', {
          cause: thrown,
          hint: 'try again later',
        })
      }
    }
  }

  async #opened(): Promise<TransactionalProducer> {
    if (this.#producer !== null && !this.#producer.isDead) return this.#producer
    await this.#producer?.close()
    const transactionalId = this.#transactionalId
    this.#producer = await openTransactionalProducer({
      ...this.#options,
      transactionalId,
      waitFor: 'markers',
    })
    return this.#producer
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#working
    await Promise.all([this.#producer?.close(), this.#stamped.close()])
  }
}

function checkedJob(job: Job, checked: readonly CheckedAppend[]): CheckedJob {
  const full = checked.filter(({ append }) => recordCountOf(append.bytes) > 0)
  const bytes = full.reduce(
    (sum, { append }) =>
      sum + append.bytes.length + recordCountOf(append.bytes) * recordOverheadMax,
    0,
  )
  const room = (checked[0]?.limits.batchBytesMax ?? Infinity) - batchHeadBytes
  return { ...job, checked, bytes, kind: checked.length <= 1 && bytes <= room ? 'single' : 'whole' }
}

/** A block that is damaged would be written as records that nobody appended. */
function checkBlock({ topic, partition, bytes }: AppendBatch): void {
  try {
    new RecordBatch(topic, partition, 0, bytes)
  } catch (thrown) {
    const text = `an append of ${bytes.length} bytes is no record batch`
    throw new MillraceError('invalid-argument', text, {
      at: { topic, partition },
      hint: `make it with BatchBuilder and use it once (${messageOf(thrown)})`,
      cause: thrown,
    })
  }
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof MillraceError && thrown.blame === 'user' && thrown.code !== 'log-closed'
}

function closed(): MillraceError {
  return new MillraceError('log-closed', 'the log was closed', { hint: 'open it again' })
}
