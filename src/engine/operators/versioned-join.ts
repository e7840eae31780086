/**
 * Joins of a stream with what was valid at a record's event time: with a table's rows (Flink's
 * event-time temporal join), and `asOf`, with the newest record of another stream.
 *
 * A record waits until the watermark has passed its time, so that what has the same time counts;
 * results come with the record's own event time, in order of it, of key, of arrival. The version
 * valid at t is the newest with a time ≤ t, of equal times the one that came last.
 *
 * With a `history`, a record that the watermark has passed by no more than that is joined at once;
 * one behind that is late. A version is late when nobody can meet it any more: a newer one was
 * valid at watermark − history already, or, in an as-of join, it is too old for all to come. A
 * deleted row is forgotten when its bucket of versions is settled: a change of before that, which
 * comes later still, counts.
 *
 * Stores: `<step>/waiting` (and `-full`, see RowLists): namespace = event time, key → records;
 * `<step>/versions` (and `-base`, see Versions).
 */
import { compareKeys } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { AsOfJoinSpec, VersionedJoinSpec } from '../../pipeline/join-spec.ts'
import { FoundRows, RowLists } from '../state/row-lists.ts'
import { Versions } from '../state/versions.ts'
import { TimeHeap } from '../time-heap.ts'
import { missingKey } from './missing-key.ts'
import { never } from './operator.ts'
import type { Operator, Push, Stateful, StepContext, TaskContext } from './operator.ts'

/** Buckets for the time that versions are kept: a look-up goes through so many and one at most. */
const bucketsKept = 16
/** A table's versions of less than this are settled together. */
const tableBucketMsMin = 1000

/** Length of the buckets in which a table's versions lie. */
export function tableBucketMs(historyMs: number): number {
  return Math.max(tableBucketMsMin, Math.ceil(historyMs / bucketsKept))
}

/** The second input gives changes of a table. */
export function versionedJoinOperator(
  spec: VersionedJoinSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const historyMs = spec.historyMs ?? 0
  const bucketMs = tableBucketMs(historyMs)
  return operatorOf({ spec, historyMs, validMs: never, bucketMs, context, emit })
}

/** The second input gives the records that the others look for. */
export function asOfJoinOperator(spec: AsOfJoinSpec, context: StepContext, emit: Push): Operator {
  const { toleranceMs: validMs } = spec
  const bucketMs = Math.max(1, Math.ceil(validMs / bucketsKept))
  return operatorOf({ spec, historyMs: 0, validMs, bucketMs, context, emit })
}

interface JoinOptions {
  readonly spec: VersionedJoinSpec | AsOfJoinSpec
  readonly historyMs: number
  /** How long a version is valid, if no newer one comes. */
  readonly validMs: number
  readonly bucketMs: number
  readonly context: StepContext
  readonly emit: Push
}

function operatorOf(options: JoinOptions): Operator {
  const join = new VersionedJoin(options)
  return {
    push: (value, key, time) => join.take(value, key, time),
    second: (value, key, time) => join.takeVersion(value, key, time),
    stateful: join,
    asynchronous: null,
  }
}

class VersionedJoin implements Stateful {
  readonly #options: JoinOptions
  readonly #task: TaskContext
  readonly #time: StepContext['time']
  readonly #step: string
  readonly #emit: Push
  readonly #historyMs: number
  /** Versions are changes of a table. */
  readonly #isTable: boolean
  readonly #isInner: boolean
  readonly #waiting: RowLists
  /** Event times at which records wait. */
  readonly #times = new TimeHeap()
  readonly #versions: Versions
  readonly #found = new FoundRows()

  constructor(options: JoinOptions) {
    const { spec, context, emit, historyMs, validMs, bucketMs } = options
    this.#options = options
    this.#task = context.task
    this.#time = context.time
    this.#step = context.step
    this.#emit = emit
    this.#historyMs = historyMs
    this.#isTable = spec.kind === 'versioned-join'
    this.#isInner = spec.type === 'inner'
    this.#waiting = new RowLists(context, 'waiting')
    this.#versions = new Versions(context, 'versions', {
      bucketMs,
      validMs: this.#isTable ? 'next' : validMs,
    })
  }

  take(value: unknown, key: Key | null, time: number): void {
    this.#task.running = this.#step
    if (key === null) throw missingKey(this.#step)
    const { watermarkMs } = this.#time
    // A watermark at its time says nothing of others of that time: it waits until it has passed.
    if (time >= watermarkMs) {
      if (this.#waiting.add(time, key, value, time) === 'opened') this.#times.add(time)
    } else if (time >= watermarkMs - this.#historyMs) {
      const hasMatch = this.#hasMatch(key, time)
      if (hasMatch || !this.#isInner) this.#emit(this.#result(value, hasMatch), key, time)
    } else this.#task.late(this.#step, { windowEndMs: time + this.#historyMs + 1, watermarkMs })
  }

  takeVersion(given: unknown, key: Key | null, timeMs: number): void {
    this.#task.running = this.#step
    if (key === null) throw missingKey(this.#step)
    const { watermarkMs } = this.#time
    const beforeMs = watermarkMs - this.#historyMs
    const doneMs = timeMs < beforeMs ? this.#doneMs(key, timeMs, beforeMs) : never
    if (doneMs <= watermarkMs) {
      this.#task.late(this.#step, { windowEndMs: doneMs, watermarkMs })
      return
    }
    const value = this.#isTable ? (given as { readonly after: unknown }).after : given
    this.#versions.add(key, { timeMs, value }, beforeMs)
  }

  onRestored(): void {
    for (const time of this.#waiting.namespaces.keys()) this.#times.add(time)
    this.#versions.onRestored(this.#time.watermarkMs - this.#historyMs)
  }

  onWatermark(watermarkMs: number): void {
    const beforeMs = watermarkMs - this.#historyMs
    while (this.#times.least < watermarkMs) {
      const time = this.#times.take()
      // What waits asks for this time or later; so do those that may still come within the history.
      this.#versions.settle(Math.min(time, beforeMs))
      this.#emitAt(time)
      this.#waiting.drop(time)
    }
    this.#versions.settle(beforeMs)
  }

  watermarkDueMs(): number {
    return Math.min(this.#times.least + 1, this.#versions.settleDueMs() + this.#historyMs)
  }

  onClock(): void {}

  clockDueMs(): number {
    return never
  }

  onStop(): void {}

  /**
   * Watermark from which on nobody can meet a version of before `beforeMs`: a newer one is valid,
   * or it is too old. Infinity while somebody may.
   */
  #doneMs(key: Key, timeMs: number, beforeMs: number): number {
    const { validMs } = this.#options
    if (timeMs + validMs < beforeMs) return timeMs + validMs + 1
    const isReplaced =
      this.#versions.find(key, beforeMs) === 'found' && this.#versions.foundMs > timeMs
    return isReplaced ? this.#versions.foundMs + this.#historyMs : never
  }

  #emitAt(time: number): void {
    const keys = [...this.#waiting.keys(time)].sort(compareKeys)
    const found = this.#found
    for (const key of keys) {
      const hasMatch = this.#hasMatch(key, time)
      if (!hasMatch && this.#isInner) continue
      found.clear()
      this.#waiting.find(time, key, { from: time, to: time }, 'all', found)
      for (let i = 0; i < found.count; i++) {
        this.#task.running = this.#step
        this.#task.emitAtomic(this.#emit, this.#result(found.rows[i], hasMatch), key, time)
      }
    }
    found.release()
  }

  /** Whether there is a version at that time; it is what `#versions` found last. */
  #hasMatch(key: Key, time: number): boolean {
    if (this.#versions.find(key, time) === 'none') return false
    return !this.#isTable || this.#versions.found !== null
  }

  #result(left: unknown, hasMatch: boolean): { left: unknown; right: unknown } {
    return { left, right: hasMatch ? this.#versions.found : null }
  }
}
