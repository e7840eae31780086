/**
 * A membership from joining to its end, for both protocols: what an error of the coordinator means
 * for it, what is lost when it is lost, and how it ends.
 */
import { isCode, messageOf, MillraceError } from '../../../core/error.ts'
import type { HeldTasks } from './held-tasks.ts'
import type { MemberOptions } from './member-options.ts'
import { Standing, within } from './standing.ts'
import { type GroupRequest, refusalOf, verdictOf } from './verdicts.ts'

/** What comes next: nothing, the same at once, or after a pause. */
export type Step = 'done' | 'again' | 'pause'

export interface LifeOptions {
  readonly member: MemberOptions
  readonly held: HeldTasks
  /** As in `PulseOptions`. */
  readonly beat: () => Promise<void>
  /** Membership is to be had anew; `isUnknown`: under a new id. */
  readonly lost: (isUnknown: boolean) => void
  /** Error 82: whether it may be this process's own doing. */
  readonly isOwnDoing: () => boolean
  /** Tells the coordinator that the member goes. Never rejects. */
  readonly farewell: (reason: string) => Promise<void>
  /** It is over: nothing more is asked. */
  readonly over: () => void
}

/** A coordinator takes a while to appear in a cluster that has just been made. */
const firstJoinMs = 30_000
export const pauseMsMin = 50
const pauseMsMax = 1_000

export class Life {
  readonly standing: Standing
  readonly #options: LifeOptions
  readonly #first = Promise.withResolvers<void>()
  readonly #sinceMs: number
  #isJoined = false
  #over: 'left' | MillraceError | null = null
  #leaving: Promise<void> | null = null
  #farewell: Promise<void> | null = null
  /** Said once until it changes. */
  #waitingText = ''

  constructor(options: LifeOptions) {
    const { member, held, beat } = options
    this.#options = options
    this.#sinceMs = member.clock.monotonic()
    this.#first.promise.catch(() => {}) // it is given to whoever asks for `joined`
    const expired = (): void => options.lost(false)
    this.standing = new Standing({ ...member, held, beat, expired })
  }

  get joined(): Promise<void> {
    return this.#first.promise
  }

  get isJoined(): boolean {
    return this.#isJoined
  }

  get isOver(): boolean {
    return this.#over !== null
  }

  /** An assignment has come. The first is not told. */
  begin(gained: readonly string[]): void {
    const { held } = this.#options
    if (this.#isJoined) held.gain(gained)
    else held.start(gained)
    this.#isJoined = true
    this.#waitingText = ''
    this.#first.resolve()
  }

  state(): string {
    if (this.#over === 'left') return 'left'
    if (this.#over !== null) return `ended: ${this.#over.message}`
    if (this.standing.isRebalancing) return 'joining'
    return this.standing.now() === null ? 'lost' : 'stable'
  }

  /** Does what a code of the coordinator demands. @param message what the broker says to it */
  judge(request: GroupRequest, code: number, message: string | null = null): Step {
    const { member, lost, isOwnDoing } = this.#options
    const verdict = verdictOf(request, code)
    switch (verdict) {
      case 'ok':
        return 'done'
      case 'take-id':
      case 'rejoin':
        return 'again'
      case 'unknown':
        this.standing.lose('the coordinator does not know this member any more')
        lost(true)
        return 'again'
      case 'lost':
        this.standing.lose('the group has gone on without this member')
        lost(false)
        return 'again'
      case 'fenced':
        if (!isOwnDoing()) return this.end(refusalOf(code, { ...member, message }), null)
        this.standing.lose('a delayed request of this process took its place')
        lost(true)
        return 'again'
      case 'find-coordinator':
        member.cluster.forget({ group: member.group })
        return 'pause'
      case 'later':
        return 'pause'
      case 'refused':
        return this.end(refusalOf(code, { ...member, message }), 'it cannot take part')
      case null:
        this.waiting(refusalOf(code, { ...member, message }))
        return 'pause'
    }
  }

  /** A request was not answered. */
  failed(thrown: unknown): Step {
    const { cluster, group } = this.#options.member
    const isAway = isCode(thrown, 'log-unreachable') || isCode(thrown, 'log-failed')
    if (isAway && (this.#isJoined || !this.isLate)) {
      cluster.forget({ group })
      this.waiting(thrown)
      return 'pause'
    }
    if (thrown instanceof MillraceError) return this.end(thrown, null)
    const text = `cannot be a member of group '${group}': ${messageOf(thrown)}`
    return this.end(new MillraceError('log-failed', text, { cause: thrown }), null)
  }

  /** The first assignment has been waited for long enough. */
  get isLate(): boolean {
    return this.ageMs >= firstJoinMs
  }

  /** Since it began to join. */
  get ageMs(): number {
    return this.#options.member.clock.monotonic() - this.#sinceMs
  }

  /** Tells why it takes long. */
  waiting(error: unknown): void {
    const text = messageOf(error)
    if (text === this.#waitingText) return
    this.#waitingText = text
    this.#options.member.notify({ kind: 'waiting', text, error })
  }

  /** @param failures in a row */
  pause(failures: number): Promise<void> {
    const ms = Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(10, Math.max(0, failures - 1)))
    return within(this.#options.member.clock, ms, new Promise(() => {}))
  }

  /** Lost for good. @param reason for the coordinator; null: it need not know */
  end(error: MillraceError, reason: string | null): Step {
    if (this.#over !== null) return 'done'
    const { member, held, farewell, over } = this.#options
    this.#over = error
    this.standing.end()
    this.#first.reject(error)
    if (this.#isJoined) {
      member.notify({ kind: 'fenced', text: error.message, error, isFinal: true })
      held.dropAll()
    }
    over()
    if (reason !== null) this.#farewell = farewell(reason)
    return 'done'
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async #leave(): Promise<void> {
    const { member, held, farewell, over } = this.#options
    const wasOver = this.isOver
    this.#over ??= 'left'
    held.close()
    this.standing.end()
    this.#first.reject(new MillraceError('log-closed', `group '${member.group}' was left`))
    over()
    await (wasOver ? this.#farewell : farewell('the process ends'))
  }
}
