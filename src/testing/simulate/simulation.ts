/**
 * One run of a pipeline in a simulation: the engine itself, on a memory log and virtual time, with
 * a list of faults. Repeats exactly, as far as the pipeline's own functions do.
 */
import { systemClock } from '../../core/clock.ts'
import { messageOf } from '../../core/error.ts'
import type { EngineRun } from '../../engine/run.ts'
import { engineDefaults, startPipelines } from '../../engine/run.ts'
import type { Tap } from '../../engine/task-options.ts'
import type {
  Appended,
  CommitBatch,
  JoinOptions,
  Membership,
  TaskSpec,
  TopicPartition,
} from '../../log/log.ts'
import { offsetKey } from '../../log/memory/memory-store.ts'
import { isAllRead } from './all-read.ts'
import type { Fault } from './fault.ts'
import { readOutcome, type Outcome, type OutcomeScope } from './outcome.ts'
import { simulatedLog, type Meeting } from './simulated-log.ts'
import { SimulatedFleet } from './simulated-fleet.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import { clockOf, SimulatedTime } from './simulated-time.ts'
import { SimulatedWriter } from './simulated-writer.ts'
import type { InputRecord } from './simulation-input.ts'
import { Stalls } from './stalls.ts'
import type { Subject } from './subject.ts'
import { throwingTap } from './throwing.ts'
import { isOfDisk } from './disk/disk-world.ts'
import type { World } from './world.ts'
import { worldOf } from './world-of.ts'
import { writerNamed, Writers } from './writers.ts'

/** Steps of time after which a run that has not ended never will. */
const stepsMax = 100_000
/** Where the wall clock stands at the start: 2020-01-01 UTC. */
const wallMs = 1_577_836_800_000

export interface RunOptions {
  readonly subject: Subject
  readonly input: readonly InputRecord[]
  readonly faults: readonly Fault[]
  /** Of the faults that the world makes. Default null: it makes none. */
  readonly seed?: number | null
  readonly tap: Tap | null
}

export interface RunResult {
  readonly outcome: Outcome
  /** What happened, a line each. */
  readonly trace: readonly string[]
  /** Faults that were met. */
  readonly met: readonly Fault[]
  readonly commits: number
  /** Why the run did not come to its end; null: it did. */
  readonly stuck: string | null
}

export async function runOnce(options: RunOptions): Promise<RunResult> {
  return await new Run(options).run()
}

class Run implements Meeting {
  readonly blocksAtOnce: number
  readonly #options: RunOptions
  readonly #world: World
  readonly #time = new SimulatedTime(wallMs)
  readonly #trace: string[] = []
  readonly #met = new Set<Fault>()
  readonly #small: Extract<Fault, { kind: 'small-reads' }> | undefined
  readonly #writers = new Writers()
  #commits = 0
  #openings = 0
  #losses = 0
  readonly #stalls = new Stalls(this.#time)
  readonly #fleet: SimulatedFleet

  constructor(options: RunOptions) {
    this.#options = options
    const { faults } = options
    this.#small = faults.find((fault) => fault.kind === 'small-reads')
    if (this.#small !== undefined) this.#met.add(this.#small)
    this.blocksAtOnce = this.#small === undefined ? Number.POSITIVE_INFINITY : 1
    this.#world = worldOf(options, (text) => this.#note(text))
    this.#fleet = new SimulatedFleet({
      time: this.#time,
      isShared: faults.some(({ kind }) => kind === 'hand-over'),
      hasMembers: this.#world.hasMembers === true,
      run: (process) => this.#runIn(process),
      isRestarted: (thrown) => this.#world.trouble !== undefined && isOfDisk(thrown),
      note: (text) => this.#note(text),
    })
  }

  async run(): Promise<RunResult> {
    const writer = await this.#openWriter()
    await this.#settled(writer.begin())
    this.#crashLater()
    this.#fleet.start()
    const stuck = (await this.#drive(writer)) ?? (await this.#stop())
    const { topics, looseLetters, tables } = this.#options.subject
    return {
      outcome: readOutcome(this.#world.committed, {
        topics,
        writerOf: this.#writerOf(),
        looseLetters,
        tables,
      }),
      trace: this.#trace,
      met: [...this.#met],
      commits: this.#commits,
      stuck,
    }
  }

  #writerOf(): OutcomeScope['writerOf'] {
    if (this.#options.subject.tasks === 'one') return null
    const world = this.#world
    if (world.taskOf === undefined) return (...place) => this.#writers.writerOf(...place)
    return (...place) => writerNamed(world.taskOf?.(...place) ?? 'nobody')
  }

  #crashLater(): void {
    for (const fault of this.#options.faults) {
      if (fault.kind !== 'crash' || fault.when !== 'at-time') continue
      this.#time.after(fault.at * (this.#world.slowness ?? 1), () => {
        const process = this.#fleet.newest
        if (process === null || !process.isActive) return
        this.#met.add(fault)
        this.crash(process, 'its time had come')
      })
    }
  }

  /** Lets time go on for as long as it takes. */
  async #settled(work: Promise<void>): Promise<void> {
    let isSettled = false
    const settle = (): void => void (isSettled = true)
    work.then(settle, settle)
    for (await systemClock.nextTurn(); !isSettled; await systemClock.nextTurn()) this.#time.step()
    await work
  }

  async #openWriter(): Promise<SimulatedWriter> {
    const log = await this.#world.open(0, clockOf(this.#time, { run: (work) => work() }))
    const time = this.#time
    const note = (text: string): void => this.#note(text)
    const onMet = (fault: Fault): void => void this.#met.add(fault)
    return new SimulatedWriter({ ...this.#options, log, time, note, onMet })
  }

  async #runIn(process: SimulatedProcess): Promise<EngineRun> {
    const { subject, faults } = this.#options
    const tap = throwingTap({
      faults,
      steps: subject.throwing,
      next: this.#options.tap,
      onThrow: (fault, step) => {
        this.#met.add(fault)
        this.note(process, `lets step '${step}' throw`)
      },
    })
    const log = await this.#world.open(process.number, process.clock)
    return await startPipelines(subject.pipelines(), {
      ...engineDefaults,
      log: simulatedLog(log, process, this),
      clock: process.clock,
      name: subject.name,
      tasks: subject.tasks,
      startAt: subject.startAt,
      takeOver: true,
      commitEveryMs: this.#small?.commitEveryMs ?? engineDefaults.commitEveryMs,
      attemptsMax: 1_000,
      print: () => {},
      notify: () => {},
      ...(tap === null ? {} : { tap }),
    })
  }

  /** Lets time go on until all is read, and then for as long as the subject says. */
  async #drive(writer: SimulatedWriter): Promise<string | null> {
    const { subject } = this.#options
    let endMs = Number.POSITIVE_INFINITY
    for (let steps = 0; steps < stepsMax; steps++) {
      await systemClock.nextTurn()
      const { failure } = this.#fleet
      if (failure !== null) return `a run ended: ${messageOf(failure.thrown)}`
      if (this.#fleet.tend()) {
        if (endMs !== Number.POSITIVE_INFINITY) endMs = this.#endMs(writer)
        continue
      }
      const isStanding = this.#time.isWallStanding && this.#fleet.isActive
      if (isStanding && writer.isWritten && isAllRead(subject, this.#world.committed)) {
        this.#note('all is read, the wall clock goes on')
        this.#time.isWallStanding = false
        endMs = this.#endMs(writer)
      }
      if (this.#time.wallMs >= endMs) {
        if (writer.isLastWave) return null
        endMs = Number.POSITIVE_INFINITY
        this.#time.isWallStanding = true
        await this.#settled(writer.nextWave())
        continue
      }
      if (!this.#time.step()) return 'nothing happens any more, but not all is read'
    }
    return 'it does not come to its end'
  }

  /** Where the wall clock stops, which goes on from now. */
  #endMs({ isLastWave: isLast }: SimulatedWriter): number {
    const { settleMs, betweenMs } = this.#options.subject
    const afterMs = isLast ? settleMs : betweenMs
    // It stops there, and not at whatever is due next.
    if (!isLast) this.#time.after(afterMs, () => {})
    return this.#time.wallMs + afterMs
  }

  async #stop(): Promise<string | null> {
    this.#fleet.stop()
    for (let steps = 0; steps < stepsMax; steps++) {
      await systemClock.nextTurn()
      if (this.#fleet.isStopped) return null
      if (!this.#time.step()) return 'it does not stop'
    }
    return 'it does not stop'
  }

  joined(process: SimulatedProcess, options: JoinOptions): Membership | null {
    return this.#fleet.joined(process, options)
  }

  commit(process: SimulatedProcess, spec: TaskSpec, commit: CommitBatch): readonly Fault[] {
    const number = this.#commits
    this.#commits += 1
    const faults = this.#meet(
      (fault) =>
        fault.kind !== 'small-reads' &&
        fault.kind !== 'throws' &&
        fault.kind !== 'growing-input' &&
        fault.at === number &&
        !(fault.kind === 'crash' && !/commit|power/.test(fault.when)) &&
        !(fault.kind === 'hand-over' && fault.change === 'is slow'),
    )
    const appends = commit.appends.map(({ topic, partition }) => `${topic}/${partition}`)
    const offsets = spec.inputs.flatMap(({ topic, partition }, i) => {
      const offset = commit.offsets[i] ?? -1
      return offset < 0 ? [] : `${topic}/${partition}@${offset}`
    })
    const read = offsets.length === 0 ? '' : ` up to ${offsets.join(' ')}`
    const wrote = appends.length === 0 ? '' : ` with records for ${appends.join(' ')}`
    const met = faults.map((fault) => ` [${fault.kind}]`).join('')
    this.note(process, `commit ${number} of ${spec.task}${read}${wrote}${met}`)
    for (const fault of faults) {
      if (fault.kind === 'hand-over' && fault.change !== 'is slow') this.#fleet.hand(fault.change)
      if (fault.kind === 'stalled') this.#stall(fault, spec)
    }
    return faults
  }

  #stall({ input, ms }: Extract<Fault, { kind: 'stalled' }>, { inputs }: TaskSpec): void {
    const place = inputs[input % Math.max(1, inputs.length)]
    if (place === undefined) return
    this.#note(`${offsetKey(place)} stalls for ${ms} ms`)
    this.#stalls.begin(place, ms)
  }

  isStalled(place: TopicPartition): boolean {
    return this.#stalls.has(place)
  }

  trouble({ does, ms }: Extract<Fault, { kind: 'disk' }>): void {
    this.#note(`the disk: ${does}`)
    this.#world.trouble?.(does)
    if (does === 'full') this.#time.after(ms, () => this.#world.makeRoom?.())
  }

  mayWrite(spec: TaskSpec, { appends }: CommitBatch): () => void {
    return this.#writers.mayWrite(spec, appends, this.#world.committed)
  }

  losing(process: SimulatedProcess, tasks: readonly string[]): readonly Fault[] {
    const number = this.#losses
    this.#losses += 1
    this.note(process, `hears of loss ${number}: ${tasks.join(' ')}`)
    return this.#meet((fault) => {
      const isCrash = fault.kind === 'crash' && fault.when === 'hand-over'
      const isSlow = fault.kind === 'hand-over' && fault.change === 'is slow'
      return (isCrash || isSlow) && fault.at === number
    })
  }

  opening(process: SimulatedProcess, spec: TaskSpec): readonly Fault[] {
    const number = this.#openings
    this.#openings += 1
    this.note(process, `opening ${number}: ${spec.task}`)
    return this.#meet(
      (fault) =>
        fault.kind === 'crash' && /opening|restoring/.test(fault.when) && fault.at === number,
    )
  }

  #meet(isHere: (fault: Fault) => boolean): readonly Fault[] {
    const faults = this.#options.faults.filter(isHere)
    for (const fault of faults) this.#met.add(fault)
    return faults
  }

  wrote(spec: TaskSpec, appended: readonly Appended[]): void {
    this.#writers.wrote(spec, appended)
  }

  crash(process: SimulatedProcess, why: string): void {
    this.note(process, `crashes: ${why}`)
    this.#fleet.crash(process)
    this.#world.crashed(process.number)
  }

  losePower(): void {
    this.#note('the power goes')
    for (const process of this.#fleet.processes) this.crash(process, 'without power')
    this.#world.powerLost()
  }

  note(process: SimulatedProcess, text: string): void {
    this.#note(`process ${process.number} ${text}`)
  }

  #note(text: string): void {
    this.#trace.push(`${this.#time.monotonicMs} ms: ${text}`)
  }
}
