/**
 * A session of a faulty log: passes calls on, makes commits fail, and checks what its task owes.
 */
import type { Clock } from '../core/clock.ts'
import { isCode } from '../core/error.ts'
import type { RecordBatch } from './batch.ts'
import { type Fault, meet } from './faulty-write.ts'
import type { CommitBatch, CommitReceipt, Session, TaskSpec } from './log.ts'

/** Throws and notes the text where the condition does not hold. */
export type Duty = (isMet: boolean, text: () => string) => void

interface FaultySessionOptions {
  readonly session: Session
  readonly duty: Duty
  readonly clock: Clock
  /** Opens the task elsewhere, so that the session is fenced. */
  readonly steal: () => Promise<void>
  readonly next: () => Fault | null
}

export class FaultySession implements Session {
  readonly #options: FaultySessionOptions
  readonly #session: Session
  /** Next offset that a poll may give, for each input. */
  readonly #polled: number[]
  readonly #committed: number[]
  #state: 'open' | 'lost' | 'closed' = 'open'
  #isRestored = false
  #hasCommitted = false
  #isWaiting = false
  #inFlight: Promise<CommitReceipt> | null = null

  constructor(options: FaultySessionOptions) {
    this.#options = options
    this.#session = options.session
    this.#polled = [...options.session.offsets]
    this.#committed = [...options.session.offsets]
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

  restore(): AsyncIterable<Uint8Array> {
    this.#owe(this.#state !== 'closed', () => 'restore after close')
    this.#owe(!this.#isRestored, () => 'restore was called twice')
    this.#owe(!this.#hasCommitted, () => 'restore after a commit')
    this.#isRestored = true
    return this.#session.restore()
  }

  poll(input: number): RecordBatch | null {
    this.#owe(this.#state !== 'closed', () => 'poll after close')
    const inputCount = this.spec.inputs.length
    const isInput = Number.isInteger(input) && input >= 0 && input < inputCount
    this.#owe(isInput, () => `poll of input ${input} of ${inputCount}`)
    const batch = this.#session.poll(input)
    if (batch === null) return null
    const wished = this.#polled[input] ?? 0
    const isFollowing = batch.offset(batch.first) >= wished
    this.#owe(isFollowing, () => `the log gave ${batch.offset(batch.first)} below ${wished}`)
    this.#polled[input] = batch.nextOffset
    return batch
  }

  async wait(timeoutMs: number): Promise<'ready' | 'timeout' | 'closed'> {
    this.#owe(this.#state !== 'closed', () => 'wait after close')
    this.#owe(!this.#isWaiting, () => 'wait while another wait is pending')
    this.#owe(timeoutMs >= 0, () => `wait of ${timeoutMs} ms`)
    this.#isWaiting = true
    try {
      return await this.#session.wait(timeoutMs)
    } finally {
      this.#isWaiting = false
    }
  }

  wake(): void {
    this.#session.wake()
  }

  behind(input: number): boolean {
    return this.#session.behind(input)
  }

  endOffset(input: number): number {
    return this.#session.endOffset(input)
  }

  async commit(commit: CommitBatch): Promise<CommitReceipt> {
    this.#owe(this.#state !== 'closed', () => 'commit after close')
    this.#owe(this.#state !== 'lost', () => 'commit after the task was lost or in doubt')
    this.#owe(this.#inFlight === null, () => 'commit while another commit is in flight')
    this.#checkOffsets(commit.offsets)
    this.#hasCommitted = true
    try {
      this.#inFlight = this.#commitWithFault(commit)
      const receipt = await this.#inFlight
      for (const [i, offset] of commit.offsets.entries()) {
        if (offset !== -1) this.#committed[i] = offset
      }
      return receipt
    } catch (error) {
      const isLost = isCode(error, 'task-fenced') || isCode(error, 'commit-unknown')
      if (isLost && this.#state === 'open') this.#state = 'lost'
      throw error
    } finally {
      this.#inFlight = null
    }
  }

  async #commitWithFault(commit: CommitBatch): Promise<CommitReceipt> {
    const { clock, next, steal } = this.#options
    const fault = next()
    if (fault?.kind === 'fenced') await steal()
    return await meet({ fault, clock, write: () => this.#session.commit(commit) })
  }

  #checkOffsets(offsets: readonly number[]): void {
    const inputCount = this.spec.inputs.length
    this.#owe(offsets.length === inputCount, () => `${offsets.length} of ${inputCount} offsets`)
    for (const [i, offset] of offsets.entries()) {
      if (offset === -1) continue
      const [from, to] = [this.#committed[i] ?? 0, this.#polled[i] ?? 0]
      this.#owe(Number.isInteger(offset), () => `offset ${offset} of input ${i}`)
      this.#owe(offset >= from, () => `offset of input ${i} goes back from ${from} to ${offset}`)
      this.#owe(offset <= to, () => `offset ${offset} of input ${i}, read up to ${to} only`)
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    await this.#inFlight?.catch(() => undefined) // its caller has the error
    await this.#session.close()
  }

  #owe(isMet: boolean, text: () => string): void {
    const { pipeline, task } = this.spec
    this.#options.duty(isMet, () => `${pipeline}/${task}: ${text()}`)
  }
}
