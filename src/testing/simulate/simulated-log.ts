/** The log as a simulated process sees it: a good log, and the faults of the run. */
import { MillraceError } from '../../core/error.ts'
import type { RecordBatch } from '../../log/batch.ts'
import type {
  Appended,
  CommitBatch,
  CommitReceipt,
  JoinOptions,
  Log,
  Membership,
  Session,
  TaskSpec,
  TopicPartition,
} from '../../log/log.ts'
import type { Fault } from './fault.ts'
import type { SimulatedProcess } from './simulated-process.ts'

type DiskFault = Extract<Fault, { kind: 'disk' }>

/** What a run tells its logs, and hears from them. */
export interface Meeting {
  /** The number of the commit that is to be made, and the faults that it meets. */
  commit(process: SimulatedProcess, spec: TaskSpec, commit: CommitBatch): readonly Fault[]
  /** The same of a task that is to be opened. */
  opening(process: SimulatedProcess, spec: TaskSpec): readonly Fault[]
  /** The faults of a process's hearing that tasks of its go to others. */
  losing(process: SimulatedProcess, tasks: readonly string[]): readonly Fault[]
  /** A commit took effect. */
  wrote(spec: TaskSpec, appended: readonly Appended[]): void
  /** Where processes share the tasks: its part in that; null: the log says who runs. */
  joined(process: SimulatedProcess, options: JoinOptions): Membership | null
  crash(process: SimulatedProcess, why: string): void
  /** Every process crashes at once, and so does what is under the log. */
  losePower(): void
  /** The disk under the log gets into trouble. */
  trouble(fault: DiskFault): void
  /** A commit may write from the ends on, as they are now. @returns takes that back */
  mayWrite(spec: TaskSpec, commit: CommitBatch): () => void
  note(process: SimulatedProcess, text: string): void
  /** No record of the partition comes now, though there may be some. */
  isStalled(place: TopicPartition): boolean
  /** Blocks of one input that are at hand until time goes on. */
  readonly blocksAtOnce: number
}

export function simulatedLog(log: Log, process: SimulatedProcess, meeting: Meeting): Log {
  const call = process.call.bind(process)
  return {
    kind: 'memory',
    place: 'simulation',
    createTopic: (...args) => call(() => log.createTopic(...args)),
    describeTopic: (name) => call(() => log.describeTopic(name)),
    listTopics: () => call(() => log.listTopics()),
    deleteTopic: (name) => call(() => log.deleteTopic(name)),
    alterTopic: (...args) => call(() => log.alterTopic(...args)),
    append: (...args) => call(() => log.append(...args)),
    trim: (offsets) => call(() => log.trim(offsets)),
    openReader: (...args) => call(() => log.openReader(...args)),
    offsetAtTime: (...args) => call(() => log.offsetAtTime(...args)),
    groups: () => call(() => log.groups()),
    commitGroup: (...args) => call(() => log.commitGroup(...args)),
    deleteGroup: (group) => call(() => log.deleteGroup(group)),
    join: (options) =>
      call(async () => {
        const member = meeting.joined(process, options) ?? (await log.join(options))
        return memberOf(member, process, meeting)
      }),
    open: async (spec) => {
      await process.turn()
      const faults = meeting.opening(process, spec)
      const session = await log.open(spec)
      if (faults.some((fault) => fault.kind === 'crash' && fault.when === 'opening'))
        meeting.crash(process, `${spec.task} was opened`)
      await process.turn()
      return new SimulatedSession({ session, process, meeting, faults })
    },
    close: () => call(() => log.close()),
  }
}

/** Hears of changes when the process runs. */
function memberOf(member: Membership, process: SimulatedProcess, meeting: Meeting): Membership {
  return {
    rejoins: member.rejoins ?? false,
    get owned() {
      return member.owned
    },
    onChange: (tell) => {
      member.onChange(async (change) => {
        await process.turn()
        const { lost } = change
        for (const fault of lost.length > 0 ? meeting.losing(process, lost) : []) {
          if (fault.kind === 'crash') meeting.crash(process, `it is to give up ${lost.join(' ')}`)
          if (fault.kind === 'hand-over' && fault.change === 'is slow')
            await new Promise<void>((resolve) => void process.clock.after(fault.ms, resolve))
        }
        await process.turn()
        await tell(change)
      })
    },
    confirm: (task) => process.call(() => member.confirm(task)),
    leave: () => process.call(() => member.leave()),
  }
}

interface SessionParts {
  readonly session: Session
  readonly process: SimulatedProcess
  readonly meeting: Meeting
  /** Those of its opening. */
  readonly faults: readonly Fault[]
}

class SimulatedSession implements Session {
  readonly #session: Session
  readonly #process: SimulatedProcess
  readonly #meeting: Meeting
  readonly #faults: readonly Fault[]
  /** Of each input: next offset, and blocks given at `#givenAtMs`. */
  readonly #positions: number[]
  readonly #given: number[]
  #givenAtMs = -1

  constructor({ session, process, meeting, faults }: SessionParts) {
    this.#session = session
    this.#process = process
    this.#meeting = meeting
    this.#faults = faults
    this.#positions = [...session.offsets]
    this.#given = session.offsets.map(() => 0)
  }

  get spec(): TaskSpec {
    return this.#session.spec
  }

  get epoch(): number {
    return this.#session.epoch
  }

  get offsets(): readonly number[] {
    return this.#session.offsets
  }

  get skipped(): readonly number[] {
    return this.#session.skipped
  }

  get restoredShare(): number {
    return this.#session.restoredShare
  }

  async *restore(): AsyncIterable<Uint8Array> {
    const crash = this.#faults.find((one) => one.kind === 'crash' && one.when === 'restoring')
    const { task } = this.spec
    let read = 0
    for await (const blob of this.#session.restore()) {
      const isHere = crash?.kind === 'crash' && crash.when === 'restoring' && crash.blobs <= read
      if (isHere) this.#meeting.crash(this.#process, `${read} blobs of ${task} were restored`)
      await this.#process.turn()
      yield blob
      read += 1
    }
    await this.#process.turn()
  }

  poll(input: number): RecordBatch | null {
    if (!this.#process.isActive || !this.#mayGive(input)) return null
    const batch = this.#session.poll(input)
    if (batch === null) return null
    this.#given[input] = (this.#given[input] ?? 0) + 1
    this.#positions[input] = batch.nextOffset
    return batch
  }

  #mayGive(input: number): boolean {
    const nowMs = this.#process.clock.monotonic()
    if (nowMs !== this.#givenAtMs) {
      this.#givenAtMs = nowMs
      this.#given.fill(0)
    }
    const place = this.spec.inputs[input]
    if (place !== undefined && this.#meeting.isStalled(place)) return false
    return (this.#given[input] ?? 0) < this.#meeting.blocksAtOnce
  }

  /**
   * There are records that come when time goes on, or when the process does: those of other inputs
   * wait for them.
   */
  behind(input: number): boolean {
    if (this.#session.behind?.(input) === true) return true
    return this.#isHeld(input)
  }

  #isHeld(input: number): boolean {
    return this.#isLeft(input) && !(this.#process.isActive && this.#mayGive(input))
  }

  #isLeft(input: number): boolean {
    return this.#session.endOffset(input) > (this.#positions[input] ?? 0)
  }

  async wait(timeoutMs: number): Promise<'ready' | 'timeout' | 'closed'> {
    const isHeld = this.#positions.some((_, input) => this.#isHeld(input))
    // Without it: ready at once, again and again, with nothing that `poll` would give.
    if (isHeld && timeoutMs > 0) {
      await new Promise<void>((resolve) => void this.#process.clock.after(1, resolve))
    }
    const result = await this.#session.wait(timeoutMs)
    await this.#process.turn()
    return result
  }

  wake(): void {
    if (!this.#process.isDead) this.#session.wake()
  }

  endOffset(input: number): number {
    return this.#session.endOffset(input)
  }

  async commit(commit: CommitBatch): Promise<CommitReceipt> {
    await this.#process.turn()
    const faults = this.#meeting.commit(this.#process, this.spec, commit)
    const { clock } = this.#process
    for (const fault of faults) {
      if (fault.kind === 'crash' && fault.when === 'before-commit')
        this.#meeting.crash(this.#process, 'before it')
      if (fault.kind === 'crash' && fault.when === 'power') this.#meeting.losePower()
      if (fault.kind === 'pause') this.#process.pause(fault.ms)
    }
    await this.#process.turn()
    for (const fault of faults) {
      if (fault.kind === 'commit-fails') throw failed('log-failed', 'it was refused on purpose')
      if (fault.kind === 'answer-lost' && !fault.isApplied)
        throw failed('commit-unknown', 'it was lost on its way')
    }
    const late = faults.find((fault) => fault.kind === 'slow-commit')
    if (late?.kind === 'slow-commit' && late.applies === 'after-delay')
      await new Promise<void>((resolve) => void clock.after(late.delayMs, resolve))
    const receipt = await this.#applyOn(commit, faults.find(isOfDisk))
    if (late?.kind === 'slow-commit' && late.applies === 'at-once')
      await new Promise<void>((resolve) => void clock.after(late.delayMs, resolve))
    for (const fault of faults) {
      if (fault.kind === 'crash' && fault.when === 'after-commit')
        this.#meeting.crash(this.#process, 'after it took effect, before its answer')
    }
    await this.#process.turn()
    if (faults.some((fault) => fault.kind === 'answer-lost'))
      throw failed('commit-unknown', 'its answer was lost')
    return receipt
  }

  /** The trouble comes with the write, whatever there is before it. */
  async #applyOn(commit: CommitBatch, fault: DiskFault | undefined): Promise<CommitReceipt> {
    if (fault === undefined) return await this.#apply(commit)
    this.#meeting.trouble(fault)
    const takeBack = this.#meeting.mayWrite(this.spec, commit)
    const applying = this.#apply(commit, takeBack)
    if (fault.does === 'power-loss') this.#meeting.losePower()
    return await applying
  }

  /** @param refused told where nothing was written for sure, also when the process is dead */
  async #apply(commit: CommitBatch, refused?: () => void): Promise<CommitReceipt> {
    try {
      const receipt = await this.#session.commit(commit)
      this.#meeting.wrote(this.spec, receipt.appended)
      return receipt
    } catch (thrown) {
      const code = thrown instanceof MillraceError ? thrown.code : String(thrown)
      if (code !== 'commit-unknown') refused?.()
      this.#meeting.note(this.#process, `commit of ${this.spec.task} was refused: ${code}`)
      await this.#process.turn()
      throw thrown
    }
  }

  async close(): Promise<void> {
    await this.#process.call(() => this.#session.close())
  }
}

function isOfDisk(fault: Fault): fault is DiskFault {
  return fault.kind === 'disk'
}

function failed(code: 'log-failed' | 'commit-unknown', why: string): MillraceError {
  return new MillraceError(code, `the commit failed: ${why}`, {
    outcome: code === 'commit-unknown' ? 'unknown' : 'not-applied',
  })
}
