/**
 * What of a partition has been delivered: all before an offset, and some records behind it, since
 * those of different keys overtake each other. What is behind is kept as the state of the
 * delivery's task, so that an orderly restart gives nothing twice.
 */
import { assert } from '../../core/assert.ts'
import { MillraceError } from '../../core/error.ts'
import { ValueReader, ValueWriter } from '../../core/value-codec.ts'

/**
 * First and last offset of records that are done; offsets without a record between count as done.
 */
export type DoneRun = readonly [first: number, last: number]

interface Pending {
  readonly offset: number
  isDone: boolean
}

export class Progress {
  /** In order of offset; those before `#from` are done and forgotten. */
  #records: Pending[] = []
  #from = 0
  /** Behind the last record that was read. */
  #position: number
  #changes = 0
  /** From before, in order: what is read again of these is done already. */
  readonly #runs: DoneRun[]

  /**
   * @param position the first offset that is to be read
   * @param runs records behind it that were done in an earlier run
   */
  constructor(position: number, runs: readonly DoneRun[] = []) {
    this.#position = position
    this.#runs = [...runs]
  }

  /** Everything before it is done. */
  get low(): number {
    return this.#records[this.#from]?.offset ?? this.#position
  }

  /** Another number whenever `low` or `runs` has changed. */
  get changes(): number {
    return this.#changes
  }

  /** The first offset that has not been read. */
  get position(): number {
    return this.#position
  }

  /** Records that are read and not known to be before `low`. */
  get span(): number {
    return this.#records.length - this.#from
  }

  /**
   * A record was read.
   * @returns what to tell `done` of; null: it was done in an earlier run
   */
  read(offset: number): Pending | null {
    assert(offset >= this.#position, () => `${offset} was read behind ${this.#position}`)
    const isDone = this.#wasDone(offset)
    this.#position = offset + 1
    const pending = { offset, isDone }
    this.#records.push(pending)
    if (isDone) this.#changed()
    return isDone ? null : pending
  }

  /** Asked in the order of the offsets: runs before this one are forgotten. */
  #wasDone(offset: number): boolean {
    for (let run = this.#runs[0]; run !== undefined; run = this.#runs[0]) {
      if (offset <= run[1]) return offset >= run[0]
      this.#runs.shift()
    }
    return false
  }

  /** The position moved on over offsets without a record. */
  moveTo(position: number): void {
    if (position <= this.#position) return
    this.#position = position
    this.#changed()
  }

  done(pending: Pending): void {
    pending.isDone = true
    this.#changed()
  }

  /** What is done behind `low`, those of an earlier run that were not read yet included. */
  get runs(): DoneRun[] {
    const runs: [number, number][] = []
    let isOpen = false
    for (let i = this.#from; i < this.#records.length; i++) {
      const { offset, isDone } = this.#records[i] as Pending
      const last = runs.at(-1)
      if (!isDone) isOpen = false
      else if (isOpen && last !== undefined) last[1] = offset
      else {
        runs.push([offset, offset])
        isOpen = true
      }
    }
    for (const [first, last] of this.#runs) {
      if (last >= this.#position) runs.push([Math.max(first, this.#position), last])
    }
    return runs
  }

  #changed(): void {
    this.#changes += 1
    while (this.#records[this.#from]?.isDone === true) this.#from += 1
    if (this.#from < 1_000 || this.#from * 2 < this.#records.length) return
    this.#records = this.#records.slice(this.#from)
    this.#from = 0
  }
}

export type { Pending }

/** What a delivery's task keeps beside its offset. */
export interface DeliveryState {
  /** Done behind the offset. */
  readonly runs: readonly DoneRun[]
  /**
   * Offsets of records that were given up, in order: those that a destination may ask for again.
   */
  readonly givenUp: readonly number[]
}

const version = 1

export function packState({ runs, givenUp }: DeliveryState): Uint8Array<ArrayBuffer> {
  const writer = new ValueWriter(64)
  writer.writeValue([version, runs.length, ...runs.flat(), ...givenUp])
  return new Uint8Array(writer.bytes())
}

/** @throws `state-corrupt` for what `packState` has not written */
export function unpackState(bytes: Uint8Array): DeliveryState {
  const value = new ValueReader(bytes).readValue()
  const isRight = Array.isArray(value) && value.every(Number.isSafeInteger) && value[0] === version
  const [, runCount = -1, ...offsets] = isRight ? (value as number[]) : []
  if (runCount < 0 || offsets.length < runCount * 2)
    throw new MillraceError('state-corrupt', 'what was delivered cannot be read back')
  const runs = Array.from({ length: runCount }, (_, i): DoneRun => [
    offsets[i * 2] as number,
    offsets[i * 2 + 1] as number,
  ])
  return { runs, givenUp: offsets.slice(runCount * 2) }
}
