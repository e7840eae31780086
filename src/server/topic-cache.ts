/** What is known of topics, for so short that nobody minds: asking costs more than many records. */
import type { Clock } from '../core/clock.ts'
import type { Log, TopicInfo } from '../log/log.ts'

const freshMs = 1_000
const topicsMax = 1_000

export class TopicCache {
  readonly #log: Log
  readonly #clock: Clock
  readonly #known = new Map<string, { readonly info: TopicInfo; readonly atMs: number }>()

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** As it was at most a second ago. @throws `unknown-topic` */
  async find(name: string): Promise<TopicInfo> {
    const nowMs = this.#clock.monotonic()
    const known = this.#known.get(name)
    if (known !== undefined && nowMs - known.atMs < freshMs) return known.info
    this.#known.delete(name)
    const info = await this.#log.describeTopic(name)
    if (this.#known.size >= topicsMax) this.#known.clear()
    this.#known.set(name, { info, atMs: nowMs })
    return info
  }

  forget(name: string): void {
    this.#known.delete(name)
  }
}
