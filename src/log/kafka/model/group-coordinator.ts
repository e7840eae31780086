/**
 * A small coordinator of classic groups, for tests: the states, timers and answers of Kafka's own
 * (org.apache.kafka.coordinator.group.classic), for one group, on a clock that tests move.
 *
 * What is persisted, and so survives a move to another broker, is the last stable generation.
 */
import type { Clock } from '../../../core/clock.ts'
import type { MemberIdentity } from '../contracts.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { GroupMember } from '../wire/requests/describe-groups.ts'
import type { HeartbeatRequest } from '../wire/requests/heartbeat.ts'
import type { JoinGroupAnswer, JoinGroupRequest } from '../wire/requests/join-group.ts'
import type { LeaveGroupRequest } from '../wire/requests/leave-group.ts'
import type { SyncGroupAnswer, SyncGroupRequest } from '../wire/requests/sync-group.ts'
import { type ModelMember, newMember, nothing, refusedJoin } from './group-member.ts'

type State = 'empty' | 'preparing' | 'completing' | 'stable'

interface Snapshot {
  readonly generation: number
  readonly leader: string
  readonly members: readonly ModelMember[]
}

const c = errorCode

export class GroupCoordinator {
  /** Session time-outs that are allowed. */
  sessionMsMin = 1
  /** The group belongs to members of another protocol. */
  isForeign = false
  /** How often the group has formed anew. */
  rebalances = 0
  readonly #clock: Clock
  #state: State = 'empty'
  #generation = 0
  #leader = ''
  #members = new Map<string, ModelMember>()
  /** Told their id by error 79, not yet back. */
  readonly #pending = new Map<string, () => void>()
  #cancelRebalance = (): void => {}
  #ids = 0
  #persisted: Snapshot = { generation: 0, leader: '', members: [] }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get state(): State {
    return this.#state
  }

  get generation(): number {
    return this.#generation
  }

  get memberIds(): string[] {
    return [...this.#members.keys()]
  }

  get leader(): string {
    return this.#leader
  }

  /** Whether a transaction's offsets would be taken from this member. */
  accepts({ memberId, generation }: { memberId: string; generation: number }): boolean {
    return this.#members.has(memberId) && generation === this.#generation
  }

  /**
   * What is said to offsets that come as this member.
   * @param isTransactional whether a transaction brings them
   */
  judge({ generation, memberId, instanceId }: MemberIdentity, isTransactional: boolean): number {
    if (generation < 0 && this.#state === 'empty') return c.none
    if (generation < 0 && memberId === '' && instanceId === null) {
      return isTransactional ? c.none : c.unknownMemberId
    }
    const member = this.#members.get(memberId)
    if (member === undefined) return this.#stranger(instanceId)
    if (instanceId !== null && member.instanceId !== instanceId) return c.unknownMemberId
    if (generation !== this.#generation) return c.illegalGeneration
    return !isTransactional && this.#state === 'completing' ? c.rebalanceInProgress : c.none
  }

  /** For people. */
  get members(): readonly GroupMember[] {
    return [...this.#members.values()].map(({ id, instanceId }) => ({
      memberId: id,
      instanceId,
      clientId: 'millrace',
      host: '/model',
    }))
  }

  join(request: JoinGroupRequest): Promise<JoinGroupAnswer> {
    return new Promise((resolve) => this.#join(request, resolve))
  }

  #join(request: JoinGroupRequest, answer: (answer: JoinGroupAnswer) => void): void {
    const { memberId, instanceId } = request
    const refuse = (code: number, id = memberId): void => answer(refusedJoin(code, id))
    if (request.sessionTimeoutMs < this.sessionMsMin) return refuse(c.invalidSessionTimeout)
    if (this.isForeign) return refuse(c.inconsistentGroupProtocol)
    const holder = instanceId === null ? undefined : this.#byInstance(instanceId)
    if (memberId === '') {
      if (holder !== undefined) return this.#replace(holder, request, answer)
      const id = `m${++this.#ids}`
      if (instanceId !== null) return this.#add(id, request, answer)
      this.#pending.set(
        id,
        this.#clock.after(request.sessionTimeoutMs, () => {
          this.#pending.delete(id)
          this.#tryComplete()
        }),
      )
      return refuse(c.memberIdRequired, id)
    }
    const pending = this.#pending.get(memberId)
    if (pending !== undefined) {
      pending()
      this.#pending.delete(memberId)
      return this.#add(memberId, request, answer)
    }
    const member = this.#members.get(memberId)
    if (member === undefined)
      return refuse(holder === undefined ? c.unknownMemberId : c.fencedInstanceId)
    const isSame = member.metadata.equals(request.protocols[0]?.metadata ?? nothing)
    const isWaiting = this.#state === 'preparing'
    const isLeading = this.#state === 'stable' && this.#leader === memberId
    if (!isWaiting && isSame && !isLeading) {
      this.#resetSession(member)
      return answer(this.#joined(member, this.#leader === memberId))
    }
    this.#update(member, request, answer)
    if (!isWaiting) this.#prepare()
    this.#tryComplete()
  }

  #add(id: string, request: JoinGroupRequest, answer: (answer: JoinGroupAnswer) => void): void {
    const member = newMember(id, request.instanceId)
    this.#members.set(id, member)
    this.#update(member, request, answer)
    if (this.#state !== 'preparing') this.#prepare()
    this.#tryComplete()
  }

  /** A static member came back: in a stable group nothing else changes. */
  #replace(
    old: ModelMember,
    request: JoinGroupRequest,
    answer: (answer: JoinGroupAnswer) => void,
  ): void {
    old.cancelSession()
    old.join?.(refusedJoin(c.fencedInstanceId, old.id))
    old.sync?.({ code: c.fencedInstanceId, assignment: nothing })
    const id = `m${++this.#ids}`
    const member: ModelMember = { ...old, id, join: null, sync: null }
    // In its place: the first member becomes leader where one is missing.
    this.#members = new Map(
      [...this.#members].map(([key, one]) => (one === old ? [id, member] : [key, one])),
    )
    if (this.#leader === old.id) this.#leader = id
    this.#update(member, request, null)
    if (this.#state === 'stable') {
      this.#persist()
      const isLeader = this.#leader === id
      return answer({ ...this.#joined(member, isLeader), skipAssignment: isLeader })
    }
    member.join = answer
    if (this.#state !== 'preparing') this.#prepare()
    this.#tryComplete()
  }

  #update(
    member: ModelMember,
    request: JoinGroupRequest,
    answer: ((answer: JoinGroupAnswer) => void) | null,
  ): void {
    member.metadata = request.protocols[0]?.metadata ?? nothing
    member.sessionMs = request.sessionTimeoutMs
    member.rebalanceMs = request.rebalanceTimeoutMs
    member.join = answer
    this.#resetSession(member)
  }

  #prepare(): void {
    for (const member of this.#members.values()) {
      member.sync?.({ code: c.rebalanceInProgress, assignment: nothing })
      member.sync = null
    }
    this.#state = 'preparing'
    const limitMs = Math.max(0, ...[...this.#members.values()].map((m) => m.rebalanceMs))
    this.#cancelRebalance()
    this.#cancelRebalance = this.#clock.after(limitMs, () => this.#complete())
  }

  #tryComplete(): void {
    if (this.#state !== 'preparing' || this.#pending.size > 0) return
    if ([...this.#members.values()].every(({ join }) => join !== null)) this.#complete()
  }

  #complete(): void {
    this.#cancelRebalance()
    for (const member of this.#members.values()) {
      if (member.join !== null || member.instanceId !== null) continue
      member.cancelSession()
      this.#members.delete(member.id)
    }
    this.#generation++
    this.rebalances++
    const here = [...this.#members.values()].filter(({ join }) => join !== null)
    if (here.length === 0) {
      this.#state = this.#members.size === 0 ? 'empty' : 'preparing'
      if (this.#state === 'empty') this.#persist()
      else this.#prepare()
      return
    }
    this.#state = 'completing'
    if (!here.some(({ id }) => id === this.#leader)) this.#leader = here[0]?.id ?? ''
    for (const member of this.#members.values()) {
      this.#resetSession(member)
      member.join?.(this.#joined(member, member.id === this.#leader))
      member.join = null
    }
  }

  #joined(member: ModelMember, isLeader: boolean): JoinGroupAnswer {
    return {
      code: c.none,
      generation: this.#generation,
      protocolType: 'consumer',
      protocolName: 'millrace',
      leader: this.#leader,
      skipAssignment: false,
      memberId: member.id,
      members: isLeader
        ? [...this.#members.values()].map(({ id, instanceId, metadata }) => ({
            memberId: id,
            instanceId,
            metadata,
          }))
        : [],
    }
  }

  sync(request: SyncGroupRequest): Promise<SyncGroupAnswer> {
    return new Promise((resolve) => {
      const refuse = (code: number): void => resolve({ code, assignment: nothing })
      const member = this.#members.get(request.memberId)
      if (member === undefined) return refuse(this.#stranger(request.instanceId))
      if (request.generation !== this.#generation) return refuse(c.illegalGeneration)
      if (this.#state === 'preparing') return refuse(c.rebalanceInProgress)
      if (this.#state === 'stable') return resolve({ code: c.none, assignment: member.assignment })
      member.sync = resolve
      if (member.id === this.#leader) this.#assign(request)
    })
  }

  #assign({ assignments }: SyncGroupRequest): void {
    this.#state = 'stable'
    for (const member of this.#members.values()) {
      const own = assignments.find(({ memberId }) => memberId === member.id)
      member.assignment = own?.assignment ?? nothing
      this.#resetSession(member)
      member.sync?.({ code: c.none, assignment: member.assignment })
      member.sync = null
    }
    this.#persist()
  }

  heartbeat(request: HeartbeatRequest): number {
    const member = this.#members.get(request.memberId)
    if (member === undefined) return this.#stranger(request.instanceId)
    if (request.generation !== this.#generation) return c.illegalGeneration
    this.#resetSession(member)
    return this.#state === 'preparing' ? c.rebalanceInProgress : c.none
  }

  leave({ members }: LeaveGroupRequest): number[] {
    return members.map(({ memberId, instanceId }) => {
      const holder = instanceId === null ? undefined : this.#byInstance(instanceId)
      const member = holder ?? this.#members.get(memberId)
      if (member === undefined) return c.unknownMemberId
      if (memberId !== '' && member.id !== memberId) return c.fencedInstanceId
      this.#remove(member)
      return c.none
    })
  }

  /** Another broker takes the group over, with what was persisted. */
  move(): void {
    for (const member of this.#members.values()) {
      member.cancelSession()
      member.join?.(refusedJoin(c.notCoordinator, member.id))
      member.sync?.({ code: c.notCoordinator, assignment: nothing })
    }
    for (const cancel of this.#pending.values()) cancel()
    this.#pending.clear()
    this.#cancelRebalance()
    const { generation, leader, members } = this.#persisted
    this.#generation = generation
    this.#leader = leader
    this.#members = new Map(members.map((one) => [one.id, { ...one, join: null, sync: null }]))
    this.#state = members.length === 0 ? 'empty' : 'stable'
    for (const member of this.#members.values()) this.#resetSession(member)
  }

  /** An operator, or a bug, throws a member out. */
  expel(memberId: string): void {
    const member = this.#members.get(memberId)
    if (member !== undefined) this.#remove(member)
  }

  #remove(member: ModelMember): void {
    member.cancelSession()
    member.join?.(refusedJoin(c.unknownMemberId, member.id))
    member.sync?.({ code: c.unknownMemberId, assignment: nothing })
    this.#members.delete(member.id)
    if (this.#state !== 'preparing') this.#prepare()
    this.#tryComplete()
  }

  #resetSession(member: ModelMember): void {
    member.cancelSession()
    member.cancelSession = this.#clock.after(member.sessionMs, () => {
      // Who waits for an answer is alive.
      if (member.join !== null || member.sync !== null) this.#resetSession(member)
      else this.#remove(member)
    })
  }

  #persist(): void {
    this.#persisted = {
      generation: this.#generation,
      leader: this.#leader,
      members: [...this.#members.values()].map((member) => ({ ...member })),
    }
  }

  #byInstance(instanceId: string): ModelMember | undefined {
    return [...this.#members.values()].find((member) => member.instanceId === instanceId)
  }

  #stranger(instanceId: string | null): number {
    const isTaken = instanceId !== null && this.#byInstance(instanceId) !== undefined
    return isTaken ? c.fencedInstanceId : c.unknownMemberId
  }
}
