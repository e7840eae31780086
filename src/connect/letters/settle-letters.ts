/**
 * Replays letters, or marks them as done: each once, however often it is asked for, however many
 * ask at once, wherever a process is killed. The records that are put again and the marks of their
 * letters are one commit [L1] of a task that all who do this must take, so that a second one fences
 * the first [L4]: whoever commits has seen all marks that there are.
 */
import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import { type Random, uuid } from '../../core/random.ts'
import { ensure } from '../../engine/topics.ts'
import { BatchBuilder } from '../../log/batch.ts'
import type { AppendBatch, Appended, Log, Session } from '../../log/log.ts'
import { pause } from '../pause.ts'
import { identityOf, type Letter } from './letter.ts'
import { isChosen, type LetterChoice } from './letter-choice.ts'
import { LetterMarks, type Mark, markKey, markText } from './letter-marks.ts'
import { scanLetters } from './letter-scan.ts'
import { type Address, RecordMaker, type ReplayedRecord, type Skip } from './replayed-record.ts'

/** Letters of one commit. */
const chunkLetters = 500
/** A commit is made at this size, whatever its count. */
const chunkBytes = 1 << 20
/** Commits that fail one after the other, before it is given up. */
const failuresMax = 30
/** Longest pause between two of them. */
const pauseMsMax = 500
const unstopped = new AbortController().signal

export interface SettleOptions {
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  /** The letters' topic, `<topic>.dead` or `<topic>.late`. */
  readonly letters: string
  readonly action: 'replay' | 'discard'
  /** `state` is not looked at: letters that are open. */
  readonly choice: LetterChoice
  /** Letters at most; null: all. */
  readonly limit: number | null
  /** Of a letter that holds a result, replay the record behind it. Default false. */
  readonly takesInputs?: boolean
  /** Default `sender`. */
  readonly address?: Address
  /** Told after each commit how many letters are done. */
  readonly onProgress?: (settledCount: number) => void
  /** Asked between letters: what is in hand is still committed. */
  readonly isStopped?: () => boolean
}

export interface Settled {
  /** Replayed, or discarded, by this call. */
  readonly settled: number
  /** Chosen, but replayed or discarded before, or by somebody else meanwhile. */
  readonly already: number
  /** Chosen, and still open. */
  readonly skipped: Readonly<Record<Skip, number>>
  /** Where records were put, in order of name. */
  readonly topics: readonly string[]
  /** For whom, in order of name; null: for all that read the topic. */
  readonly pipelines: readonly (string | null)[]
  /** No letter is left that could have been taken. */
  readonly isComplete: boolean
}

interface Item {
  readonly letter: Letter
  /** null: it is discarded. */
  readonly record: ReplayedRecord | null
}

/**
 * @throws `unknown-topic`, `unknown-partition` · what the log throws: what was committed until then
 * stands, and the same call goes on behind it
 */
export async function settleLetters(options: SettleOptions): Promise<Settled> {
  const info = await options.log.describeTopic(options.letters)
  const settling = new Settling(options)
  try {
    await settling.open()
    for await (const letter of scanLetters(options, info, options.choice)) {
      if ((await settling.take(letter)) === 'full') break
    }
    return await settling.end()
  } finally {
    await settling.close()
  }
}

class Settling {
  readonly #options: SettleOptions
  readonly #marks: LetterMarks
  readonly #maker: RecordMaker
  readonly #run: string
  #session: Session | null = null
  #chunk: Item[] = []
  #chunkBytes = 0
  #takenCount = 0
  /** Of the last commit: where the records lie is told by the next one. */
  #links: { readonly key: string; readonly mark: Mark }[] = []
  #settled = 0
  #already = 0
  #isComplete = true
  readonly #skipped: Record<Skip, number> = {
    result: 0,
    'no-record': 0,
    gone: 0,
    'too-large': 0,
  }
  readonly #topics = new Set<string>()
  readonly #pipelines = new Set<string | null>()

  constructor(options: SettleOptions) {
    const { log, clock, letters, takesInputs = false, address = 'sender' } = options
    this.#options = options
    this.#marks = new LetterMarks(log, clock, letters)
    this.#maker = new RecordMaker({ log, takesInputs, address })
    this.#run = uuid(options.random).slice(0, 8)
  }

  async open(): Promise<void> {
    const { log } = this.#options
    await ensure(log, this.#marks.topic, { partitions: 1, cleanup: 'compact' })
    await this.#marks.catchUp()
  }

  /** @returns `full` where no further letter is to be given */
  async take(letter: Letter): Promise<'more' | 'full'> {
    const { choice, limit, isStopped = () => false, action } = this.#options
    const state = this.#marks.stateOf(letter)
    if (!isChosen(letter, state, { ...choice, state: null })) return 'more'
    if (state !== 'open') {
      this.#already += 1
      return 'more'
    }
    if (isStopped() || (limit !== null && this.#takenCount >= limit)) {
      this.#isComplete = false
      return 'full'
    }
    const record = action === 'discard' ? null : await this.#maker.make(letter)
    if (typeof record === 'string') {
      this.#skipped[record] += 1
      return 'more'
    }
    this.#chunk.push({ letter, record })
    this.#takenCount += 1
    this.#chunkBytes += (letter.value?.length ?? 0) + 1_000
    if (this.#chunk.length >= chunkLetters || this.#chunkBytes >= chunkBytes) await this.#write()
    return 'more'
  }

  async end(): Promise<Settled> {
    await this.#write()
    if (this.#links.length > 0) await this.#write()
    return {
      settled: this.#settled,
      already: this.#already,
      skipped: this.#skipped,
      topics: [...this.#topics].toSorted(),
      pipelines: [...this.#pipelines].toSorted((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1)),
      isComplete: this.#isComplete,
    }
  }

  async close(): Promise<void> {
    await this.#maker.close()
    await this.#session?.close()
    await this.#marks.close()
  }

  /** Commits what is in hand, again and again until it is known to be there. */
  async #write(): Promise<void> {
    let failures = 0
    for (;;) {
      try {
        if (this.#isDone) return
        this.#session ??= await this.#takeOver()
        if (this.#isDone) return
        return await this.#commit(this.#session)
      } catch (thrown) {
        failures += 1
        await this.#session?.close()
        this.#session = null
        const isWorthIt = thrown instanceof MillraceError && thrown.retry !== 'never'
        if (!isWorthIt || failures > failuresMax) throw thrown
        // Somebody else may be at it: random, so that not both wake at once for ever.
        const { clock, random } = this.#options
        const pauseMs = 5 + random.int(Math.min(pauseMsMax, 20 * failures))
        await pause(clock, pauseMs, unstopped)
      }
    }
  }

  get #isDone(): boolean {
    return this.#chunk.length === 0 && this.#links.length === 0
  }

  /** Fences whoever is at it, and leaves out what is done by now. */
  async #takeOver(): Promise<Session> {
    const { log } = this.#options
    const { topic } = this.#marks
    const session = await log.open({ pipeline: topic, task: 'marks', inputs: [], startAt: [] })
    await this.#marks.catchUp()
    this.#chunk = this.#chunk.filter(({ letter, record }) => {
      const mark = this.#marks.of(letter)
      if (mark === null) return true
      // A commit of our own, of which we did not know.
      if (mark.run === this.#run) this.#count(record)
      else this.#already += 1
      return false
    })
    return session
  }

  async #commit(session: Session): Promise<void> {
    const { appends, marked } = this.#appendsOf(this.#chunk)
    const { appended } = await session.commit({ offsets: [], appends, changelog: null })
    for (const { record } of this.#chunk) this.#count(record)
    for (const { key, mark } of marked) this.#marks.learn(key, mark)
    this.#links = marked.flatMap(({ key, mark, block, index }) => {
      if (mark.to === null || block === null) return []
      const { baseOffset } = appended[block] as Appended
      return [{ key, mark: { ...mark, to: { ...mark.to, offset: baseOffset + index } } }]
    })
    this.#chunk = []
    this.#chunkBytes = 0
    this.#options.onProgress?.(this.#settled)
  }

  #count(record: ReplayedRecord | null): void {
    this.#settled += 1
    if (record === null) return
    this.#topics.add(record.topic)
    this.#pipelines.add(record.pipeline)
  }

  /** Records, and behind them the marks of their letters. */
  #appendsOf(chunk: readonly Item[]): { appends: AppendBatch[]; marked: readonly Marked[] } {
    const blocks = new Blocks()
    const marks = new BatchBuilder()
    const at = this.#options.clock.now()
    for (const { key, mark } of this.#links) marks.add(key, markText(mark), at)
    const placed = new Map<string, Pick<Mark, 'to'> & { block: number; index: number }>()
    const marked = chunk.map(({ letter, record }): Marked => {
      const key = markKey(letter)
      const common = { atMs: at, of: identityOf(letter), run: this.#run }
      if (record === null) {
        const mark: Mark = { state: 'discarded', ...common, to: null, input: null }
        return { key, mark, block: null, index: 0 }
      }
      const { topic, partition, from, input } = record
      const known = this.#marks.placeOf(input)
      if (known !== null) {
        // Another letter of the same record, which is there already.
        const mark: Mark = { state: 'replayed', ...common, to: known, input }
        return { key, mark, block: null, index: 0 }
      }
      const to = { topic, partition, from, offset: null }
      const place = placed.get(input) ?? { to, ...blocks.add(record) }
      placed.set(input, place)
      const mark: Mark = { state: 'replayed', ...common, to: place.to, input }
      return { key, mark, block: place.block, index: place.index }
    })
    for (const { key, mark } of marked) marks.add(key, markText(mark), at)
    const appends = blocks.finish()
    assert(marks.count > 0, () => 'a commit about letters has marks')
    appends.push({ topic: this.#marks.topic, partition: 0, bytes: marks.finish() })
    return { appends, marked }
  }
}

interface Marked {
  readonly key: string
  readonly mark: Mark
  /** Which of the appends has the record, and where in it; null: none. */
  readonly block: number | null
  readonly index: number
}

/** A block for each partition that records go to. */
class Blocks {
  readonly #blocks: { topic: string; partition: number; builder: BatchBuilder }[] = []

  add({ topic, partition, key, value, timeMs, headers }: ReplayedRecord): {
    block: number
    index: number
  } {
    let block = this.#blocks.findIndex((one) => one.topic === topic && one.partition === partition)
    if (block < 0) {
      block = this.#blocks.length
      this.#blocks.push({ topic, partition, builder: new BatchBuilder() })
    }
    const { builder } = this.#blocks[block] as { builder: BatchBuilder }
    builder.add(key, value, timeMs, headers)
    return { block, index: builder.count - 1 }
  }

  finish(): AppendBatch[] {
    return this.#blocks.map(({ topic, partition, builder }) => ({
      topic,
      partition,
      bytes: builder.finish(),
    }))
  }
}
