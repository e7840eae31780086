/**
 * One run of a pipeline in a simulation: the engine itself, on a memory log and virtual time, with
 * a list of faults. Repeats exactly, as far as the pipeline's own functions do.
 */
import { systemClock } from '../../core/clock.ts'
import { messageOf } from '../../core/error.ts'
import type { EngineRun } from '../../engine/run.ts'
import { engineDefaults, startPipelines } from '../../engine/run.ts'
import type { Tap } from '../../engine/task-options.ts'
import type { Appended, CommitBatch, Log, TaskSpec } from '../../log/log.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import { MemoryStore } from '../../log/memory/memory-store.ts'
import type { Fault } from './fault.ts'
import { leaseMs } from './fault.ts'
import { readOutcome, type Outcome, type Writer } from './outcome.ts'
import { simulatedLog, type Meeting } from './simulated-log.ts'
import { SimulatedProcess } from './simulated-process.ts'
import { SimulatedTime } from './simulated-time.ts'
import { blocksOf, type InputRecord } from './simulation-input.ts'
import type { Subject } from './subject.ts'

/** Steps of time after which a run that has not ended never will. */
const stepsMax = 100_000
/** Where the wall clock stands at the start: 2020-01-01 UTC. */
const wallMs = 1_577_836_800_000

export interface RunOptions {
  readonly subject: Subject
  readonly input: readonly InputRecord[]
  readonly faults: readonly Fault[]
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
  readonly #store = new MemoryStore()
  readonly #time = new SimulatedTime(wallMs)
  readonly #log: (process: SimulatedProcess) => Log
  readonly #trace: string[] = []
  readonly #met = new Set<Fault>()
  readonly #small: Extract<Fault, { kind: 'small-reads' }> | undefined
  /** Which task wrote from which offset on: topic/partition → its appends in order. */
  readonly #writers = new Map<string, { readonly from: number; readonly task: string }[]>()
  readonly #lastWave: number
  #wave = 0
  #commits = 0
  #openings = 0
  #processes = 0
  #current: SimulatedProcess
  #engine: EngineRun | null = null
  #failure: { readonly thrown: unknown } | null = null

  constructor(options: RunOptions) {
    this.#options = options
    const { faults, input, subject } = options
    this.#lastWave = input.reduce((last, { wave }) => Math.max(last, wave), 0)
    this.#small = faults.find((fault) => fault.kind === 'small-reads')
    if (this.#small !== undefined) this.#met.add(this.#small)
    this.blocksAtOnce = this.#small === undefined ? Number.POSITIVE_INFINITY : 1
    const storage = { store: this.#store, notes: new Map<string, unknown>() }
    this.#log = (process) => {
      const log = openMemoryLog({ store: this.#store, clock: process.clock })
      return simulatedLog(subject.wrap(log, storage), process, this)
    }
    this.#current = new SimulatedProcess(0, this.#time)
    for (const fault of faults) {
      if (fault.kind !== 'crash' || fault.when !== 'at-time') continue
      this.#time.after(fault.at, () => {
        if (!this.#current.isActive) return
        this.#met.add(fault)
        this.crash(this.#current, 'its time had come')
      })
    }
  }

  async run(): Promise<RunResult> {
    await this.#createTopics()
    await this.#append()
    this.#start()
    const stuck = (await this.#drive()) ?? (await this.#stop())
    const { topics, looseLetters } = this.#options.subject
    const writerOf = this.#options.subject.tasks === 'one' ? null : this.#writerOf.bind(this)
    return {
      outcome: readOutcome(this.#store, { topics, writerOf, looseLetters }),
      trace: this.#trace,
      met: [...this.#met],
      commits: this.#commits,
      stuck,
    }
  }

  async #createTopics(): Promise<void> {
    const log = openMemoryLog({ store: this.#store, clock: this.#current.clock })
    const { sources } = this.#options.subject
    for (const { name, partitions, compact } of sources.values()) {
      const cleanup = compact ? 'compact' : 'delete'
      await log.createTopic(name, { partitions: partitions ?? 1, cleanup })
    }
  }

  /** The records of the wave at hand. */
  async #append(): Promise<void> {
    const log = openMemoryLog({ store: this.#store, clock: this.#current.clock })
    const recordsMax = this.#small?.records ?? Number.POSITIVE_INFINITY
    const input = this.#options.input.filter(({ wave }) => wave === this.#wave)
    await log.append(blocksOf(input, recordsMax))
  }

  /** A new process takes over what there is. */
  #start(): void {
    const { subject, tap } = this.#options
    this.#processes += 1
    const process = new SimulatedProcess(this.#processes, this.#time)
    this.#current.isReplaced = true
    this.#current = process
    this.#engine = null
    this.note(process, 'starts')
    startPipelines(subject.pipelines(), {
      ...engineDefaults,
      log: this.#log(process),
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
    }).then(
      (run) => {
        if (this.#current === process) this.#engine = run
        run.done.catch((thrown: unknown) => this.#ended(process, thrown))
      },
      (thrown: unknown) => this.#ended(process, thrown),
    )
  }

  #ended(process: SimulatedProcess, thrown: unknown): void {
    this.note(process, `ended: ${messageOf(thrown)}`)
    // Whoever was replaced has to end: fenced, or with what kept it from its last commit.
    if (!process.isReplaced && !process.isDead) this.#failure ??= { thrown }
  }

  /** Lets time go on until all is read, and then for as long as the subject says. */
  async #drive(): Promise<string | null> {
    let endMs = Number.POSITIVE_INFINITY
    for (let steps = 0; steps < stepsMax; steps++) {
      await systemClock.nextTurn()
      if (this.#failure !== null) return `a run ended: ${messageOf(this.#failure.thrown)}`
      if (this.#isGone()) {
        this.#start()
        if (endMs !== Number.POSITIVE_INFINITY) endMs = this.#endMs()
        continue
      }
      if (this.#time.isWallStanding && this.#current.isActive && this.#isRead()) {
        this.#note('all is read, the wall clock goes on')
        this.#time.isWallStanding = false
        endMs = this.#endMs()
      }
      if (this.#time.wallMs >= endMs) {
        if (this.#wave === this.#lastWave) return null
        endMs = Number.POSITIVE_INFINITY
        this.#wave += 1
        this.#note(`wave ${this.#wave} of the records comes, the wall clock stands`)
        this.#time.isWallStanding = true
        await this.#append()
        continue
      }
      if (!this.#time.step()) return 'nothing happens any more, but not all is read'
    }
    return 'it does not come to its end'
  }

  /** Where the wall clock stops, which goes on from now. */
  #endMs(): number {
    const { settleMs, betweenMs } = this.#options.subject
    const isLast = this.#wave === this.#lastWave
    const afterMs = isLast ? settleMs : betweenMs
    // It stops there, and not at whatever is due next.
    if (!isLast) this.#time.after(afterMs, () => {})
    return this.#time.wallMs + afterMs
  }

  #isGone(): boolean {
    const { isDead, pausedSinceMs } = this.#current
    if (isDead) return true
    return pausedSinceMs !== null && this.#time.monotonicMs - pausedSinceMs >= leaseMs
  }

  /** Every task has committed all that there is for it. */
  #isRead(): boolean {
    const { subject } = this.#options
    const { places, name } = subject
    const tasks = this.#store.tasksOf(name)
    return places.every((topic) =>
      (this.#store.topics.get(topic)?.partitions ?? []).every(({ partition, endOffset }) => {
        const key = `${topic}/${partition}`
        const readers = tasks.flatMap(({ offsets }) => offsets.get(key) ?? [])
        // Of a partition without records there is nothing to commit, but where to begin.
        const isBegun = subject.startAt === 'earliest' || !subject.sources.has(topic)
        if (endOffset === 0 && isBegun) return true
        return readers.length > 0 && readers.every(({ offset }) => offset === endOffset)
      }),
    )
  }

  async #stop(): Promise<string | null> {
    let isStopped = false
    void this.#engine?.stop().then(() => {
      isStopped = true
    })
    for (let steps = 0; steps < stepsMax; steps++) {
      await systemClock.nextTurn()
      // What a fault keeps from its last commit goes on in a run after it.
      if (isStopped || this.#current.isDead) return null
      if (!this.#time.step()) return 'it does not stop'
    }
    return 'it does not stop'
  }

  commit(process: SimulatedProcess, spec: TaskSpec, commit: CommitBatch): readonly Fault[] {
    const number = this.#commits
    this.#commits += 1
    const faults = this.#options.faults.filter(
      (fault) =>
        fault.kind !== 'small-reads' &&
        fault.at === number &&
        !(fault.kind === 'crash' && !fault.when.endsWith('commit')),
    )
    for (const fault of faults) this.#met.add(fault)
    const appends = commit.appends.map(({ topic, partition }) => `${topic}/${partition}`)
    const offsets = spec.inputs.flatMap(({ topic, partition }, i) => {
      const offset = commit.offsets[i] ?? -1
      return offset < 0 ? [] : `${topic}/${partition}@${offset}`
    })
    const read = offsets.length === 0 ? '' : ` up to ${offsets.join(' ')}`
    const wrote = appends.length === 0 ? '' : ` with records for ${appends.join(' ')}`
    const met = faults.map((fault) => ` [${fault.kind}]`).join('')
    this.note(process, `commit ${number} of ${spec.task}${read}${wrote}${met}`)
    return faults
  }

  opening(process: SimulatedProcess, spec: TaskSpec): readonly Fault[] {
    const number = this.#openings
    this.#openings += 1
    this.note(process, `opening ${number}: ${spec.task}`)
    return this.#options.faults.filter((fault) => {
      const isOpening = fault.kind === 'crash' && !/commit|time/.test(fault.when)
      if (!isOpening || fault.at !== number) return false
      this.#met.add(fault)
      return true
    })
  }

  wrote({ task }: TaskSpec, appended: readonly Appended[]): void {
    for (const { topic, partition, baseOffset } of appended) {
      const place = `${topic}/${partition}`
      const list = this.#writers.get(place) ?? []
      this.#writers.set(place, list)
      list.push({ from: baseOffset, task })
    }
  }

  #writerOf(topic: string, partition: number, offset: number): Writer {
    const list = this.#writers.get(`${topic}/${partition}`) ?? []
    const task = list.findLast(({ from }) => from <= offset)?.task ?? 'nobody'
    const isOrdered = task.startsWith('main/')
    // Tasks behind a repartition share a topic's records out by key: one name for all of them.
    return { name: isOrdered ? task : 'a task behind a repartition', isOrdered }
  }

  crash(process: SimulatedProcess, why: string): void {
    this.note(process, `crashes: ${why}`)
    process.crash()
  }

  note(process: SimulatedProcess, text: string): void {
    this.#note(`process ${process.number} ${text}`)
  }

  #note(text: string): void {
    this.#trace.push(`${this.#time.monotonicMs} ms: ${text}`)
  }
}
