/**
 * `guarantee: 'at-least-once'`: outputs are written outside of the transaction, before it, and seen
 * at once; state and offsets stay one transaction. So a crash or a zombie can give outputs again,
 * but state never counts a record twice.
 */
import { MillraceError } from '../../../core/error.ts'
import type { AppendBatch, Appended } from '../../log.ts'
import type { Transaction, TransactionalProducer } from '../contracts.ts'
import { checkAppends } from './appends.ts'
import { createAtLeastOnceCommitter } from './at-least-once.ts'
import type { AtLeastOnceOptions } from './at-least-once.ts'

export interface LooseOptions extends AtLeastOnceOptions {
  /** Held for what `isInside` says, and for the offsets. */
  readonly producer: TransactionalProducer
  /** What is written within the transaction: the changelog. */
  readonly isInside: (append: AppendBatch) => boolean
}

/**
 * As the producer that it is given, with this difference: outputs of a commit that failed may be
 * there; the producer is dead then.
 */
export function writeOutputsLoose(options: LooseOptions): TransactionalProducer {
  return new LooseProducer(options)
}

class LooseProducer implements TransactionalProducer {
  readonly #options: LooseOptions
  readonly #outputs: TransactionalProducer
  #hasFailed = false

  constructor(options: LooseOptions) {
    this.#options = options
    this.#outputs = createAtLeastOnceCommitter(options)
  }

  get epoch(): number {
    return this.#options.producer.epoch
  }

  get isDead(): boolean {
    return this.#hasFailed || this.#outputs.isDead || this.#options.producer.isDead
  }

  async commit({ appends, offsets }: Transaction): Promise<readonly Appended[]> {
    const { producer, isInside } = this.#options
    if (this.isDead) throw new MillraceError('log-closed', 'the producer was given up or closed')
    const inside = appends.filter(isInside)
    const outside = appends.filter((append) => !isInside(append))
    // Before anything is written: what is refused leaves nothing.
    await checkAppends(inside, this.#options)
    const written = await this.#outputs.commit({ appends: outside, offsets: () => [] })
    const all = (kept: readonly Appended[]): Appended[] => {
      const [ofOutside, ofInside] = [written.values(), kept.values()]
      return appends.map(
        (append) => (isInside(append) ? ofInside : ofOutside).next().value as Appended,
      )
    }
    try {
      return all(await producer.commit({ appends: inside, offsets: (kept) => offsets(all(kept)) }))
    } catch (thrown) {
      // The outputs are there: going on as if nothing had happened would write them again.
      this.#hasFailed ||= outside.length > 0
      throw thrown
    }
  }

  isFenced(): Promise<boolean> {
    return this.#options.producer.isFenced()
  }

  async close(): Promise<void> {
    this.#hasFailed = true
    await this.#outputs.close()
    await this.#options.producer.close()
  }
}
