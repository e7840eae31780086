/**
 * A process of a group for tests: its own clock, which stands still while it is paused, its own
 * connection to the model coordinator, which can fail, and a worker that takes its time to close
 * tasks.
 */
import type { Clock, VirtualClock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { Random } from '../../../core/random.ts'
import type { GroupMembership } from '../contracts.ts'
import type { Api } from '../wire/api.ts'
import type { Cluster, SendOptions } from '../wire/cluster.ts'
import type { HeartbeatRequest } from '../wire/requests/heartbeat.ts'
import { heartbeat } from '../wire/requests/heartbeat.ts'
import { joinGroup as joinApi, type JoinGroupRequest } from '../wire/requests/join-group.ts'
import { leaveGroup, type LeaveGroupRequest } from '../wire/requests/leave-group.ts'
import { syncGroup, type SyncGroupRequest } from '../wire/requests/sync-group.ts'
import { joinGroup, type JoinGroupOptions } from './join-group.ts'
import type { GroupCoordinator } from '../model/group-coordinator.ts'

/** Timers that fall due while paused run at the end of the pause. */
export class PausableClock implements Clock {
  readonly #clock: VirtualClock
  #isPaused = false
  #late: (() => void)[] = []

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  nextTurn(): Promise<void> {
    return this.#clock.nextTurn()
  }

  after(delayMs: number, run: () => void): () => void {
    let isCancelled = false
    const due = (): void => {
      if (isCancelled) return
      if (this.#isPaused) this.#late.push(due)
      else run()
    }
    const cancel = this.#clock.after(delayMs, due)
    return () => {
      isCancelled = true
      cancel()
    }
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    for (const run of this.#late.splice(0)) run()
  }
}

/** What may happen to a request. */
export interface Faults {
  /** Of a thousand: the request is lost. */
  loseRequest: number
  /** Of a thousand: it is carried out, but its answer is lost. */
  loseAnswer: number
  /** Nothing goes through. */
  isCut: boolean
  /** The process has ended: what it had not sent yet it never will. */
  isDead: boolean
}

const unknownRequest = 'the model knows no such request'

export class ModelLink implements Cluster {
  readonly place = 'model'
  readonly state = { away: null }
  readonly clock: Clock
  readonly faults: Faults = { loseRequest: 0, loseAnswer: 0, isCut: false, isDead: false }
  /** Codes to answer next, by request name, instead of asking the coordinator. */
  readonly scripted = new Map<string, number[]>()
  readonly sent: string[] = []
  forgotten = 0
  readonly #coordinator: GroupCoordinator
  readonly #random: Random
  #isClosed = false

  constructor(clock: Clock, coordinator: GroupCoordinator, random: Random) {
    this.clock = clock
    this.#coordinator = coordinator
    this.#random = random
  }

  async send<Request, Answer>(
    _to: unknown,
    api: Api<Request, Answer>,
    request: Request,
    options: SendOptions = {},
  ): Promise<Answer> {
    const { faults } = this
    this.sent.push(api.name)
    const luck = this.#random.int(1000)
    const isLost = faults.isCut || luck < faults.loseRequest
    await this.#travel()
    if (this.#isClosed || isLost || faults.isDead) throw unreachable('unknown')
    const answer = Promise.race([this.#handle(api, request), this.#late(options.timeoutMs)])
    const got = await answer
    await this.#travel()
    if (this.#isClosed || faults.isCut || faults.isDead || luck >= 1000 - faults.loseAnswer)
      throw unreachable('unknown')
    return got as Answer
  }

  async #handle(api: Api<never, unknown>, request: unknown): Promise<unknown> {
    const code = this.scripted.get(api.name)?.shift()
    if (code !== undefined) return scriptedAnswer(code)
    const coordinator = this.#coordinator
    switch (api.key) {
      case joinApi.key:
        return coordinator.join(request as JoinGroupRequest)
      case syncGroup.key:
        return coordinator.sync(request as SyncGroupRequest)
      case heartbeat.key:
        return { code: coordinator.heartbeat(request as HeartbeatRequest) }
      case leaveGroup.key:
        coordinator.leave(request as LeaveGroupRequest)
        return { code: 0, members: [] }
      default:
        throw new Error(unknownRequest)
    }
  }

  #travel(): Promise<void> {
    return new Promise((resolve) => this.clock.after(1 + this.#random.int(5), resolve))
  }

  #late(timeoutMs = 10_000): Promise<never> {
    return new Promise((_, reject) => {
      this.clock.after(timeoutMs, () => reject(unreachable('unknown')))
    })
  }

  forget(): void {
    this.forgotten++
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  async features(): Promise<{ level(): number; versionMax(): number }> {
    return { level: () => 0, versionMax: () => -1 }
  }

  known(): undefined {
    return undefined
  }

  clusterId(): Promise<string> {
    throw new Error(unknownRequest)
  }

  brokers(): Promise<never> {
    throw new Error(unknownRequest)
  }

  topics(): Promise<never> {
    throw new Error(unknownRequest)
  }

  allTopics(): Promise<never> {
    throw new Error(unknownRequest)
  }
}

function scriptedAnswer(code: number): unknown {
  const join = { generation: -1, protocolType: null, protocolName: null, leader: '', members: [] }
  return { ...join, code, memberId: '', skipAssignment: false, assignment: Buffer.alloc(0) }
}

function unreachable(outcome: 'unknown' | 'not-applied'): MillraceError {
  return new MillraceError('log-unreachable', 'the model broker does not answer', { outcome })
}

export interface ModelProcess {
  readonly link: ModelLink
  readonly clock: PausableClock
  /** null until it has joined. */
  membership: GroupMembership | null
  /** Why it could not join. */
  failure: unknown
  /** Tasks it works on: told as gained, and not yet given up. */
  readonly working: Set<string>
  /** What it was told, in order. */
  readonly log: string[]
  /** How long the closing of tasks takes. */
  closeMs: number
}

export function startModelProcess(
  clock: VirtualClock,
  coordinator: GroupCoordinator,
  random: Random,
  options: Omit<JoinGroupOptions, 'cluster' | 'clock' | 'group'>,
): ModelProcess {
  const own = new PausableClock(clock)
  const link = new ModelLink(own, coordinator, random)
  const working = new Set<string>()
  const log: string[] = []
  const process: ModelProcess = {
    link,
    clock: own,
    membership: null,
    failure: null,
    working,
    log,
    closeMs: 0,
  }
  const notify: JoinGroupOptions['notify'] = ({ kind, text }) => log.push(`${kind}: ${text}`)
  joinGroup({ cluster: link, clock: own, group: 'g', notify, ...options }).then(
    (membership) => {
      process.membership = membership
      for (const task of membership.owned) working.add(task)
      log.push(`started ${membership.owned.join()}`)
      membership.onChange(async ({ gained, lost, reason }) => {
        log.push(`${reason} +${gained.join()} -${lost.join()}`)
        const isClosing = reason === 'rebalanced' && lost.length > 0 && process.closeMs > 0
        if (isClosing) await new Promise<void>((resolve) => own.after(process.closeMs, resolve))
        for (const task of lost) working.delete(task)
        for (const task of gained) working.add(task)
      })
    },
    (thrown: unknown) => {
      process.failure = thrown
    },
  )
  return process
}
