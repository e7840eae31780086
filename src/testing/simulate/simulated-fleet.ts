/**
 * The processes of a simulated run. One at a time, each of which takes over from the one before;
 * or several that share the tasks, come and go.
 */
import { messageOf } from '../../core/error.ts'
import type { EngineRun } from '../../engine/run.ts'
import type { JoinOptions, Membership } from '../../log/log.ts'
import { leaseMs } from './fault.ts'
import { SimulatedGroup } from './simulated-group.ts'
import { SimulatedProcess } from './simulated-process.ts'
import type { SimulatedTime } from './simulated-time.ts'

/** Who shares the tasks, at most. */
const processesMax = 4
/** How long whoever watches over a process waits before it starts it again, virtual ms. */
const restartMs = 1_000

export interface FleetOptions {
  readonly time: SimulatedTime
  /** Whether several processes share the tasks. */
  readonly isShared: boolean
  /** The log itself says who has which task. */
  readonly hasMembers: boolean
  /** Runs the pipelines in a process; resolves when they have begun. */
  readonly run: (process: SimulatedProcess) => Promise<EngineRun>
  readonly note: (text: string) => void
  /** Whether a process that ended by itself with this error is started again, and no failure. */
  readonly isRestarted: (thrown: unknown) => boolean
}

interface Living {
  readonly process: SimulatedProcess
  /** null: it is starting. */
  engine: EngineRun | null
  isLeaving: boolean
}

export class SimulatedFleet {
  /** What ended a run that nothing had ended; null: nothing has. */
  failure: { readonly thrown: unknown } | null = null
  readonly #options: FleetOptions
  readonly #group: SimulatedGroup | null
  #living: Living[] = []
  #started = 0
  /** Before it none is started. */
  #restartAtMs = 0
  /** So many are to share the tasks. */
  #wanted = 1

  constructor(options: FleetOptions) {
    this.#options = options
    const isSimulated = options.isShared && !options.hasMembers
    this.#group = isSimulated ? new SimulatedGroup(options.note) : null
  }

  /** Whether a process runs that is neither dead nor paused. */
  get isActive(): boolean {
    return this.#living.some(({ process }) => process.isActive)
  }

  /** The process that was started last. */
  get newest(): SimulatedProcess | null {
    return this.#living.at(-1)?.process ?? null
  }

  /** Those that are not dead. */
  get processes(): SimulatedProcess[] {
    return this.#living.flatMap(({ process }) => (process.isDead ? [] : process))
  }

  /** null: the log says who runs what. */
  joined(process: SimulatedProcess, options: JoinOptions): Membership | null {
    return this.#group?.join(process.number, options.tasks) ?? null
  }

  /** A new process; where tasks are not shared, in the place of the one before. */
  start(): void {
    if (!this.#options.isShared) {
      for (const { process } of this.#living) process.isReplaced = true
      this.#living = []
    }
    this.#started += 1
    const process = new SimulatedProcess(this.#started, this.#options.time)
    const living: Living = { process, engine: null, isLeaving: false }
    this.#living.push(living)
    this.#options.note(`process ${process.number} starts`)
    this.#options.run(process).then(
      (engine) => {
        living.engine = engine
        if (living.isLeaving) void engine.stop()
        engine.done.then(
          () => this.#ended(living, null),
          (thrown: unknown) => this.#ended(living, { thrown }),
        )
      },
      (thrown: unknown) => this.#ended(living, { thrown }),
    )
  }

  /** Starts processes in the place of those that are gone. @returns whether there was one */
  tend(): boolean {
    if (!this.#options.isShared) {
      const [only] = this.#living
      if (only !== undefined && !this.#isGone(only.process)) return false
      if (this.#isHeldBack()) return false
      this.start()
      return true
    }
    for (const { process } of this.#living) {
      if (!process.isDead && this.#isGone(process)) this.#group?.expel(process.number)
    }
    this.#living = this.#living.filter(({ process }) => !process.isDead)
    const missing = this.#wanted - this.#living.filter(({ isLeaving }) => !isLeaving).length
    if (missing <= 0 || this.#isHeldBack()) return false
    for (let i = 0; i < missing; i++) this.start()
    return true
  }

  crash(process: SimulatedProcess): void {
    process.crash()
    const { time } = this.#options
    // The others do not know before its lease is over.
    if (this.#group !== null) time.after(leaseMs, () => this.#group?.forget(process.number))
  }

  hand(change: 'joins' | 'leaves'): void {
    if (change === 'joins') {
      if (this.#wanted < processesMax) this.#wanted += 1
      return
    }
    const staying = this.#living.filter(({ isLeaving, process }) => !isLeaving && process.isActive)
    const leaver = staying[0]
    if (leaver === undefined) return
    if (this.#wanted > 1) this.#wanted -= 1
    leaver.isLeaving = true
    this.#options.note(`process ${leaver.process.number} is asked to leave`)
    void leaver.engine?.stop()
  }

  /** Ends all in order; `isStopped` when that is done. */
  stop(): void {
    for (const living of this.#living) {
      living.isLeaving = true
      void living.engine?.stop()
    }
  }

  /** Nobody runs any more; what a fault keeps from its last commit goes on in a run after it. */
  get isStopped(): boolean {
    return this.#living.every(({ process }) => process.isDead)
  }

  #ended(living: Living, failure: { readonly thrown: unknown } | null): void {
    const { process } = living
    if (failure !== null)
      this.#options.note(`process ${process.number} ended: ${messageOf(failure.thrown)}`)
    this.#living = this.#living.filter((one) => one !== living)
    // Whoever was replaced has to end: fenced, or with what kept it from its last commit.
    const mayEnd = process.isReplaced || process.isDead || living.isLeaving
    if (failure !== null && !mayEnd) {
      if (this.#options.isRestarted(failure.thrown)) this.#holdBack()
      else this.failure ??= failure
    }
    // One that left, or failed to, is in the group no more.
    this.#group?.forget(process.number)
  }

  /** Another takes its place, but not at once: what ended it may go on for a while. */
  #holdBack(): void {
    const { time } = this.#options
    this.#restartAtMs = time.monotonicMs + restartMs
    time.after(restartMs, () => {})
  }

  #isHeldBack(): boolean {
    return this.#options.time.monotonicMs < this.#restartAtMs
  }

  #isGone({ isDead, pausedSinceMs }: SimulatedProcess): boolean {
    if (isDead) return true
    const { monotonicMs } = this.#options.time
    return pausedSinceMs !== null && monotonicMs - pausedSinceMs >= leaseMs
  }
}
