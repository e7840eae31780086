/**
 * Appends with a producer's number, exactly once over restarts of the process: each is one
 * transaction of the transactional id `millrace-stamp-<producer>`, which also commits the number
 * with its offsets, as offsets of the group of that name: offset = number + 1, metadata =
 * `<base offset>:<record count>`. Whoever opens the id reads them back. A broker forgets a group
 * without members after offsets.retention.minutes (7 days) without a commit; the numbers of a
 * producer that was silent for longer begin at 0 again.
 */
import { isCode, MillraceError } from '../../../core/error.ts'
import type { AppendBatch, Appended, ProducerStamp, TopicPartition } from '../../log.ts'
import { committedOffsets } from '../admin/committed-offsets.ts'
import type { GroupOffsets, OffsetToCommit, TransactionalProducer } from '../contracts.ts'
import { checkAppends, placeKey, recordCountOf } from './appends.ts'
import type { AppendOptions } from './appends.ts'
import { openTransactionalProducer } from './transactional-producer.ts'
import type { ProducerOptions } from './transactional-producer.ts'

export type StampedOptions = AppendOptions &
  Pick<ProducerOptions, 'timeoutMs' | 'patienceMs' | 'lane'>

/** Of producers that are kept open. */
const openMax = 16
const attemptsMax = 5

export class StampedAppends {
  readonly #options: StampedOptions
  /** The one used last is the last. */
  readonly #producers: Map<string, StampedProducer> = new Map()

  constructor(options: StampedOptions) {
    this.#options = options
  }

  async append(batches: readonly AppendBatch[], stamp: ProducerStamp): Promise<Appended[]> {
    checkStamp(stamp)
    const producer =
      this.#producers.get(stamp.producer) ?? new StampedProducer(this.#options, stamp)
    this.#producers.delete(stamp.producer)
    this.#producers.set(stamp.producer, producer)
    const appending = producer.append(batches, stamp.sequence)
    this.#evict()
    return await appending
  }

  #evict(): void {
    if (this.#producers.size <= openMax) return
    for (const [name, producer] of this.#producers) {
      if (producer.isBusy) continue
      this.#producers.delete(name)
      void producer.close().catch(() => {})
      return
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#producers.values()].map((producer) => producer.close()))
  }
}

/** What a partition holds of a producer. */
interface Last {
  readonly sequence: number
  readonly base: number
  readonly count: number
}

/** What is to be done with the batches for one partition. */
interface Run {
  /** The append is there already: where, and how much of it was given again. */
  readonly known: Last | null
  given: number
}

class StampedProducer {
  readonly #options: StampedOptions
  readonly #name: string
  readonly #group: string
  /** By id of the topic and partition; null: the partition holds nothing of it. */
  readonly #last: Map<string, Last | null> = new Map()
  #producer: TransactionalProducer | null = null
  #tail: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(options: StampedOptions, { producer }: ProducerStamp) {
    this.#options = options
    this.#name = producer
    this.#group = `millrace-stamp-${producer}`
  }

  get isBusy(): boolean {
    return this.#waiting > 0
  }

  /** One after the other, in the order of the calls. */
  append(batches: readonly AppendBatch[], sequence: number): Promise<Appended[]> {
    this.#waiting += 1
    const appended = this.#tail
      .then(() => this.#append(batches, sequence))
      .finally(() => (this.#waiting -= 1))
    this.#tail = appended.catch(() => {})
    return appended
  }

  async #append(batches: readonly AppendBatch[], sequence: number): Promise<Appended[]> {
    await checkAppends(batches, this.#options)
    let mayReopen = true
    for (let attempt = 1; ; attempt++) {
      try {
        const producer = await this.#opened()
        return await this.#appendOnce(producer, batches, sequence)
      } catch (thrown) {
        if (thrown instanceof Apart && attempt < attemptsMax) continue
        const error = thrown instanceof Apart ? thrown.error : thrown
        // Someone else may have gone on with the numbers; whether this one is there decides.
        if (!mayReopen || !(await this.#isOver(error))) throw forCaller(error, this.#name)
        mayReopen = false
        await this.#drop()
      }
    }
  }

  async #appendOnce(
    producer: TransactionalProducer,
    batches: readonly AppendBatch[],
    sequence: number,
  ): Promise<Appended[]> {
    await this.#readBack(batches)
    const runs = new Map<string, Run>()
    for (const batch of batches) {
      const key = placeKey(batch)
      if (!runs.has(key)) runs.set(key, { known: this.#decide(batch, sequence), given: 0 })
    }
    const isNew = (batch: AppendBatch): boolean => runs.get(placeKey(batch))?.known === null
    const appends = batches.filter(isNew)
    const fresh = appends.length === 0 ? [] : await this.#write(producer, appends, sequence)
    let next = 0
    return batches.map((batch) => {
      const { known, given } = runs.get(placeKey(batch)) as Run
      if (known === null) return fresh[next++] as Appended
      const recordCount = recordCountOf(batch.bytes)
      if (given + recordCount > known.count) throw tooMany(batch)
      runs.set(placeKey(batch), { known, given: given + recordCount })
      const { topic, partition } = batch
      return { topic, partition, baseOffset: known.base + given, recordCount }
    })
  }

  async #write(
    producer: TransactionalProducer,
    appends: readonly AppendBatch[],
    sequence: number,
  ): Promise<readonly Appended[]> {
    let kept: readonly Kept[] = []
    const offsets = (appended: readonly Appended[]): readonly GroupOffsets[] => {
      kept = keptOf(appended, sequence)
      const list = kept.map(({ offset }) => offset)
      return [{ group: this.#group, offsets: list, ownership: null }]
    }
    const appended = await producer.commit({ appends, offsets })
    for (const { offset, last } of kept) this.#last.set(this.#key(offset), last)
    return appended
  }

  /** @returns where the append is already; null: it is the next. @throws `invalid-argument` */
  #decide(at: TopicPartition, sequence: number): Last | null {
    const last = this.#last.get(this.#key(at)) ?? null
    if (last?.sequence === sequence) return last
    const expected = last === null ? 0 : last.sequence + 1
    if (sequence === expected) return null
    throw new MillraceError(
      'invalid-argument',
      `producer '${this.#name}' sent number ${sequence}, expected is ${expected}`,
      {
        at: { topic: at.topic, partition: at.partition },
        hint: 'number the appends of a producer 0, 1, 2, … for each partition',
      },
    )
  }

  /** What the partitions hold that were not looked at since the producer was opened. */
  async #readBack(places: readonly TopicPartition[]): Promise<void> {
    const missing = new Map(
      places
        .filter((place) => !this.#last.has(this.#key(place)))
        .map((place) => [placeKey(place), { topic: place.topic, partition: place.partition }]),
    )
    const asked = [...missing.values()]
    const found = await committedOffsets(this.#options.cluster, this.#group, asked)
    for (const [i, place] of asked.entries()) {
      const one = found[i] ?? null
      const [base = '', count = ''] = one?.metadata.split(':') ?? []
      const last = { sequence: (one?.offset ?? 0) - 1, base: Number(base), count: Number(count) }
      this.#last.set(this.#key(place), one === null ? null : last)
    }
  }

  /** A topic that was deleted and made again holds nothing. */
  #key({ topic, partition }: TopicPartition): string {
    return `${partition} ${this.#options.cluster.known(topic)?.id ?? topic}`
  }

  async #opened(): Promise<TransactionalProducer> {
    if (this.#producer !== null) return this.#producer
    this.#last.clear()
    this.#producer = await openTransactionalProducer({
      ...this.#options,
      transactionalId: this.#group,
      waitFor: 'markers',
    })
    return this.#producer
  }

  /** Whether opening anew, and reading back, may change the answer. */
  async #isOver(error: unknown): Promise<boolean> {
    if (this.#producer === null) return isCode(error, 'task-fenced')
    if (this.#producer.isDead) return true
    return isCode(error, 'invalid-argument') && (await this.#producer.isFenced())
  }

  async #drop(): Promise<void> {
    const producer = this.#producer
    this.#producer = null
    await producer?.close()
  }

  async close(): Promise<void> {
    await this.#tail
    await this.#drop()
  }
}

interface Kept {
  readonly offset: OffsetToCommit
  readonly last: Last
}

/** What is kept of an append: one entry for each partition. @throws Apart */
function keptOf(appended: readonly Appended[], sequence: number): readonly Kept[] {
  const runs = new Map<string, { place: TopicPartition; base: number; count: number }>()
  for (const { topic, partition, baseOffset, recordCount } of appended) {
    const place = { topic, partition }
    const run = runs.get(placeKey(place))
    if (run === undefined) {
      runs.set(placeKey(place), { place, base: baseOffset, count: recordCount })
    } else if (run.count === 0) {
      run.base = baseOffset
      run.count = recordCount
    } else {
      if (recordCount > 0 && baseOffset !== run.base + run.count) throw new Apart(place)
      run.count += recordCount
    }
  }
  return [...runs.values()].map(({ place, base, count }) => ({
    offset: { ...place, offset: sequence + 1, metadata: `${base}:${count}` },
    last: { sequence, base, count },
  }))
}

/** Another producer wrote between the batches of one append; it was aborted. */
class Apart extends Error {
  readonly error: MillraceError

  constructor(at: TopicPartition) {
    const text = 'others write to the partition so often that a large append is not kept together'
    super(text)
    this.error = new MillraceError('log-failed', text, { at, hint: 'append less at once' })
  }
}

function forCaller(error: unknown, producer: string): unknown {
  if (!isCode(error, 'task-fenced')) return error
  return new MillraceError('log-failed', `another process appends as producer '${producer}'`, {
    cause: error,
    hint: 'let one process at a time append under a producer name',
  })
}

function checkStamp({ producer, sequence }: ProducerStamp): void {
  const isNamed = producer.length >= 1 && producer.length <= 249
  if (isNamed && Number.isSafeInteger(sequence) && sequence >= 0) return
  throw new MillraceError('invalid-argument', `'${producer}' number ${sequence} is no stamp`, {
    hint: 'a producer has 1 to 249 characters and numbers its appends 0, 1, 2, …',
  })
}

function tooMany({ topic, partition }: TopicPartition): MillraceError {
  return new MillraceError(
    'invalid-argument',
    'a repeated append has more records than the first',
    {
      at: { topic, partition },
      hint: 'give the same batches again',
    },
  )
}
