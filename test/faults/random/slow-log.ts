/**
 * A log that gives its records a block at a time, so that a small input keeps a process busy for
 * long, and that tells of each step. What is held back is `behind`: others wait for it, as if it
 * were on its way.
 */
import { systemClock } from '../../../src/core/clock.ts'
import type { RecordBatch } from '../../../src/log/batch.ts'
import type { CommitBatch, CommitReceipt, Log, Session, TaskSpec } from '../../../src/log/log.ts'
import type { Step } from './death.ts'

/**
 * A planted fault, which kill rounds must find: a commit in two steps, so that a death between them
 * loses or doubles what it wrote.
 */
export type SplitCommit = 'offsets-first' | 'outputs-first'

export interface SlowOptions {
  /** Told of each step; may never come back. */
  readonly meet: (step: Step) => void
  readonly split: SplitCommit | null
}

/** How long a block of each input keeps the next one back. */
const paceMs = 3

export function slowLog(log: Log, options: SlowOptions): Log {
  return {
    kind: log.kind,
    place: log.place,
    createTopic: (...args) => log.createTopic(...args),
    describeTopic: (name) => log.describeTopic(name),
    listTopics: () => log.listTopics(),
    deleteTopic: (name) => log.deleteTopic(name),
    alterTopic: (...args) => log.alterTopic(...args),
    append: (...args) => log.append(...args),
    trim: (offsets) => log.trim(offsets),
    openReader: (...args) => log.openReader(...args),
    offsetAtTime: (...args) => log.offsetAtTime(...args),
    groups: () => log.groups(),
    commitGroup: (...args) => log.commitGroup(...args),
    deleteGroup: (group) => log.deleteGroup(group),
    join: (given) => log.join(given),
    open: async (spec) => {
      const opening = log.open(spec)
      options.meet('opening')
      return new SlowSession(await opening, options)
    },
    close: () => log.close(),
  }
}

class SlowSession implements Session {
  readonly #session: Session
  readonly #options: SlowOptions
  readonly #positions: number[]
  /** When the last block of each input was given, ms. */
  readonly #givenMs: number[]

  constructor(session: Session, options: SlowOptions) {
    this.#session = session
    this.#options = options
    this.#positions = [...session.offsets]
    this.#givenMs = session.offsets.map(() => Number.NEGATIVE_INFINITY)
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
    for await (const blob of this.#session.restore()) {
      this.#options.meet('restoring')
      yield blob
    }
  }

  poll(input: number): RecordBatch | null {
    const nowMs = systemClock.monotonic()
    if (nowMs - (this.#givenMs[input] ?? 0) < paceMs) return null
    const batch = this.#session.poll(input)
    if (batch === null) return null
    this.#givenMs[input] = nowMs
    this.#positions[input] = batch.nextOffset
    return batch
  }

  behind(input: number): boolean {
    return this.#session.endOffset(input) > (this.#positions[input] ?? 0)
  }

  async wait(timeoutMs: number): Promise<'ready' | 'timeout' | 'closed'> {
    const isHeld = this.#positions.some((_, input) => this.behind(input))
    // Without it: ready at once, again and again, with nothing that `poll` would give.
    if (isHeld && timeoutMs > 0) {
      await new Promise<void>((resolve) => void systemClock.after(1, resolve))
    }
    return await this.#session.wait(timeoutMs)
  }

  wake(): void {
    this.#session.wake()
  }

  endOffset(input: number): number {
    return this.#session.endOffset(input)
  }

  async commit(commit: CommitBatch): Promise<CommitReceipt> {
    const { meet } = this.#options
    meet('before-commit')
    const committing = this.#commit(commit)
    meet('in-commit')
    const receipt = await committing
    meet('after-commit')
    return receipt
  }

  async #commit(commit: CommitBatch): Promise<CommitReceipt> {
    const { split, meet } = this.#options
    if (split === null) return await this.#session.commit(commit)
    const stay = commit.offsets.map(() => -1)
    const outputs: CommitBatch = { ...commit, offsets: stay, changelog: null }
    const rest: CommitBatch = { ...commit, appends: [] }
    if (split === 'outputs-first') {
      const receipt = await this.#session.commit(outputs)
      meet('in-commit')
      await this.#session.commit(rest)
      return receipt
    }
    await this.#session.commit(rest)
    meet('in-commit')
    return await this.#session.commit(outputs)
  }

  async close(): Promise<void> {
    await this.#session.close()
  }
}
