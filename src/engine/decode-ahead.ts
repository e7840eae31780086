/** The values of a batch, decoded some way before it is their turn. */
import type { Codec } from '../core/codec.ts'
import type { RecordBatch } from '../log/batch.ts'

/**
 * So many are decoded in one go: the decoder then finds its code and tables in the caches, and the
 * text of so many lies in the young generation [measured: 15 % of the cost of a pass-through].
 */
const aheadMax = 128

export class DecodeAhead {
  readonly #codec: Codec<unknown>
  readonly #values: unknown[] = []
  #batch: RecordBatch | null = null
  /** Record of the first of `values`. */
  #from = 0
  /** After the last. */
  #end = 0

  constructor(codec: Codec<unknown>) {
    this.#codec = codec
  }

  begin(batch: RecordBatch): void {
    this.#batch = batch
    this.#end = 0
  }

  /**
   * Records are asked for in order, each once; one that threw may be asked for again.
   * @returns null for a tombstone
   * @throws what the codec throws for this record
   */
  value(i: number): unknown {
    if (i >= this.#end) this.#decode(i)
    const at = i - this.#from
    const value = this.#values[at]
    this.#values[at] = undefined // it may be garbage before the others
    return value
  }

  /** What is wrong with a later record shows when it is its turn. */
  #decode(from: number): void {
    const batch = this.#batch as RecordBatch
    const end = Math.min(batch.count, from + aheadMax)
    const decode = this.#codec.decoder(batch.bytes, batch.valueStart(from), batch.valueEnd(end - 1))
    const values = this.#values
    let i = from
    try {
      for (; i < end; i++) {
        const isNull = batch.valueIsNull(i)
        values[i - from] = isNull ? null : decode(batch.valueStart(i), batch.valueEnd(i))
      }
    } catch (thrown) {
      if (i === from) throw thrown
    }
    this.#from = from
    this.#end = i
  }
}
