/**
 * What was done about letters: `<letters>.marks`, a compacted topic of one partition, with a record
 * for each letter that was replayed or discarded, under the key `partition/offset`. A mark is
 * appended in one step with what it tells of, so after a crash the one is there exactly if the
 * other is. Letters themselves never change.
 */
import type { Clock } from '../../core/clock.ts'
import { isCode, MillraceError } from '../../core/error.ts'
import type { Log, Reader } from '../../log/log.ts'
import { marksTopic } from '../../pipeline/letter-topic.ts'
import { identityOf, type Letter } from './letter.ts'

export type LetterState = 'open' | 'replayed' | 'discarded'

export interface Mark {
  readonly state: Exclude<LetterState, 'open'>
  /** Wall clock, ms since 1970. */
  readonly atMs: number
  /** `identityOf` its letter. */
  readonly of: string
  /** Of the replay that made it. */
  readonly run: string
  /** Where the new record lies; null: nowhere, as the letter was discarded. */
  readonly to: NewPlace | null
  /** `inputOf` the replayed record; null: the letter was discarded. */
  readonly input: string | null
}

/**
 * A commit gives the offset, so the mark beside the record does not have it yet: the next commit
 * puts it in. Until then the record is at `from` or behind it.
 */
export interface NewPlace {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly offset: number | null
}

/** Marks kept in memory: about 400 bytes each. */
const marksMax = 1_000_000
/** How long the log may take to give what it has. */
const waitMs = 10_000
/** Read in one go, before others have their turn. */
const turnRecords = 5_000

export class LetterMarks {
  readonly #log: Log
  readonly #clock: Clock
  readonly #topic: string
  readonly #marks = new Map<string, Mark>()
  readonly #names = new Map<string, string>()
  /** `Mark.input` → its newest mark. */
  readonly #inputs = new Map<string, Mark>()
  #reader: Reader | null = null
  #next = 0

  /** @param letters the letters' topic */
  constructor(log: Log, clock: Clock, letters: string) {
    this.#log = log
    this.#clock = clock
    this.#topic = marksTopic(letters)
  }

  get topic(): string {
    return this.#topic
  }

  /** Of a letter; null: it is open. */
  of(letter: Letter): Mark | null {
    const mark = this.#marks.get(markKey(letter))
    return mark?.of === identityOf(letter) ? mark : null
  }

  stateOf(letter: Letter): LetterState {
    return this.of(letter)?.state ?? 'open'
  }

  /** Where a record was put again already, be it for another letter of it; null: nowhere. */
  placeOf(input: string): NewPlace | null {
    return this.#inputs.get(input)?.to ?? null
  }

  /** Takes all marks that are committed by now. @throws `log-unreachable` · what the log throws */
  async catchUp(): Promise<void> {
    const end = await this.#end()
    if (end === null) return
    // Another topic of this name: the marks of the one before are no more.
    if (end.end < this.#next) await this.close()
    this.#reader ??= await this.#open(end.start)
    const reader = this.#reader
    let read = 0
    while (this.#next < end.end) {
      const batch = reader.poll(0)
      if (batch === null) {
        if ((await reader.wait(waitMs)) === 'ready') continue
        throw new MillraceError('log-unreachable', `topic '${this.#topic}' cannot be read now`)
      }
      for (let i = batch.first; i < batch.count; i++) {
        const mark = markIn(batch.value(i))
        if (mark !== null) this.learn(batch.key(i)?.toString() ?? '', mark)
      }
      this.#next = batch.nextOffset
      read += batch.count
      if (read >= turnRecords) await this.#clock.nextTurn()
      if (read >= turnRecords) read = 0
    }
  }

  /** Forgets all; it can be filled again. */
  async close(): Promise<void> {
    this.#marks.clear()
    this.#inputs.clear()
    this.#next = 0
    const reader = this.#reader
    this.#reader = null
    await reader?.close()
  }

  async #end(): Promise<{ readonly start: number; readonly end: number } | null> {
    try {
      const [partition] = (await this.#log.describeTopic(this.#topic)).partitions
      return { start: partition?.startOffset ?? 0, end: partition?.endOffset ?? 0 }
    } catch (thrown) {
      if (isCode(thrown, 'unknown-topic')) return null // nothing was done about any letter
      throw thrown
    }
  }

  async #open(offset: number): Promise<Reader> {
    this.#next = offset
    return await this.#log.openReader([{ topic: this.#topic, partition: 0, offset }])
  }

  /** Names that many marks have are held once. */
  #slim({ to, run, ...mark }: Mark): Mark {
    const place = to === null ? null : { ...to, topic: this.#once(to.topic) }
    return { ...mark, run: this.#once(run), to: place }
  }

  #once(name: string): string {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    this.#names.set(name, name)
    return name
  }

  /** One that is committed; read again later, it does no harm. */
  learn(key: string, read: Mark): void {
    const mark = this.#slim(read)
    this.#marks.set(key, mark)
    if (mark.input !== null) this.#inputs.set(mark.input, mark)
    if (this.#marks.size <= marksMax) return
    throw new MillraceError('invalid-argument', `topic '${this.#topic}' has too many marks`, {
      hint: 'delete the letters’ topic and this one when nothing in them is needed any more',
    })
  }
}

export function markKey({ partition, offset }: Letter): string {
  return `${partition}/${offset}`
}

export function markText({ state, atMs, of, run, to, input }: Mark): string {
  return JSON.stringify({ state, atMs, of, run, to, input })
}

/** A mark, or null for what somebody else wrote there. */
function markIn(value: Buffer | null): Mark | null {
  try {
    const mark = JSON.parse(value?.toString() ?? 'null') as Mark | null
    const isMark = mark?.state === 'replayed' || mark?.state === 'discarded'
    return isMark && typeof mark.of === 'string' && typeof mark.atMs === 'number' ? mark : null
  } catch {
    return null
  }
}
