/** Appends that belong to no task: of the command line, of sources, by hand. */
import { MillraceError } from '../../../core/error.ts'
import { uuid } from '../../../core/random.ts'
import type { Random } from '../../../core/random.ts'
import type { AppendBatch, Appended, ProducerStamp } from '../../log.ts'
import { committedOffsets } from '../admin/committed-offsets.ts'
import { stampGroup } from '../admin/names.ts'
import type { TransactionalProducer } from '../contracts.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { initProducerId } from '../wire/requests/init-producer-id.ts'
import { retrying, TryAgain } from '../wire/retrying.ts'
import { encodeAppends } from './appends.ts'
import type { AppendOptions, Appends } from './appends.ts'
import { sendBatches } from './send-batches.ts'
import type { SendOptions } from './send-batches.ts'
import { openTransactionalProducer } from './transactional-producer.ts'

export interface AppenderOptions extends AppendOptions {
  readonly random: Random
}

const limitMs = 60_000
/** Producers that number their appends are kept open for the next one, the last few. */
const stampedMax = 16

/** One at a time, in the order of the calls. */
export class Appender {
  readonly #options: AppenderOptions
  readonly #id: string
  #queue: Promise<unknown> = Promise.resolve()
  #idempotent: Pick<SendOptions, 'owner' | 'sequences'> | null = null
  #transactional: TransactionalProducer | null = null
  readonly #stamped: Map<string, TransactionalProducer> = new Map()

  constructor(options: AppenderOptions) {
    this.#options = options
    this.#id = `millrace-append-${uuid(options.random)}`
  }

  append(batches: readonly AppendBatch[], stamp?: ProducerStamp): Promise<Appended[]> {
    const done = this.#queue.then(() =>
      stamp === undefined ? this.#append(batches) : this.#appendStamped(batches, stamp),
    )
    this.#queue = done.catch(() => {})
    return done
  }

  async #append(batches: readonly AppendBatch[]): Promise<Appended[]> {
    const encoded = await encodeAppends(batches, this.#options)
    const count = encoded.partitions.reduce((sum, one) => sum + one.batches.length, 0)
    if (count === 0) return encoded.receipts(new Map())
    if (count === 1) return await this.#appendOne(encoded)
    let producer = this.#transactional
    if (producer === null || producer.isDead) {
      producer = await openTransactionalProducer({ ...this.#options, transactionalId: this.#id })
      this.#transactional = producer
    }
    return [...(await producer.commit({ appends: batches, offsets: () => [] }))]
  }

  /** One batch is atomic by itself; with a producer id and a number it can be sent again. */
  async #appendOne(encoded: Appends): Promise<Appended[]> {
    const { cluster } = this.#options
    const producer = this.#idempotent ?? (await this.#newProducerId())
    this.#idempotent = producer
    const before = new Map(producer.sequences)
    let isSent = false
    const send = async (): Promise<Appended[]> => {
      // The same number each time: what was written already is not written again.
      for (const [place, sequence] of before) producer.sequences.set(place, sequence)
      for (const place of producer.sequences.keys()) {
        if (!before.has(place)) producer.sequences.delete(place)
      }
      await cluster.topics(encoded.partitions.map(({ topic }) => topic))
      const options = { cluster, transactionalId: null, ...producer }
      try {
        return encoded.receipts(await sendBatches(encoded.partitions, options))
      } catch (thrown) {
        const isLost = thrown instanceof MillraceError && thrown.outcome === 'unknown'
        isSent ||= isLost
        throw isLost ? new TryAgain(thrown) : thrown
      }
    }
    try {
      return await retrying(send, { clock: cluster.clock, limitMs })
    } catch (thrown) {
      this.#idempotent = null // its numbers may have a gap now
      if (!isSent) throw thrown
      throw new MillraceError('commit-unknown', 'whether the append was written is not known', {
        outcome: 'unknown',
        cause: thrown,
      })
    }
  }

  async #newProducerId(): Promise<Pick<SendOptions, 'owner' | 'sequences'>> {
    const { cluster } = this.#options
    const ask = async (): Promise<{ producerId: number; epoch: number }> => {
      const request = { transactionalId: null, timeoutMs: 0 }
      const answer = await cluster.send('any', initProducerId, request)
      if (answer.code === errorCode.none) return answer
      const text = `no producer id: ${codeName(answer.code)}`
      throw new TryAgain(new MillraceError('log-unreachable', text))
    }
    const { producerId, epoch } = await retrying(ask, { clock: cluster.clock, limitMs })
    const owner = { producerId, producerEpoch: epoch, isTransactional: false }
    return { owner, sequences: new Map() }
  }

  /**
   * The number of the last append and what it gave are offsets of a group, committed with the
   * records.
   */
  async #appendStamped(batches: readonly AppendBatch[], stamp: ProducerStamp): Promise<Appended[]> {
    checkStamp(stamp)
    for (let attempt = 0; ; attempt++) {
      const producer = await this.#stampedProducer(stamp.producer)
      try {
        return await this.#commitStamped(producer, batches, stamp)
      } catch (thrown) {
        this.#stamped.delete(stamp.producer)
        await producer.close()
        // Another process has the name now, or had it in between: its numbers decide.
        const isFenced = thrown instanceof MillraceError && thrown.code === 'task-fenced'
        if (!isFenced || attempt > 0) throw thrown
      }
    }
  }

  async #commitStamped(
    producer: TransactionalProducer,
    batches: readonly AppendBatch[],
    { producer: name, sequence }: ProducerStamp,
  ): Promise<Appended[]> {
    const group = stampGroup(name)
    const places = [...Map.groupBy(batches, (one) => `${one.partition} ${one.topic}`).values()]
    const heads = places.map(([first]) => first as AppendBatch)
    const known = await committedOffsets(this.#options.cluster, group, heads)
    const fresh = heads.filter((place, i) => {
      const next = known[i]?.offset ?? 0
      if (sequence + 1 === next) return false
      if (sequence === next) return true
      throw new MillraceError(
        'invalid-argument',
        `producer '${name}' gave number ${sequence}, the next is ${next}`,
        { at: { topic: place.topic, partition: place.partition } },
      )
    })
    const isFresh = (one: AppendBatch): boolean =>
      fresh.some(({ topic, partition }) => one.topic === topic && one.partition === partition)
    const given = batches.filter(isFresh)
    const appended = await producer.commit({
      appends: given,
      offsets: (receipts) => [
        { group, ownership: null, offsets: stampOffsets(receipts, sequence) },
      ],
    })
    const results = [...appended]
    const earlier = new Map(
      heads.map((place, i) => [placeKey(place), receiptsOf(known[i]?.metadata)]),
    )
    return batches.map((one) => {
      if (isFresh(one)) return results.shift() as Appended
      const [baseOffset = 0, recordCount = 0] = earlier.get(placeKey(one))?.shift() ?? []
      return { topic: one.topic, partition: one.partition, baseOffset, recordCount }
    })
  }

  async #stampedProducer(name: string): Promise<TransactionalProducer> {
    const known = this.#stamped.get(name)
    if (known !== undefined && !known.isDead) return known
    const transactionalId = stampGroup(name)
    const producer = await openTransactionalProducer({ ...this.#options, transactionalId })
    this.#stamped.set(name, producer)
    if (this.#stamped.size > stampedMax) {
      const [oldest] = this.#stamped.keys()
      await this.#stamped.get(oldest ?? '')?.close()
      this.#stamped.delete(oldest ?? '')
    }
    return producer
  }

  async close(): Promise<void> {
    await this.#queue
    await this.#transactional?.close()
    for (const producer of this.#stamped.values()) await producer.close()
  }
}

function checkStamp({ producer, sequence }: ProducerStamp): void {
  const isName = producer.length >= 1 && producer.length <= 249
  if (isName && Number.isInteger(sequence) && sequence >= 0) return
  throw new MillraceError('invalid-argument', `'${producer}' number ${sequence} is no stamp`, {
    hint: 'give a name of 1 to 249 characters, and numbers 0, 1, 2, …',
  })
}

function placeKey({ topic, partition }: { topic: string; partition: number }): string {
  return `${partition} ${topic}`
}

/** For each partition the next number, and `base:count` of each of its appends. */
function stampOffsets(
  receipts: readonly Appended[],
  sequence: number,
): { topic: string; partition: number; offset: number; metadata: string }[] {
  return [...Map.groupBy(receipts, placeKey).values()].map((list) => {
    const { topic, partition } = list[0] as Appended
    const metadata = list.map((one) => `${one.baseOffset}:${one.recordCount}`).join(' ')
    return { topic, partition, offset: sequence + 1, metadata }
  })
}

function receiptsOf(metadata: string | undefined): number[][] {
  return (metadata ?? '').split(' ').map((pair) => pair.split(':').map(Number))
}
