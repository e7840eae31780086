/** Whether this process is a member now, as whom, and for how long yet; for both protocols. */
import type { Clock } from '../../../core/clock.ts'
import type { MemberIdentity } from '../contracts.ts'
import type { NotifyGroup } from './group-event.ts'
import type { HeldTasks } from './held-tasks.ts'
import { Pulse } from './pulse.ts'

export interface StandingOptions {
  readonly clock: Clock
  readonly group: string
  readonly heartbeatMs: number
  readonly sessionTimeoutMs: number
  readonly held: HeldTasks
  /** As in `PulseOptions`. */
  readonly beat: () => Promise<void>
  /** The session is over by our clock; all tasks have been dropped. */
  readonly expired: () => void
  readonly notify: NotifyGroup
}

/** Between two heartbeats while one is waited for. */
const askEveryMs = 100

export class Standing {
  readonly pulse: Pulse
  readonly #options: StandingOptions
  #identity: MemberIdentity | null = null
  #isRebalancing = true
  #changed = Promise.withResolvers<void>()
  /** Counts what the coordinator has accepted. */
  #proofs = 0

  constructor(options: StandingOptions) {
    this.#options = options
    this.pulse = new Pulse({
      clock: options.clock,
      everyMs: options.heartbeatMs,
      sessionTimeoutMs: options.sessionTimeoutMs,
      beat: options.beat,
      expired: (text) => {
        this.lose(text)
        options.expired()
      },
      notify: options.notify,
    })
  }

  /** As last given by the coordinator, and not known to be lost. The same object while it holds. */
  get identity(): MemberIdentity | null {
    return this.#identity
  }

  /** null, too, once the session must have expired. */
  now(): MemberIdentity | null {
    return this.pulse.isExpired ? null : this.#identity
  }

  take(identity: MemberIdentity): void {
    this.#identity = identity
    this.change()
  }

  prove(sentMs: number): void {
    this.#proofs++
    this.pulse.prove(sentMs)
  }

  set isRebalancing(is: boolean) {
    this.#isRebalancing = is
    this.change()
  }

  get isRebalancing(): boolean {
    return this.#isRebalancing
  }

  /** Membership is lost, and all tasks with it, at once. */
  lose(text: string): void {
    const { held, group, notify } = this.#options
    if (this.#identity === null) return
    this.#identity = null
    this.pulse.forget()
    notify({ kind: 'fenced', text: `membership of group '${group}' was lost: ${text}` })
    held.dropAll()
    this.change()
  }

  /** For good. */
  end(): void {
    this.#identity = null
    this.pulse.stop()
    this.change()
  }

  change(): void {
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers()
    resolve()
  }

  /** As in `Member`. */
  async verify(isWanted: () => boolean): Promise<boolean> {
    const { clock, sessionTimeoutMs } = this.#options
    const untilMs = clock.monotonic() + sessionTimeoutMs
    const before = this.#proofs
    const isSettled = (): boolean => !this.#isRebalancing && this.now() !== null
    while (isWanted() && clock.monotonic() < untilMs) {
      const wait = this.#changed.promise
      if (isSettled()) {
        await this.#within(untilMs - clock.monotonic(), this.pulse.beatNow())
        if (isSettled() && this.#proofs > before) return isWanted()
        if (isSettled()) await this.#within(askEveryMs, wait)
      } else {
        await this.#within(untilMs - clock.monotonic(), wait)
      }
    }
    return false
  }

  #within(ms: number, promise: Promise<void>): Promise<void> {
    return within(this.#options.clock, ms, promise)
  }
}

/** Resolves with `promise`, or after `ms` at the latest. */
export async function within(clock: Clock, ms: number, promise: Promise<void>): Promise<void> {
  let cancel = (): void => {}
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(Math.max(0, ms), resolve)
  })
  await Promise.race([promise, late])
  cancel()
}
