/**
 * Asks one broker for all partitions of this process that it leads. Two requests may be on their
 * way, each on a connection of its own, since a broker answers a connection's requests in order:
 * - the main one names every partition that has room, and may wait long for news. The broker
 *   remembers what it named [KIP-227].
 * - the express one is for partitions that are wanted while the main one is away: newly opened,
 *   moved, or with room again. It waits shortly, and they join the main one when that is back.
 *   While a backlog is read both bring records.
 * So a broker with nothing new gets one request each `waitMsMax`, and none waits for another.
 */
import type { Clock } from '../../../core/clock.ts'
import type { Cluster } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { fetch } from '../wire/requests/fetch.ts'
import type { FetchAnswer, FetchedPartition, FetchPartition } from '../wire/requests/fetch.ts'
import { keyOf } from './fetch-input.ts'
import type { FetchInput } from './fetch-input.ts'
import { FetchSession, withoutSession } from './fetch-session.ts'

/** A broker with nothing new answers after this. */
export const waitMsMax = 500
/** While another one should join, or has to wait. */
export const shortWaitMs = 20
/** A broker that answers at once though it has nothing, again and again, gets pauses. */
const idleAnswersMax = 20
const idlePauseMs = 20
const sessionPauseMsMax = 1_000
/** Of one answer. It is there twice while it is taken apart. */
const answerBytesMax = 4 << 20

/** What became of a request, for each input that it was for. */
export interface LoopEvents {
  answered(input: FetchInput, answer: FetchedPartition): void
  /** Nothing has changed since the last answer. */
  unchanged(input: FetchInput): void
  refused(input: FetchInput, code: number): void
  failed(input: FetchInput, thrown: unknown): void
}

/** One partition in a request, with all who read it from that offset. */
interface Ask {
  part: FetchPartition
  readonly inputs: FetchInput[]
}

interface Lane {
  readonly number: number
  readonly session: FetchSession | null
  /** null: nothing is on its way. */
  waitMs: number | null
}

export interface LoopOptions {
  readonly cluster: Cluster
  readonly node: number
  readonly events: LoopEvents
  /** Bytes that an input may hold. */
  readonly inputBytesMax: (input: FetchInput) => number
}

export class BrokerLoop {
  readonly #options: LoopOptions
  readonly #clock: Clock
  /** Those that no request had room for come first, those that were given records last. */
  readonly #inputs = new Set<FetchInput>()
  readonly #main: Lane = { number: 0, session: new FetchSession(), waitMs: null }
  readonly #express: Lane = { number: 1, session: null, waitMs: null }
  #sessionFailures = 0
  /** That came too early, in a row. */
  #idleAnswers = 0
  #isKicked = false
  #isClosed = false
  #stopPause: (() => void) | null = null

  constructor(options: LoopOptions) {
    this.#options = options
    this.#clock = options.cluster.clock
  }

  add(input: FetchInput): void {
    this.#inputs.add(input)
    this.kick()
  }

  delete(input: FetchInput): void {
    this.#inputs.delete(input)
  }

  /** Asks for what has room, soon. Cheap. */
  kick(): void {
    if (this.#isKicked || this.#lane() === null) return
    this.#isKicked = true
    queueMicrotask(() => {
      this.#isKicked = false
      const lane = this.#lane()
      if (lane !== null) void this.#ask(lane)
    })
  }

  close(): void {
    this.#isClosed = true
    this.#stopPause?.()
  }

  /** On which the next request may go; null: none now. */
  #lane(): Lane | null {
    if (this.#isClosed || this.#stopPause !== null) return null
    if (this.#main.waitMs === null) return this.#main
    return this.#express.waitMs === null ? this.#express : null
  }

  /** Never rejects. */
  async #ask(lane: Lane): Promise<void> {
    // The main one is back soon where it does not wait long: only what is sure to be answered at
    // once goes beside it.
    const isSoon = lane === this.#express && (this.#main.waitMs ?? 0) <= shortWaitMs
    const { asks, isLeftOut, isNew } = this.#wanted(isSoon ? 'with records' : 'all')
    if (asks.size === 0) return
    const isAlone = lane === this.#main && this.#express.waitMs === null && !isLeftOut
    const waitMs = isNew ? 0 : isAlone ? waitMsMax : shortWaitMs
    lane.waitMs = waitMs
    const wanted = new Map<string, FetchPartition>()
    let bytes = 0
    for (const [key, ask] of asks) {
      for (const input of ask.inputs) input.ask = ask
      wanted.set(key, ask.part)
      bytes += ask.part.bytesMax
    }
    const part = lane.session?.request(wanted) ?? withoutSession(wanted)
    const { cluster, node } = this.#options
    const sentMs = this.#clock.monotonic()
    try {
      const answer = await cluster.send(
        { node },
        fetch,
        { waitMs, bytesMax: Math.min(answerBytesMax, bytes), ...part },
        { purpose: 'fetch', lane: lane.number },
      )
      const isFull = part.sessionEpoch <= 0
      lane.waitMs = null
      if (isLeftOut) for (const ask of asks.values()) this.#turn(ask)
      if (!this.#isClosed) this.#take(lane, answer, asks, isFull)
      const isEarly = this.#clock.monotonic() - sentMs < waitMs / 2
      this.#idleAnswers = isEarly && isIdle(answer) ? this.#idleAnswers + 1 : 0
      if (this.#idleAnswers > idleAnswersMax) this.#pause(idlePauseMs)
    } catch (thrown) {
      lane.waitMs = null
      lane.session?.lost()
      if (!this.#isClosed) {
        for (const input of mine(asks)) this.#options.events.failed(input, thrown)
      }
    }
    this.kick()
  }

  /** What has room and is not on its way. */
  #wanted(which: 'all' | 'with records'): {
    readonly asks: Map<string, Ask>
    readonly isLeftOut: boolean
    readonly isNew: boolean
  } {
    const nowMs = this.#clock.monotonic()
    const asks = new Map<string, Ask>()
    let isLeftOut = false
    let isNew = false
    for (const input of this.#inputs) {
      const { leader, fetchOffset: offset } = input
      if (leader === null || input.ask !== null || input.failure !== null) continue
      if (which === 'with records' && !input.hasMore) continue
      const bytesMax = Math.ceil(this.#options.inputBytesMax(input) / 2)
      if (input.bytes >= bytesMax || input.notBeforeMs > nowMs) continue
      const { key } = leader
      const known = asks.get(key)
      // A request names a partition once; the others have their turn.
      if (known !== undefined && known.part.offset !== offset) isLeftOut = true
      else if (known !== undefined) {
        known.inputs.push(input)
        if (bytesMax < known.part.bytesMax) known.part = { ...known.part, bytesMax }
      } else {
        const { topicId, leaderEpoch } = leader
        const { partition, lastEpoch } = input
        const part = { topicId, partition, leaderEpoch, offset, lastEpoch, bytesMax }
        asks.set(key, { part, inputs: [input] })
      }
      isNew ||= !input.hasHeard
    }
    return { asks, isLeftOut, isNew }
  }

  #take(
    { session }: Lane,
    answer: FetchAnswer,
    asks: ReadonlyMap<string, Ask>,
    isFull: boolean,
  ): void {
    if (session?.answered(answer) === 'refused') {
      for (const input of mine(asks)) input.ask = null
      // Once is usual: a broker has forgotten it to make room, or was started anew.
      if (this.#sessionFailures > 0) {
        this.#pause(Math.min(10 * 2 ** this.#sessionFailures, sessionPauseMsMax))
      }
      this.#sessionFailures = Math.min(this.#sessionFailures + 1, 10)
      return
    }
    this.#sessionFailures = 0
    const { events } = this.#options
    const answers = new Map<string, FetchedPartition>()
    for (const part of answer.partitions) {
      const key = keyOf(part)
      answers.set(key, part)
      const ask = part.records === null ? undefined : asks.get(key)
      if (ask !== undefined) this.#turn(ask)
    }
    for (const [key, ask] of asks) {
      const found = answers.get(key)
      for (const input of ask.inputs) {
        if (input.ask !== ask) continue // moved or closed meanwhile
        input.ask = null
        if (answer.code !== errorCode.none) events.refused(input, answer.code)
        else if (found !== undefined) events.answered(input, found)
        else if (isFull) events.refused(input, errorCode.unknownTopicId)
        else events.unchanged(input)
      }
    }
  }

  /** They come last. */
  #turn({ inputs }: Ask): void {
    for (const input of inputs) if (this.#inputs.delete(input)) this.#inputs.add(input)
  }

  #pause(ms: number): void {
    this.#stopPause?.()
    this.#stopPause = this.#clock.after(ms, () => {
      this.#stopPause = null
      this.kick()
    })
  }
}

/** The inputs that still wait for it; they do not any more. */
function mine(asks: ReadonlyMap<string, Ask>): FetchInput[] {
  const inputs: FetchInput[] = []
  for (const ask of asks.values()) {
    for (const input of ask.inputs) {
      if (input.ask !== ask) continue
      input.ask = null
      inputs.push(input)
    }
  }
  return inputs
}

function isIdle({ code, partitions }: FetchAnswer): boolean {
  return code === errorCode.none && partitions.every(isEmpty)
}

function isEmpty({ code, records, diverging }: FetchedPartition): boolean {
  return code === errorCode.none && records === null && diverging === null
}
