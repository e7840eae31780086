/**
 * Calls to the world outside: at most so many at a time, each with a limit of time and repeats. A
 * call ends once; what its function answers after a timeout, or after `close`, changes nothing, and
 * no rejection of it is left unhandled.
 */
import { formatDuration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import type { Outside } from '../operators/operator.ts'

/** Longest pause between two attempts. */
const pauseMsMax = 30_000

export interface CallRules {
  /** Calls at a time; one that pauses before a repeat counts. */
  readonly concurrency: number
  /** Of one attempt; Infinity: none. */
  readonly timeoutMs: number
  readonly retries: number
  /** Pause before the first repeat; doubles with each further one. */
  readonly backoffMs: number
}

/** What a function that is called is told of its call. */
export class CallInfo {
  /** 1, 2, … */
  readonly attempt: number
  #controller: AbortController | null = null
  #end: { readonly reason: MillraceError | undefined } | null = null

  constructor(attempt: number) {
    this.attempt = attempt
  }

  /** Made when it is asked for: most functions of most calls do not. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.#end !== null) this.#controller.abort(this.#end.reason)
    }
    return this.#controller.signal
  }

  /** @param reason of a timeout; none where nobody waits for the answer any more */
  abort(reason?: MillraceError): void {
    this.#end = { reason }
    this.#controller?.abort(reason)
  }
}

export type Outcome =
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'failure'; readonly thrown: unknown }

export class Call {
  /** null: still to come. */
  outcome: Outcome | null = null
  attempt = 0
  /** The attempt in hand; null: none is under way. */
  info: CallInfo | null = null
  /** Cancels the limit of the attempt in hand, or the pause before the next one. */
  cancelTimer: (() => void) | null = null
  readonly ask: (info: CallInfo) => unknown
  readonly onEnd: (outcome: Outcome) => void

  /**
   * @param ask begins an attempt; what it throws is as an answer that is rejected
   * @param onEnd called when there is an outcome, at any time
   */
  constructor(ask: (info: CallInfo) => unknown, onEnd: (outcome: Outcome) => void = () => {}) {
    this.ask = ask
    this.onEnd = onEnd
  }
}

export class CallPool {
  readonly #rules: CallRules
  readonly #outside: Outside
  /** Called, in order. */
  readonly #active: Set<Call> = new Set()
  /** Waiting for their turn, in order. */
  readonly #waiting: Set<Call> = new Set()
  #underWay = 0
  #closed = false

  constructor(rules: CallRules, outside: Outside) {
    this.#rules = rules
    this.#outside = outside
  }

  /** Whether a further call would have to wait. */
  get isFull(): boolean {
    return this.#active.size >= this.#rules.concurrency
  }

  /** Attempts that may be answered at any time. */
  get underWay(): number {
    return this.#underWay
  }

  /** Begins a call, or lets it wait for its turn. */
  add(call: Call): void {
    this.#waiting.add(call)
    this.#beginWaiting()
  }

  /** Gives a call up: it gets no outcome. Harmless when it has one. */
  drop(call: Call): void {
    if (!this.#waiting.delete(call) && this.#active.delete(call)) {
      const { info } = call
      this.#endAttempt(call)
      info?.abort()
      this.#beginWaiting()
    }
  }

  close(): void {
    this.#closed = true
    this.#waiting.clear()
    for (const call of this.#active) this.drop(call)
  }

  #beginWaiting(): void {
    for (const call of this.#waiting) {
      if (this.isFull || this.#closed) return
      this.#waiting.delete(call)
      this.#active.add(call)
      this.#begin(call)
    }
  }

  #begin(call: Call): void {
    const attempt = call.attempt + 1
    const info = new CallInfo(attempt)
    call.attempt = attempt
    call.info = info
    this.#underWay += 1
    let answer: unknown
    try {
      answer = call.ask(info)
    } catch (thrown) {
      this.#failed(call, info, thrown)
      return
    }
    const { timeoutMs } = this.#rules
    if (timeoutMs < Infinity) {
      call.cancelTimer = this.#outside.after(timeoutMs, () => {
        const reason = tooLate(timeoutMs, attempt)
        this.#failed(call, info, reason)
        info.abort(reason)
      })
    }
    Promise.resolve(answer).then(
      (value) => {
        if (call.info !== info) return
        this.#endAttempt(call)
        this.#end(call, { kind: 'answer', value })
      },
      (thrown: unknown) => this.#failed(call, info, thrown),
    )
  }

  #failed(call: Call, info: CallInfo, thrown: unknown): void {
    if (call.info !== info) return
    this.#endAttempt(call)
    const { retries, backoffMs } = this.#rules
    if (info.attempt > retries) {
      this.#end(call, { kind: 'failure', thrown })
      return
    }
    const pauseMs = Math.min(backoffMs * 2 ** (info.attempt - 1), pauseMsMax)
    call.cancelTimer = this.#outside.after(pauseMs, () => {
      call.cancelTimer = null
      this.#begin(call)
    })
    this.#outside.wake() // for whoever waits until nothing is under way
  }

  #endAttempt(call: Call): void {
    call.cancelTimer?.()
    call.cancelTimer = null
    if (call.info !== null) this.#underWay -= 1
    call.info = null
  }

  #end(call: Call, outcome: Outcome): void {
    call.outcome = outcome
    this.#active.delete(call)
    call.onEnd(outcome)
    this.#beginWaiting()
    this.#outside.wake()
  }
}

function tooLate(timeoutMs: number, attempt: number): MillraceError {
  const which = attempt === 1 ? '' : ` at attempt ${attempt}`
  return new MillraceError('step-failed', `no answer within ${formatDuration(timeoutMs)}${which}`, {
    hint: 'give the step a longer timeout, or let it try again: retries',
  })
}
