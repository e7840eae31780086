/**
 * `dedupe`: of records of a key (and of what `by` gives) that lie at most `within` apart, the first
 * to arrive is given on. A record is left out if one that was given on lies at most so far before
 * or after it, in event time; what was left out does not count, so that a record that is repeated
 * for ever comes again after `within`.
 *
 * A record that event time has passed by more than `within` is late. So what was given on must be
 * known until event time has passed it by twice `within`.
 *
 * Store: `<step>`: namespace = number of a time bucket of length `within`, key (and by) → event
 * time of the record given on in it. There is one at most: two would be too close. A bucket is
 * dropped as a whole.
 */
import { stateKey } from '../../core/key.ts'
import type { Key, KeyPart } from '../../core/key.ts'
import type { DedupeSpec } from '../../pipeline/table-spec.ts'
import { TimeHeap } from '../time-heap.ts'
import { missingKey } from './missing-key.ts'
import { noTimers } from './no-timers.ts'
import type { Operator, Push, Stateful, StepContext } from './operator.ts'
import { same } from './table-change.ts'

export function dedupeOperator(spec: DedupeSpec, context: StepContext, emit: Push): Operator {
  const { by, withinMs } = spec
  const { task, step, time: eventTime } = context
  const store = context.store({ toState: same, fromState: same })
  /** Numbers of buckets that there are. */
  const buckets = new TimeHeap()

  const isKnown = (bucket: number, key: Key, time: number): boolean => {
    const first = store.get(key, bucket)
    return typeof first === 'number' && Math.abs(time - first) <= withinMs
  }
  const push = (value: unknown, given: Key | null, time: number): void => {
    task.running = step
    if (given === null) throw missingKey(step)
    const { watermarkMs } = eventTime
    if (time < watermarkMs - withinMs) {
      // In time as long as the watermark was at time + within, at most.
      task.late(step, { windowEndMs: time + withinMs + 1, watermarkMs })
      return
    }
    const key = by === null ? given : keyWith(given, by(value) as KeyPart)
    const bucket = Math.floor(time / withinMs)
    if (isKnown(bucket, key, time)) return
    if (isKnown(bucket - 1, key, time) || isKnown(bucket + 1, key, time)) return
    if (!store.namespaces.has(bucket)) buckets.add(bucket)
    store.set(key, time, bucket)
    emit(value, given, time)
  }

  /** Watermark at which nothing can be close to what a bucket holds. */
  const doneMs = (bucket: number): number => bucket * withinMs + 3 * withinMs
  const stateful: Stateful = {
    ...noTimers,
    onRestored: () => {
      for (const bucket of store.namespaces.keys()) buckets.add(bucket)
    },
    onWatermark: (watermarkMs) => {
      while (doneMs(buckets.least) <= watermarkMs) store.drop(buckets.take())
    },
    watermarkDueMs: () => doneMs(buckets.least),
  }
  return { push, second: null, stateful, asynchronous: null }
}

/**
 * A stream's keys are of one shape: what is added last is told apart from them. As text, since it
 * is looked up several times.
 */
function keyWith(key: Key, by: KeyPart): Key {
  return stateKey(typeof key === 'object' ? [...key, by] : [key, by])
}
