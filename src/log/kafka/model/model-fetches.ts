/** How brokers answer Fetch: sessions [KIP-227], long polls, bounds in bytes. */
import assert from 'node:assert/strict'
import type { Clock } from '../../../core/clock.ts'
import { errorCode } from '../wire/error-codes.ts'
import type {
  FetchAnswer,
  FetchedPartition,
  FetchPartition,
  FetchRequest,
} from '../wire/requests/fetch.ts'
import type { ModelPartition } from './model-partition.ts'

interface SessionState {
  epoch: number
  readonly parts: Map<string, FetchPartition & { heard: string }>
}

interface Opened {
  readonly key: string
  readonly state: SessionState
}

interface Waiter {
  readonly node: number
  readonly look: () => void
  readonly fail: (thrown: unknown) => void
}

export interface FetchesOptions {
  readonly clock: Clock
  /** undefined: there is no such topic, or partition. */
  readonly find: (topicId: string, partition: number) => ModelPartition | undefined
}

export class ModelFetches {
  /** False: brokers have no room for sessions. */
  keepsSessions = true
  readonly #options: FetchesOptions
  readonly #sessions = new Map<string, SessionState>()
  readonly #waiters = new Set<Waiter>()
  #sessionCount = 0

  constructor(options: FetchesOptions) {
    this.#options = options
  }

  /** Whoever waits looks again. */
  changed(): void {
    for (const waiter of this.#waiters) waiter.look()
  }

  /** A broker dies, and with it all that it remembers. @param thrown to whoever waits */
  drop(node: number, thrown: unknown): void {
    for (const waiter of this.#waiters) if (waiter.node === node) waiter.fail(thrown)
    for (const key of this.#sessions.keys()) {
      if (key.startsWith(`${node} `)) this.#sessions.delete(key)
    }
  }

  forgetSessions(): void {
    this.#sessions.clear()
  }

  /** What broker `node` answers, as soon as there is something or the time is over. */
  async answer(node: number, request: FetchRequest): Promise<FetchAnswer> {
    const session = this.#open(node, request)
    if (typeof session === 'number') return { code: session, sessionId: 0, partitions: [] }
    const wanted = session === null ? request.partitions : [...session.state.parts.values()]
    const sessionId = session === null ? 0 : Number(session.key.split(' ')[1])
    const now = (): FetchedPartition[] => this.#read(node, wanted, request.bytesMax)
    let parts = now()
    if (request.waitMs > 0 && parts.every(isEmpty)) {
      await this.#wait(node, request.waitMs, () => !now().every(isEmpty))
      parts = now()
    }
    if (session !== null) parts = this.#remember(session.state, request.sessionEpoch, parts)
    return { code: 0, sessionId, partitions: parts }
  }

  /** The session that the request opens or goes on with; null: none; a code: it is refused. */
  #open(node: number, request: FetchRequest): Opened | null | number {
    const { sessionId, sessionEpoch, partitions, forgotten } = request
    if (sessionEpoch === -1 || !this.keepsSessions) return null
    if (sessionEpoch === 0) {
      this.#sessions.delete(`${node} ${sessionId}`)
      this.#sessionCount += 1
      const key = `${node} ${this.#sessionCount}`
      const state: SessionState = { epoch: 0, parts: new Map() }
      this.#sessions.set(key, state)
      for (const one of partitions) state.parts.set(nameOf(one), { ...one, heard: '' })
      return { key, state }
    }
    const key = `${node} ${sessionId}`
    const state = this.#sessions.get(key)
    if (state === undefined) return errorCode.fetchSessionIdNotFound
    if (sessionEpoch !== state.epoch + 1) return errorCode.invalidFetchSessionEpoch
    state.epoch = sessionEpoch
    for (const one of partitions) {
      state.parts.set(nameOf(one), { ...one, heard: state.parts.get(nameOf(one))?.heard ?? '' })
    }
    for (const one of forgotten) {
      assert.ok(state.parts.delete(nameOf(one)), `${nameOf(one)} is not in the session`)
    }
    return { key, state }
  }

  #wait(node: number, waitMs: number, isReady: () => boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(waiter)
        cancel()
      }
      const waiter: Waiter = {
        node,
        look: () => {
          if (!isReady()) return
          end()
          resolve()
        },
        fail: (thrown) => {
          end()
          reject(thrown as Error)
        },
      }
      this.#waiters.add(waiter)
      const cancel = this.#options.clock.after(waitMs, () => {
        end()
        resolve()
      })
    })
  }

  #read(node: number, wanted: readonly FetchPartition[], bytesMax: number): FetchedPartition[] {
    let left = bytesMax
    let mayExceed = true
    return wanted.map((one) => {
      const found = this.#options.find(one.topicId, one.partition)
      if (found === undefined) return refused(one, errorCode.unknownTopicId)
      if (found.leader !== node) return refused(one, errorCode.notLeaderOrFollower)
      const answer = found.read(one, Math.min(left, one.bytesMax), mayExceed)
      if (answer.records !== null) {
        mayExceed = false
        left = Math.max(0, left - answer.records.length)
      }
      return answer
    })
  }

  /** @returns those that have changed since they were last spoken of */
  #remember(
    state: SessionState,
    sessionEpoch: number,
    all: readonly FetchedPartition[],
  ): FetchedPartition[] {
    const parts = sessionEpoch > 0 ? all.filter((one) => hasChanged(state, one)) : [...all]
    for (const one of parts) {
      const cached = state.parts.get(nameOf(one))
      if (cached === undefined) continue
      cached.heard = heardOf(one)
      if (one.records === null) continue
      state.parts.delete(nameOf(one)) // others come first the next time
      state.parts.set(nameOf(one), cached)
    }
    return parts
  }
}

function nameOf({ topicId, partition }: { topicId: string; partition: number }): string {
  return `${topicId} ${partition}`
}

function heardOf({ lastStableOffset, startOffset }: FetchedPartition): string {
  return `${lastStableOffset} ${startOffset}`
}

function hasChanged(state: SessionState, one: FetchedPartition): boolean {
  return !isEmpty(one) || state.parts.get(nameOf(one))?.heard !== heardOf(one)
}

function isEmpty({ code, records, diverging }: FetchedPartition): boolean {
  return code === 0 && records === null && diverging === null
}

function refused({ topicId, partition }: FetchPartition, code: number): FetchedPartition {
  const nothing = { lastStableOffset: -1, startOffset: -1, aborted: [], diverging: null }
  return { topicId, partition, code, records: null, ...nothing }
}
