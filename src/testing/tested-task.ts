/** A task under test, fed by the driver, and what it can be asked. */
import type { TimeExplanation } from '../engine/explain-time.ts'
import type { Tap } from '../engine/task-options.ts'
import type { PlannedTask } from '../engine/task-plan.ts'
import { Task } from '../engine/task.ts'
import type { AppendBatch, TopicPartition } from '../log/log.ts'
import { FeedSession } from './feed-session.ts'
import type { VirtualOutside } from './virtual-outside.ts'

/** Records between two looks at what is left; any number gives the same results. */
const sliceRecords = 1000

export interface TestedTaskOptions {
  readonly planned: PlannedTask
  readonly outside: VirtualOutside
  readonly nowMs: number
  readonly print: (text: string) => void
  readonly tap: Tap | null
}

export class TestedTask {
  readonly name: string
  readonly #session: FeedSession
  readonly #task: Task

  constructor({ planned, outside, nowMs, print, tap }: TestedTaskOptions) {
    this.name = planned.name
    this.#session = new FeedSession(planned.inputs.map((input) => input.place))
    this.#task = new Task({
      ...planned,
      session: this.#session,
      nowMs,
      outside,
      print,
      ...(tap === null ? {} : { tap }),
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
    this.#task.tick(nowMs)
    while (this.#task.process(sliceRecords) === 'more');
    this.#task.tick(nowMs)
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
    return this.#task.explainTime()
  }
}
