/**
 * A member of a streams group [KIP-1071]: the broker shares the tasks out. One request does all: it
 * joins (epoch 0), says what is held, is answered with what shall be held, and leaves (epoch -1).
 * The broker gives a task to nobody else before its owner has said that it is free.
 */
import { isCode, MillraceError } from '../../../core/error.ts'
import type { MemberIdentity } from '../contracts.ts'
import { errorCode } from '../wire/error-codes.ts'
import {
  streamsGroupHeartbeat,
  type StreamsGroupHeartbeatAnswer,
  type StreamsGroupHeartbeatRequest,
  type StreamsTaskIds,
  type StreamsTopology,
} from '../wire/requests/streams-group-heartbeat.ts'
import type { HeldTasks } from './held-tasks.ts'
import { Life } from './life.ts'
import type { Member, MemberOptions } from './member-options.ts'
import { StreamsTasks } from './streams-topology.ts'
import { verdictOf } from './verdicts.ts'

/** In place of an epoch. */
const joins = 0
const leaves = -1
const leaveTimeoutMs = 2_000
/** Until a coordinator knows of a topic that another broker has created. */
const hearsayMs = 3_000

/** What the broker says beside the assignment. */
const status = {
  staleTopology: 0,
  missingSourceTopics: 1,
  wronglyPartitioned: 2,
  missingInternalTopics: 3,
  shutdown: 4,
  delayed: 5,
} as const

export class StreamsMember implements Member {
  readonly #options: MemberOptions
  readonly #held: HeldTasks
  readonly #life: Life
  readonly #tasks: StreamsTasks
  readonly #topology: StreamsTopology
  /**
   * Our own choice. The instance id where there is one: who joins again under an id that the broker
   * knows has its old tasks at once (static members it does not support).
   */
  readonly #memberId: string
  #epoch: number = joins
  /** As the broker last said. */
  #assigned: readonly string[] = []
  #standbys: readonly string[] = []
  #warmups: readonly string[] = []
  /** Copies, whether they shall become owners soon or not. */
  #copies: readonly string[] = []

  constructor(
    options: MemberOptions,
    held: HeldTasks,
    place: { readonly memberId: string; readonly topology: StreamsTopology },
  ) {
    this.#options = options
    this.#held = held
    this.#memberId = place.memberId
    this.#topology = place.topology
    this.#tasks = new StreamsTasks(options.infos)
    this.#life = new Life({
      member: options,
      held,
      beat: () => this.#beat(),
      lost: () => {
        this.#epoch = joins
        this.#life.standing.isRebalancing = true
        void this.#life.standing.pulse.beatNow()
      },
      isOwnDoing: () => false,
      farewell: () => this.#farewell(),
      over: () => {},
    })
    this.#life.standing.pulse.start()
    void this.#life.standing.pulse.beatNow()
  }

  get joined(): Promise<void> {
    return this.#life.joined
  }

  get rejoins(): boolean {
    return !this.#life.isOver
  }

  get standbys(): readonly string[] {
    return this.#copies
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
    const state = `epoch ${this.#epoch}, ${this.#life.state()}`
    return `member ${this.#memberId} of streams group '${this.#options.group}', ${state}`
  }

  async #beat(): Promise<void> {
    const { cluster, clock, group, sessionTimeoutMs } = this.#options
    if (this.#life.isOver) return
    const epoch = this.#epoch
    const sentMs = clock.monotonic()
    try {
      const options = { purpose: 'heartbeat', timeoutMs: sessionTimeoutMs / 2 } as const
      const request = epoch === joins ? this.#joining() : this.#living(epoch)
      const answer = await cluster.send({ group }, streamsGroupHeartbeat, request, options)
      // Lost, by our clock, or left meanwhile.
      if (this.#life.isOver || this.#epoch !== epoch) return
      if (this.#isOtherPlan(answer)) this.#life.end(this.#changed(answer.message ?? ''), null)
      else if (this.#life.judge('streams', answer.code, answer.message) !== 'done') return
      if (!this.#life.isOver) this.#take(answer, sentMs)
    } catch (thrown) {
      // No answer: it is tried again at the next beat, until the session is over.
      this.#life.failed(thrown)
    }
  }

  #joining(): StreamsGroupHeartbeatRequest {
    return {
      ...this.#base(joins),
      rebalanceTimeoutMs: this.#options.rebalanceTimeoutMs,
      topology: this.#topology,
      activeTasks: [],
      standbyTasks: [],
      warmupTasks: [],
      processId: this.#memberId,
    }
  }

  /** Says in full what is held: what is on its way out is not free yet. */
  #living(epoch: number): StreamsGroupHeartbeatRequest {
    return {
      ...this.#base(epoch),
      activeTasks: this.#tasks.ids([...this.#held.owned, ...this.#held.leaving]),
      standbyTasks: this.#tasks.ids(this.#standbys),
      warmupTasks: this.#tasks.ids(this.#warmups),
    }
  }

  #base(memberEpoch: number): StreamsGroupHeartbeatRequest {
    return {
      group: this.#options.group,
      memberId: this.#memberId,
      memberEpoch,
      instanceId: null,
      rebalanceTimeoutMs: -1,
      topology: null,
      activeTasks: null,
      standbyTasks: null,
      warmupTasks: null,
      processId: null,
    }
  }

  #take(answer: StreamsGroupHeartbeatAnswer, sentMs: number): void {
    const { standing } = this.#life
    this.#epoch = answer.memberEpoch
    if (standing.identity?.generation !== answer.memberEpoch) {
      const memberId = this.#memberId
      standing.take({ generation: answer.memberEpoch, memberId, instanceId: null })
    }
    standing.prove(sentMs)
    standing.isRebalancing = false
    if (answer.activeTasks !== null) this.#assign(answer.activeTasks)
    if (answer.standbyTasks !== null) this.#standbys = this.#tasks.names(answer.standbyTasks)
    if (answer.warmupTasks !== null) this.#warmups = this.#tasks.names(answer.warmupTasks)
    this.#setCopies()
    if (!this.#isReady(answer)) return
    const held = this.#held
    const lost = held.owned.filter((task) => !this.#assigned.includes(task))
    const gained = this.#assigned.filter((task) => !held.holds(task))
    // The broker waits to hear of it.
    if (lost.length > 0) void held.release(lost).then(() => this.#report())
    this.#life.begin(gained)
    if (gained.length > 0) this.#report()
  }

  #assign(ids: readonly StreamsTaskIds[]): void {
    this.#assigned = this.#tasks.names(ids)
    const strangers = this.#tasks.strangers(ids)
    if (strangers.length === 0) return
    const { group } = this.#options
    this.#life.waiting(
      new MillraceError(
        'invalid-plan',
        `streams group '${group}' has tasks that this run does not know: ${strangers.join(', ')}`,
        { hint: 'partitions were added to its topics: start its processes again' },
      ),
    )
  }

  #report(): void {
    if (!this.#life.isOver) void this.#life.standing.pulse.beatNow()
  }

  #setCopies(): void {
    const copies = [...this.#standbys, ...this.#warmups]
    const isSame =
      copies.length === this.#copies.length && copies.every((t, i) => t === this.#copies[i])
    this.#copies = copies
    if (!isSame) this.#options.onStandbys(copies)
  }

  /** Whether there is an assignment to go by; what keeps the broker from making one is told. */
  #isReady({ status: all }: StreamsGroupHeartbeatAnswer): boolean {
    for (const { code, detail } of all) {
      if (code === status.delayed) continue
      const error = this.#trouble(code, detail)
      const isPassing = this.#isPassing(code)
      if (isPassing && !this.#life.isJoined) return false
      const isFinal = code === status.staleTopology || code === status.shutdown
      if (isFinal || !(this.#life.isJoined || isPassing)) {
        this.#life.end(error, 'it cannot take part')
        return false
      }
      this.#life.waiting(error)
    }
    return this.#life.isJoined || all.every(({ code }) => code !== status.delayed)
  }

  /**
   * Its internal topics the broker creates at once, but not within this answer; of topics that were
   * created just now the coordinator may not have heard.
   */
  #isPassing(code: number): boolean {
    if (code === status.missingInternalTopics) return !this.#life.isLate
    return code === status.missingSourceTopics && this.#life.ageMs < hearsayMs
  }

  #trouble(code: number, detail: string): MillraceError {
    const head = `streams group '${this.#options.group}' shares out no tasks: ${detail}`
    if (code === status.missingSourceTopics)
      return new MillraceError('unknown-topic', head, { hint: 'create the topics that it reads' })
    if (code === status.wronglyPartitioned || code === status.staleTopology)
      return new MillraceError('invalid-plan', head, {
        hint: 'topics that are read together need the same number of partitions',
      })
    if (code === status.shutdown)
      return new MillraceError('task-fenced', head, { hint: 'a member has shut the group down' })
    return new MillraceError('log-unsupported', head, {
      hint: 'let the broker create its internal topics, or use the classic group protocol',
    })
  }

  /** 42 stands for whatever is wrong with a request; only one thing can be with ours. */
  #isOtherPlan({ code, message }: StreamsGroupHeartbeatAnswer): boolean {
    return code === errorCode.invalidRequest && /topology/i.test(message ?? '')
  }

  #changed(message: string): MillraceError {
    const { group } = this.#options
    return new MillraceError(
      'invalid-plan',
      `the tasks of streams group '${group}' are not those of this pipeline: ${message}`,
      {
        at: { pipeline: group },
        hint: 'a streams group keeps its first topology: give the changed pipeline another name',
      },
    )
  }

  /** Best effort: without it the session ends by itself. Never rejects. */
  async #farewell(): Promise<void> {
    const { cluster, group } = this.#options
    if (this.#epoch === joins && !this.#life.isJoined) return
    const options = { purpose: 'heartbeat', timeoutMs: leaveTimeoutMs } as const
    const request = this.#base(leaves)
    for (let attempt = 1; attempt <= 2; attempt++) {
      try {
        const { code } = await cluster.send({ group }, streamsGroupHeartbeat, request, options)
        if (verdictOf('leave', code) !== 'find-coordinator') return
        cluster.forget({ group })
      } catch (thrown) {
        if (!isCode(thrown, 'log-unreachable')) return
      }
    }
  }
}

/** @throws `log-unsupported` where the broker has no streams groups */
export async function needStreams({ cluster }: Pick<MemberOptions, 'cluster'>): Promise<void> {
  const features = await cluster.features()
  const level = features.level('streams.version')
  const version = features.versionMax(streamsGroupHeartbeat.key)
  if (level >= 1 && version >= streamsGroupHeartbeat.version) return
  const text = `streams.version ${level}, ${streamsGroupHeartbeat.name} up to ${version}`
  throw new MillraceError(
    'log-unsupported',
    `the brokers at ${cluster.place} offer no streams groups: ${text}`,
    { hint: 'use the classic group protocol, or brokers of Kafka 4.2 or later' },
  )
}
