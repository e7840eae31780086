/**
 * Runs a pipeline over what its topics hold, as fast as it goes, with the engine's own tasks but a
 * clock of its own: so that a run can be stopped without warning at a given record, and the time
 * after the last one passes at once.
 */
import { buildPlan } from '../../src/pipeline/build-plan.ts'
import type { Pipeline } from '../../src/pipeline/node.ts'
import { planTasks } from '../../src/engine/task-plan.ts'
import type { PlannedTask } from '../../src/engine/task-plan.ts'
import { Task } from '../../src/engine/task.ts'
import { openTopics } from '../../src/engine/topics.ts'
import type { Log, Session } from '../../src/log/log.ts'

export interface DriveOptions {
  readonly log: Log
  readonly pipeline: Pipeline
  readonly name: string
  readonly tasks: 'one' | 'per-partition'
  /** Drops all tasks without a commit after so many records, and goes on from the last commit. */
  readonly restartEvery: number | null
}

export interface DriveResult {
  /** Records read, those read again after a restart included. */
  readonly records: number
  readonly restarts: number
  readonly late: number
  readonly dead: number
}

interface OpenTask {
  readonly session: Session
  readonly task: Task
}

/** Time passes in such steps once everything is read: windows of any kind close. */
const yearMs = 366 * 86_400_000
/** As many steps as there may be repartition topics behind each other, and some more. */
const yearsAfter = 12
const sliceRecords = 5000

export async function drive(options: DriveOptions): Promise<DriveResult> {
  const run = new Drive(options)
  return run.run()
}

class Drive {
  readonly #options: DriveOptions
  #planned: readonly PlannedTask[] = []
  #tasks: OpenTask[] = []
  #nowMs = 1
  #records = 0
  #late = 0
  #dead = 0
  #restarts = 0

  constructor(options: DriveOptions) {
    this.#options = options
  }

  async run(): Promise<DriveResult> {
    const { log, pipeline, name, tasks } = this.#options
    const repartition = tasks === 'per-partition'
    const plan = buildPlan(pipeline, { name, repartition })
    const topics = await openTopics(log, buildPlan(pipeline, { name, repartition: false }))
    this.#planned = await planTasks(log, plan, topics, tasks)
    await this.#open()
    await this.#readAll()
    for (let year = 0; year < yearsAfter; year++) {
      this.#nowMs += yearMs
      await this.#readAll()
    }
    this.#count()
    for (const { session } of this.#tasks) await session.close()
    return {
      records: this.#records,
      restarts: this.#restarts,
      late: this.#late,
      dead: this.#dead,
    }
  }

  /** Goes on until nothing is left to read and nothing to commit. */
  async #readAll(): Promise<void> {
    const { restartEvery } = this.#options
    // Commits lie between the restarts: else nothing would ever come of it.
    const slice = restartEvery === null ? sliceRecords : Math.max(1, Math.ceil(restartEvery / 3))
    let sinceRestart = 0
    for (let isQuiet = false; !isQuiet;) {
      isQuiet = true
      for (const { task, session } of this.#tasks) {
        task.tick(this.#nowMs)
        const before = task.counters.recordsIn
        if (task.process(slice) === 'more') isQuiet = false
        sinceRestart += task.counters.recordsIn - before
        if (restartEvery !== null && sinceRestart >= restartEvery) break
        task.tick(this.#nowMs)
        const commit = task.takeCommit()
        if (commit === null) continue
        isQuiet = false
        await session.commit(commit)
      }
      if (restartEvery === null || sinceRestart < restartEvery) continue
      isQuiet = false
      sinceRestart = 0
      await this.#restart()
    }
  }

  /** What is not committed is gone. */
  async #restart(): Promise<void> {
    const before = this.#tasks
    this.#count()
    this.#restarts += 1
    await this.#open()
    for (const { session } of before) await session.close()
  }

  #count(): void {
    for (const { task } of this.#tasks) {
      this.#records += task.counters.recordsIn
      this.#late += task.counters.late
      this.#dead += task.counters.dead
    }
  }

  async #open(): Promise<void> {
    const { log, name } = this.#options
    const tasks: OpenTask[] = []
    for (const planned of this.#planned) {
      const session = await log.open({
        pipeline: name,
        task: planned.name,
        inputs: planned.inputs.map((input) => input.place),
        startAt: planned.inputs.map(() => 'earliest'),
      })
      const outside = { after: () => () => {}, wake: () => {} }
      const task = new Task({ ...planned, session, nowMs: this.#nowMs, print: () => {}, outside })
      for await (const blob of session.restore()) task.restore(blob)
      task.begin()
      tasks.push({ session, task })
    }
    this.#tasks = tasks
  }
}
