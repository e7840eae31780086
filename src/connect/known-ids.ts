/**
 * The ids of records that were committed within a time: what `from(source, { dedupe })` leaves out.
 *
 * Kept in the changelog of the source's task, with the position, in the same commit; so what is
 * known is exactly what was committed. No commit writes it all: each has the ids that are new and
 * the next slice of those that are known, and when the slices have gone round, everything before
 * the round may be deleted. A round writes each id at most one and a half times, however large the
 * commits are, and a restart reads two rounds at most.
 */
import { createHash } from 'node:crypto'
import { assert } from '../core/assert.ts'
import { MillraceError } from '../core/error.ts'
import type { ValueReader, ValueWriter } from '../core/value-codec.ts'
import type { DedupeSpec } from '../pipeline/source-spec.ts'
import type { SourceRecord } from './source.ts'

interface Known {
  /** Short: `shortened`. */
  readonly id: string
  /** When it was committed, ms since 1970; never before that of the id before it. */
  readonly timeMs: number
}

/** Where the commit stands in the round of the rolling snapshot. */
export interface RoundMarks {
  readonly startsRound: boolean
  readonly endsRound: boolean
}

const version = 1
/** Known ids written with a commit beside two for each new one. */
const sliceMin = 128
/** A longer one is kept as its digest, which is longer than this itself: no id looks like one. */
const idLengthMax = 48
/** Entries that may be gone from the front of the list, before it is made anew. */
const goneMax = 1_000

export class KnownIds {
  readonly #spec: DedupeSpec
  /** Oldest first; those before `#head` are gone. */
  #list: Known[] = []
  #head = 0
  /** Number of `#list[0]`: ids are numbered from 0 as they come. */
  #base = 0
  readonly #known = new Set<string>()
  /** Ids that no commit has yet: at the end of the list. */
  #newCount = 0
  /** Every id before it is written in this round by slices; null: no round is begun. */
  #roundTo: number | null = null
  /** The number from which the next slice goes on. */
  #sliceFrom = 0
  #duplicates = 0
  #forgotten = 0

  constructor(spec: DedupeSpec) {
    this.#spec = spec
  }

  /** How many are known. */
  get count(): number {
    return this.#known.size
  }

  /** Records that were left out. */
  get duplicates(): number {
    return this.#duplicates
  }

  /** Ids that had to go before their time, as there were more than `max`. */
  get forgotten(): number {
    return this.#forgotten
  }

  /**
   * Reads the changelog back, once, before anything else: `next` for each blob in order, then
   * `ended`. A blob without ids (of a run that did not ask for them) forgets them all.
   */
  restoring(): { next(reader: ValueReader): void; ended(): void } {
    const found = new Map<number, Known>()
    let first = 0
    return {
      next: (reader) => {
        if (reader.done) {
          found.clear()
          return
        }
        if (reader.readUint() !== version) throw corrupt('an unknown version')
        first = reader.readUint()
        for (let part = 0; part < 2; part++) readPart(reader, found)
      },
      ended: () => {
        const numbers = [...found.keys()].filter((number) => number >= first)
        numbers.sort((a, b) => a - b)
        this.#base = numbers[0] ?? first
        for (const [i, number] of numbers.entries()) {
          const known = found.get(number)
          if (known === undefined || number !== this.#base + i)
            throw corrupt(`id ${this.#base + i} is missing`)
          this.#list.push(known)
          this.#known.add(known.id)
        }
      },
    }
  }

  /**
   * The records that are to be committed: those without id, and the first of each id that is not
   * known. Their ids are known from now on; `write` must follow, and be committed.
   */
  sift(records: readonly SourceRecord[], nowMs: number): readonly SourceRecord[] {
    const timeMs = Math.max(Math.floor(nowMs), this.#list.at(-1)?.timeMs ?? 0)
    this.#expire(timeMs)
    return records.filter(({ id }) => id === undefined || this.#isNew(shortened(id), timeMs))
  }

  /** Writes what this commit has to keep. */
  write(writer: ValueWriter): RoundMarks {
    const end = this.#base + this.#list.length
    const newFrom = Math.max(this.#first, end - this.#newCount)
    const startsRound = this.#roundTo === null
    if (startsRound) this.#sliceFrom = this.#first
    const roundTo = (this.#roundTo ??= newFrom)
    const sliceFrom = Math.max(this.#sliceFrom, this.#first)
    const sliceEnd = Math.min(roundTo, sliceFrom + 2 * this.#newCount + sliceMin)
    writer.writeUint(version)
    writer.writeUint(this.#first)
    this.#writePart(writer, sliceFrom, sliceEnd)
    this.#writePart(writer, newFrom, end)
    this.#sliceFrom = sliceEnd
    this.#newCount = 0
    const endsRound = sliceEnd >= roundTo
    if (endsRound) this.#roundTo = null
    return { startsRound, endsRound }
  }

  /** Number of the oldest one. */
  get #first(): number {
    return this.#base + this.#head
  }

  #isNew(id: string, timeMs: number): boolean {
    if (this.#known.has(id)) {
      this.#duplicates += 1
      return false
    }
    this.#known.add(id)
    this.#list.push({ id, timeMs })
    this.#newCount += 1
    if (this.#known.size > this.#spec.max) {
      this.#dropOldest()
      this.#forgotten += 1
    }
    return true
  }

  #expire(nowMs: number): void {
    const { withinMs } = this.#spec
    // A smaller `max` than that of an earlier run takes effect here.
    while (this.#known.size > this.#spec.max) this.#dropOldest()
    for (;;) {
      const oldest = this.#list[this.#head]
      if (oldest === undefined || oldest.timeMs + withinMs > nowMs) return
      this.#dropOldest()
    }
  }

  #dropOldest(): void {
    const oldest = this.#list[this.#head]
    assert(oldest !== undefined, () => 'there is no id to forget')
    this.#known.delete(oldest.id)
    this.#head += 1
    if (this.#head < goneMax || this.#head * 2 < this.#list.length) return
    this.#list = this.#list.slice(this.#head)
    this.#base += this.#head
    this.#head = 0
  }

  /** Those with the numbers from `from` up to `to`, not included. */
  #writePart(writer: ValueWriter, from: number, to: number): void {
    writer.writeUint(from)
    writer.writeUint(Math.max(0, to - from))
    for (const { id, timeMs } of this.#list.slice(
      from - this.#base,
      Math.max(from, to) - this.#base,
    )) {
      writer.writeString(id)
      writer.writeUint(timeMs)
    }
  }
}

function readPart(reader: ValueReader, found: Map<number, Known>): void {
  const from = reader.readUint()
  const count = reader.readUint()
  for (let i = 0; i < count; i++) {
    const id = reader.readString()
    found.set(from + i, { id, timeMs: reader.readUint() })
  }
}

/** An id from outside may be of any length. */
function shortened(id: string): string {
  if (id.length <= idLengthMax) return id
  return `sha256:${createHash('sha256').update(id).digest('base64url')}`
}

function corrupt(what: string): MillraceError {
  return new MillraceError('state-corrupt', `ids of a source cannot be read back: ${what}`)
}
