/** A task under test, fed by the driver, and what it can be asked. */
import { explainTime } from '../engine/explain-time.ts'
import type { TimeExplanation } from '../engine/explain-time.ts'
import type { Tap } from '../engine/task-options.ts'
import type { PlannedTask } from '../engine/task-plan.ts'
import { Task } from '../engine/task.ts'
import type { AppendBatch, TopicPartition } from '../log/log.ts'
import { FeedSession } from './feed-session.ts'
import { TracedTask } from './traced-task.ts'
import type { Trace } from './trace.ts'
import type { VirtualOutside } from './virtual-outside.ts'

/** Records between two looks at what is left. */
const sliceRecords = 1000

export interface TestedTaskOptions {
  readonly planned: PlannedTask
  readonly outside: VirtualOutside
  readonly nowMs: number
  readonly print: (text: string) => void
  /** null: nothing is traced. */
  readonly trace: { readonly lines: Trace; readonly name: string } | null
}

export class TestedTask {
  readonly name: string
  readonly #session: FeedSession
  readonly #task: Task
  readonly #traced: TracedTask | null

  constructor({ planned, outside, nowMs, print, trace }: TestedTaskOptions) {
    this.name = planned.name
    this.#session = new FeedSession(planned.inputs.map((input) => input.place))
    this.#traced = trace && new TracedTask(trace.name, trace.lines, () => explainTime(this.#task))
    this.#task = new Task({
      ...planned,
      session: this.#session,
      nowMs,
      outside,
      print,
      ...(trace && { tap: tapOf(planned, trace) }),
      ...(this.#traced && { probe: this.#traced }),
    })
    this.#task.begin()
  }

  /** Gives it a block, if it reads the place. */
  feed(place: TopicPartition, block: Uint8Array): void {
    for (const input of this.#session.indexesOf(place)) this.#session.feed(input, block)
  }

  /** Takes all that is there. @returns what it has committed by that; as in a run, not before all
   * results have come */
  step(nowMs: number): readonly AppendBatch[] {
    const traced = this.#traced
    traced?.ticks(nowMs)
    this.#task.tick(nowMs)
    // One by one where each is told of: any number gives the same results.
    while (this.#task.process(traced === null ? sliceRecords : 1) === 'more') traced?.look()
    traced?.look()
    this.#task.tick(nowMs)
    traced?.look()
    return this.commit()
  }

  commit(): readonly AppendBatch[] {
    if (this.#task.pendingResults > 0) return []
    return this.#task.takeCommit()?.appends ?? []
  }

  stop(): readonly AppendBatch[] {
    this.#task.stop()
    return this.commit()
  }

  /** @param topic null: all inputs */
  idle(topic: string | null): void {
    for (const { place, clock } of this.#task.cursors) {
      if (topic === null || place.topic === topic) clock.idle = true
    }
  }

  get clockDueMs(): number {
    return this.#task.clockDueMs()
  }

  /** −Infinity before the first record of each input. */
  get watermarkMs(): number {
    return this.#task.watermarkMs
  }

  get recordsIn(): number {
    return this.#task.counters.recordsIn
  }

  get callsUnderWay(): number {
    return this.#task.callsUnderWay
  }

  explain(): TimeExplanation {
    return explainTime(this.#task)
  }
}

/** What a source gives has been told when it came. */
function tapOf({ part }: PlannedTask, { lines, name }: { lines: Trace; name: string }): Tap {
  const sources = new Set(
    part.steps.flatMap((step) => (step.node.kind === 'source' ? [step.name] : [])),
  )
  return (step, value, key, timeMs) => {
    if (!sources.has(step)) lines.gave(name, { step, value, key, timeMs })
  }
}
