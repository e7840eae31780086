/**
 * `mapAsync`: makes another value of each record by a function that answers later. Results come in
 * the order of the records, with their key and event time.
 *
 * A record waits in `OrderedResults` until its call has ended; the task gives the oldest ones on,
 * between records, and commits when none waits. So nothing of a call under way is ever part of a
 * commit: after a crash its record is read again, and the call made again. A failure, after the
 * repeats, makes the record a dead letter; the others are not held up.
 */
import type { MapAsyncSpec } from '../../pipeline/map-async-spec.ts'
import type { Key } from '../../core/key.ts'
import { Call, CallPool } from '../calls/call-pool.ts'
import type { CallInfo } from '../calls/call-pool.ts'
import { OrderedResults, resultsMax } from '../calls/ordered-results.ts'
import type { Asynchronous, Operator, Push, StepContext } from './operator.ts'

export function mapAsyncOperator(spec: MapAsyncSpec, context: StepContext, emit: Push): Operator {
  const calls = new MapAsync(spec, context, emit)
  return {
    push: (value, key, time) => calls.take(value, key, time),
    second: null,
    stateful: null,
    asynchronous: calls,
  }
}

class MapAsync implements Asynchronous {
  readonly #spec: MapAsyncSpec
  readonly #context: StepContext
  readonly #emit: Push
  readonly #pool: CallPool
  readonly #results: OrderedResults<Call>
  #thrown: unknown = null
  readonly #throw: Push = () => {
    this.#context.task.running = this.#context.step
    throw this.#thrown
  }

  constructor(spec: MapAsyncSpec, context: StepContext, emit: Push) {
    this.#spec = spec
    this.#context = context
    this.#emit = emit
    this.#pool = new CallPool(spec.calls, context.task.outside)
    this.#results = new OrderedResults(context, (call) => this.#pool.drop(call))
  }

  take(value: unknown, key: Key | null, time: number): void {
    const { fn } = this.#spec
    const call = new Call((info) => fn(value, new RecordCall(info, key, time)))
    this.#results.add(value, key, time, call)
    this.#pool.add(call)
  }

  get pending(): number {
    return this.#results.size
  }

  get isFull(): boolean {
    return this.#pool.isFull || this.#results.size >= resultsMax
  }

  get callsUnderWay(): number {
    return this.#pool.underWay
  }

  holdMs(): number {
    return this.#results.oldest?.watermarkMs ?? Number.POSITIVE_INFINITY
  }

  deliver(): 'delivered' | 'waiting' {
    const { oldest } = this.#results
    const outcome = oldest?.call.outcome ?? null
    if (oldest === undefined || outcome === null) return 'waiting'
    this.#results.take()
    const { key, timeMs, cause } = oldest
    const { task } = this.#context
    if (outcome.kind === 'answer') task.emitAtomic(this.#emit, outcome.value, key, timeMs, cause)
    else {
      this.#thrown = outcome.thrown
      task.emitAtomic(this.#throw, oldest.value, key, timeMs, cause)
    }
    return 'delivered'
  }

  close(): void {
    this.#pool.close()
    this.#results.clear()
  }
}

/** What the function is told; the signal is made when it is asked for. */
class RecordCall {
  readonly #info: CallInfo
  readonly key: Key | null
  readonly time: number

  constructor(info: CallInfo, key: Key | null, time: number) {
    this.#info = info
    this.key = key
    this.time = time
  }

  get attempt(): number {
    return this.#info.attempt
  }

  get signal(): AbortSignal {
    return this.#info.signal
  }
}
