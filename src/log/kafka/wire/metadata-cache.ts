/** What is known of topics: asked when needed, kept until something shows that it has changed. */
import type { Clock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { TopicMeta } from './cluster.ts'
import { codeName, errorCode } from './error-codes.ts'
import type { MetadataAnswer, TopicAnswer } from './requests/metadata.ts'

/** Between two questions about a topic: after a leader is lost the brokers need a while anyway. */
const askEveryMs = 100

const absentCodes: readonly number[] = [
  errorCode.unknownTopicOrPartition,
  errorCode.invalidTopicException,
  errorCode.unknownTopicId,
]

export interface MetadataCacheOptions {
  readonly clock: Clock
  /** Asks any broker; null: all topics. */
  readonly ask: (names: readonly string[] | null) => Promise<MetadataAnswer>
}

export class MetadataCache {
  readonly #options: MetadataCacheOptions
  readonly #topics = new Map<string, TopicMeta>()
  /** Why a topic that was asked for is neither there nor absent. */
  readonly #faults = new Map<string, MillraceError>()
  readonly #stale = new Set<string>()
  readonly #askedMs = new Map<string, number>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #wakes = new Set<() => void>()

  constructor(options: MetadataCacheOptions) {
    this.#options = options
  }

  known(topic: string): TopicMeta | undefined {
    return this.#topics.get(topic)
  }

  /** What is known is still given by `known`, and asked anew by `topics`. */
  forget(topic: string): void {
    this.#stale.add(topic)
  }

  /** @throws `not-authorised`, `log-failed`, and what asking throws */
  async topics(names: readonly string[], fresh: boolean): Promise<ReadonlyMap<string, TopicMeta>> {
    const isOld = (name: string): boolean => this.#stale.has(name) || !this.#topics.has(name)
    const asked = fresh ? names : names.filter(isOld)
    if (asked.length > 0) await this.#refresh(asked, fresh)
    const found = new Map<string, TopicMeta>()
    for (const name of names) {
      const fault = this.#faults.get(name)
      if (fault !== undefined) throw fault
      const meta = this.#topics.get(name)
      if (meta !== undefined) found.set(name, meta)
    }
    return found
  }

  async all(): Promise<readonly TopicMeta[]> {
    const { topics } = await this.#options.ask(null)
    for (const topic of topics) this.#learn(topic)
    return topics.filter(({ code }) => isThere(code))
  }

  /** Ends the pauses of those that wait to ask; their questions then fail by themselves. */
  close(): void {
    for (const wake of this.#wakes) wake()
  }

  /** Joins questions that are on their way already, unless the answer must be from now on. */
  async #refresh(names: readonly string[], fresh: boolean): Promise<void> {
    const answers = new Set<Promise<void>>()
    const alone: string[] = []
    for (const name of names) {
      const running = fresh ? undefined : this.#running.get(name)
      if (running === undefined) alone.push(name)
      else answers.add(running)
    }
    if (alone.length > 0) {
      const asking = this.#ask(alone, fresh).finally(() => {
        for (const name of alone) {
          if (this.#running.get(name) === asking) this.#running.delete(name)
        }
      })
      for (const name of alone) this.#running.set(name, asking)
      answers.add(asking)
    }
    await Promise.all(answers)
  }

  async #ask(names: readonly string[], fresh: boolean): Promise<void> {
    const { clock, ask } = this.#options
    const asked = names.map((name) => this.#askedMs.get(name) ?? -Infinity)
    const pauseMs = Math.max(...asked) + askEveryMs - clock.monotonic()
    if (!fresh && pauseMs > 0) await this.#pause(pauseMs)
    for (const name of names) this.#askedMs.set(name, clock.monotonic())
    const { topics } = await ask(names)
    for (const topic of topics) this.#learn(topic)
  }

  #learn(topic: TopicAnswer): void {
    const { name, code } = topic
    this.#stale.delete(name)
    this.#faults.delete(name)
    if (isThere(code)) {
      this.#topics.set(name, topic)
      return
    }
    this.#topics.delete(name)
    if (!absentCodes.includes(code)) this.#faults.set(name, faultOf(topic))
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, () => wake())
      const wake = (): void => {
        cancel()
        this.#wakes.delete(wake)
        resolve()
      }
      this.#wakes.add(wake)
    })
  }
}

/** Without a leader now, but there. */
function isThere(code: number): boolean {
  return code === errorCode.none || code === errorCode.leaderNotAvailable
}

function faultOf({ name, code }: TopicAnswer): MillraceError {
  const at = { topic: name }
  if (code === errorCode.topicAuthorizationFailed) {
    return new MillraceError('not-authorised', `no right to describe topic '${name}'`, {
      at,
      hint: 'give this user the ACL Describe on the topic',
    })
  }
  const text = `the brokers cannot describe topic '${name}': ${codeName(code)}`
  return new MillraceError('log-failed', text, { at, hint: 'see the logs of the brokers' })
}
