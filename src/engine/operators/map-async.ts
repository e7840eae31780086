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
import { Call } from '../calls/call-pool.ts'
import type { CallInfo } from '../calls/call-pool.ts'
import { OrderedResults } from '../calls/ordered-results.ts'
import type { Operator, Push, StepContext } from './operator.ts'

export function mapAsyncOperator(spec: MapAsyncSpec, context: StepContext, emit: Push): Operator {
  const { task, step } = context
  let thrown: unknown = null
  const answer: Push = (value, key, time) => {
    task.running = step
    emit(value, key, time)
  }
  const fail: Push = () => {
    task.running = step
    throw thrown
  }
  const results = new OrderedResults({
    context,
    calls: spec.calls,
    give: ({ value, key, timeMs, cause }, outcome) => {
      if (outcome.kind === 'answer') task.emitAtomic(answer, outcome.value, key, timeMs, cause)
      else {
        thrown = outcome.thrown
        task.emitAtomic(fail, value, key, timeMs, cause)
      }
    },
    onUndone: (waited) => {
      if (waited instanceof Call) results.pool.drop(waited)
    },
  })
  const push: Push = (value, key, time) => {
    const call = new Call((info) => spec.fn(value, new RecordCall(info, key, time)))
    results.add(value, key, time, call)
    results.pool.add(call)
  }
  return { push, second: null, stateful: null, asynchronous: results }
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
