/**
 * A member under the classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup. The leader of
 * the group shares the tasks out (lead.ts). Cooperative: a member goes on with what it holds while
 * the group forms anew; what it must give up it closes first, then it joins once more.
 *
 * One loop joins, whenever there is a reason to; heartbeats run beside it all the time. While
 * JoinGroup waits they are answered with 27, which is as good a sign of life.
 */
import { isCode, MillraceError } from '../../../core/error.ts'
import type { MemberIdentity } from '../contracts.ts'
import { errorCode } from '../wire/error-codes.ts'
import { heartbeat } from '../wire/requests/heartbeat.ts'
import { joinGroup, type JoinGroupAnswer } from '../wire/requests/join-group.ts'
import { syncGroup } from '../wire/requests/sync-group.ts'
import { sayFarewell } from './farewell.ts'
import { sessionLimits } from './group-settings.ts'
import type { HeldTasks } from './held-tasks.ts'
import { Leader } from './leader.ts'
import { Life, type Step } from './life.ts'
import type { Member, MemberOptions } from './member-options.ts'
import { planShape, type PlanShape } from './plan-shape.ts'
import { Retake } from './retake.ts'
import {
  type Assignment,
  decodeAssignment,
  encodeSubscription,
  type Encoding,
  encodingOf,
  protocolName,
  protocolType,
} from './subscription.ts'
import { verdictOf } from './verdicts.ts'
import { WaitingRequest } from './waiting-request.ts'

/** JoinGroup may be held for the rebalance time-out; above it the answer is lost. */
const joinMarginMs = 5_000
/** A heartbeat only to hear whether the coordinator answers. */
const nobody: MemberIdentity = { generation: -1, memberId: '', instanceId: null }

export class ClassicMember implements Member {
  readonly #options: MemberOptions
  readonly #held: HeldTasks
  readonly #life: Life
  readonly #plan: PlanShape
  readonly #encoding: Encoding
  readonly #leader: Leader
  readonly #waiting: WaitingRequest
  /** '': none yet, or not known any more. */
  #memberId = ''
  /** Of the last assignment. */
  #generation = -1
  #standbys: readonly string[] = []
  #round = 0
  #wantsJoin = true
  #wake = Promise.withResolvers<void>()
  readonly #retake: Retake

  constructor(options: MemberOptions, held: HeldTasks) {
    this.#options = options
    this.#held = held
    this.#plan = planShape(options.infos)
    this.#encoding = encodingOf(options.infos)
    this.#leader = new Leader(options, this.#plan, this.#encoding)
    this.#waiting = new WaitingRequest(options.rebalanceTimeoutMs + joinMarginMs)
    this.#retake = new Retake(options)
    this.#life = new Life({
      member: options,
      held,
      beat: () => this.#beat(),
      lost: (isUnknown) => {
        if (isUnknown) this.#memberId = ''
        this.#wantJoin()
      },
      isOwnDoing: () => this.#retake.try(),
      farewell: (reason) => sayFarewell(options, this.#memberId, reason),
      over: () => this.#wake.resolve(),
    })
    this.#life.standing.pulse.start()
    void this.#run()
  }

  get joined(): Promise<void> {
    return this.#life.joined
  }

  get rejoins(): boolean {
    return !this.#life.isOver
  }

  get standbys(): readonly string[] {
    return this.#standbys
  }

  identity(): MemberIdentity | null {
    return this.#life.standing.now()
  }

  verify(isWanted: () => boolean): Promise<boolean> {
    return this.#life.standing.verify(isWanted)
  }

  leave(): Promise<void> {
    return this.#life.leave()
  }

  describe(): string {
    const { group, instanceId } = this.#options
    const who = this.#memberId === '' ? 'no member id' : `member ${this.#memberId}`
    const instance = instanceId === null ? '' : ` (instance ${instanceId})`
    const state = `generation ${this.#generation}, ${this.#life.state()}`
    return `${who}${instance} of group '${group}', ${state}`
  }

  #wantJoin(): void {
    if (this.#life.isOver) return
    this.#wantsJoin = true
    this.#life.standing.isRebalancing = true
    this.#wake.resolve()
  }

  /** Joins whenever there is a reason to. Never rejects. */
  async #run(): Promise<void> {
    const { standing } = this.#life
    let failures = 0
    while (!this.#life.isOver) {
      if (!this.#wantsJoin) {
        await this.#wake.promise
        this.#wake = Promise.withResolvers()
        continue
      }
      this.#wantsJoin = false
      standing.isRebalancing = true
      const step = await this.#joinOnce()
      if (step !== 'done') this.#wantsJoin = true
      standing.isRebalancing = this.#wantsJoin
      failures = step === 'done' ? 0 : failures + 1
      // A first refusal is part of joining (the member id, a rebalance that goes on).
      if (step === 'pause' || failures > 3) await this.#life.pause(failures)
    }
  }

  async #joinOnce(): Promise<Step> {
    try {
      if (this.#life.standing.pulse.isExpired) this.#life.standing.lose('its session is over')
      const memberId = this.#memberId
      const answer = await this.#sendJoin()
      if (answer === null) return 'again'
      // Given up meanwhile, by a heartbeat's answer: it has been judged.
      if (answer.code !== 0 && this.#memberId !== memberId) return 'again'
      if (this.#life.isOver) {
        // Left, or refused, while the request waited: the coordinator has to know.
        if (answer.code === 0) this.#memberId = answer.memberId
        await sayFarewell(this.#options, this.#memberId, 'it had left before')
        return 'done'
      }
      if (verdictOf('join', answer.code) === 'take-id') {
        this.#memberId = answer.memberId
        return 'again'
      }
      const message =
        answer.code === errorCode.invalidSessionTimeout
          ? await sessionLimits(this.#options.cluster)
          : null
      const step = this.#life.judge('join', answer.code, message)
      return step === 'done' && !this.#life.isOver ? await this.#sync(answer) : step
    } catch (thrown) {
      return this.#life.failed(thrown)
    }
  }

  #sendJoin(): Promise<JoinGroupAnswer | null> {
    const { cluster, group, instanceId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const subscription = {
      plan: this.#plan,
      owned: this.#held.owned,
      leaving: this.#held.leaving,
      warm: this.#options.warm(),
      standbys: this.#standbys,
      generation: this.#life.standing.identity === null ? -1 : this.#generation,
      round: this.#round,
    }
    const metadata = encodeSubscription(subscription, this.#encoding)
    const isNew = this.#memberId === ''
    const request = {
      group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      instanceId,
      protocolType,
      protocols: [{ name: protocolName, metadata }],
      reason: isNew ? 'a process starts' : 'tasks change hands, or the group forms anew',
    }
    if (isNew) this.#retake.entering()
    return this.#waiting.wait((options) => cluster.send({ group }, joinGroup, request, options))
  }

  async #sync(joined: JoinGroupAnswer): Promise<Step> {
    const { cluster, clock, group, instanceId } = this.#options
    const identity = { generation: joined.generation, memberId: joined.memberId, instanceId }
    this.#memberId = joined.memberId
    this.#life.standing.take(identity)
    const sentMs = clock.monotonic()
    const request = {
      group,
      ...identity,
      protocolType,
      protocolName,
      assignments: this.#leader.assignments(joined),
    }
    const answer = await this.#waiting.wait((options) =>
      cluster.send({ group }, syncGroup, request, options),
    )
    if (answer === null) return 'again'
    // Lost, or left, while the request was under way: its answer means nothing any more.
    if (this.#life.standing.identity !== identity) return !this.#life.isOver ? 'again' : 'done'
    const step = this.#life.judge('sync', answer.code)
    if (step !== 'done' || this.#life.isOver) return step
    this.#retake.entered()
    this.#life.standing.prove(sentMs)
    this.#take(decodeAssignment(answer.assignment), identity)
    return 'done'
  }

  #take(assignment: Assignment | null, identity: MemberIdentity): void {
    if (assignment !== null && assignment.refused !== null) {
      this.#life.end(this.#refused(assignment.refused), 'it has other tasks')
      return
    }
    if (assignment === null || assignment.plan !== this.#plan.hash) {
      // Made for a process of another version that had our instance id: the leader looks again.
      this.#round++
      this.#wantsJoin = true
      return
    }
    const held = this.#held
    this.#generation = identity.generation
    const gained = assignment.tasks.filter((task) => !held.holds(task))
    const lost = held.owned.filter((task) => !assignment.tasks.includes(task))
    this.#setStandbys(assignment.standbys)
    if (lost.length > 0) void held.release(lost).then(() => this.#wantJoin())
    else if (!this.#wantsJoin && assignment.revoke.some((task) => !held.holds(task))) {
      // Lost with an earlier membership, or process: free, which the leader does not know.
      this.#round++
      this.#wantsJoin = true
    }
    this.#life.begin(gained)
    void this.#life.standing.pulse.beatNow()
  }

  #refused(difference: string): MillraceError {
    const { group } = this.#options
    const text = `this process has other tasks than the members of group '${group}' at work`
    return new MillraceError('invalid-plan', `${text}: ${difference}`, {
      at: { pipeline: group },
      hint: 'stop the processes of the other version first, or give the pipeline another name',
    })
  }

  #setStandbys(standbys: readonly string[]): void {
    const isSame =
      standbys.length === this.#standbys.length && standbys.every((t, i) => t === this.#standbys[i])
    this.#standbys = standbys
    if (!isSame) this.#options.onStandbys(standbys)
  }

  async #beat(): Promise<void> {
    const { cluster, clock, group, sessionTimeoutMs } = this.#options
    const identity = this.#life.standing.identity
    if (identity === null && !this.#waiting.isWaiting) return
    const sentMs = clock.monotonic()
    try {
      const request = { group, ...(identity ?? nobody) }
      const options = { purpose: 'heartbeat', timeoutMs: sessionTimeoutMs / 2 } as const
      const { code } = await cluster.send({ group }, heartbeat, request, options)
      const verdict = verdictOf('heartbeat', code)
      if (verdict === 'find-coordinator') this.#waiting.doubt()
      else this.#waiting.heard()
      // Said of what we were when it was sent.
      if (identity === null || this.#life.standing.identity !== identity) return
      if (verdict === 'ok' || verdict === 'rejoin') this.#life.standing.prove(sentMs)
      // A new generation may have begun, of which our JoinGroup is about to be told.
      const isJoining = this.#life.standing.isRebalancing
      if (isJoining && (verdict === 'rejoin' || verdict === 'lost')) return
      if (this.#life.judge('heartbeat', code) === 'again') this.#wantJoin()
    } catch (thrown) {
      // No answer: it is tried again at the next beat, until the session is over.
      if (isCode(thrown, 'not-authorised')) this.#life.end(thrown, null)
      cluster.forget({ group })
      this.#waiting.doubt()
    }
  }
}
