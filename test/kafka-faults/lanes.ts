/** Does the faults: those of processes in one lane, those of brokers in another, side by side. */
import { setTimeout as pause } from 'node:timers/promises'
import type { KafkaCluster } from '../kafka/cluster.ts'
import type { Driver } from './driving.ts'
import type { Fleet } from './fleet.ts'
import type { Outputs } from './outputs.ts'
import type { Measured } from './report.ts'
import { inSeconds } from './report.ts'
import { brokerFaults, processFaults } from './schedule.ts'
import type { BrokerKind, PlannedFault, ProcessKind } from './schedule.ts'

/** A fault after which no output comes for so long is a hang. */
const hangMs = 60_000
const fourth = 3

export interface LaneOptions {
  readonly seed: number
  readonly cluster: KafkaCluster
  readonly fleet: Fleet
  readonly driver: Driver
  readonly outputs: Outputs
  readonly nowMs: () => number
  /** No fault begins after it. */
  readonly endMs: number
  readonly say: (line: string) => void
  readonly fail: (what: string) => void
  /** Ends everything: something has failed. */
  readonly signal: AbortSignal
}

export class Lanes {
  readonly measured: Measured[] = []
  readonly #options: LaneOptions
  /** Faults that are active, or not recovered from. */
  #active = 0
  #quietSinceMs: number

  constructor(options: LaneOptions) {
    this.#options = options
    this.#quietSinceMs = options.nowMs()
  }

  /** Ms since the last fault was over; 0 while one is active. */
  get calmMs(): number {
    return this.#active > 0 ? 0 : this.#options.nowMs() - this.#quietSinceMs
  }

  /** Resolves when the time is over and everybody is there again. */
  async run(): Promise<void> {
    const { seed } = this.#options
    await Promise.all([
      this.#lane(processFaults(seed), (fault) => this.#processFault(fault)),
      this.#lane(brokerFaults(seed), (fault) => this.#brokerFault(fault)),
    ])
  }

  async #lane<K>(
    faults: Iterable<PlannedFault<K>>,
    act: (fault: PlannedFault<K>) => Promise<void>,
  ): Promise<void> {
    const { nowMs, endMs, signal } = this.#options
    for (const fault of faults) {
      await this.#rest(fault.restMs)
      if (signal.aborted || nowMs() + fault.holdMs >= endMs) return
      this.#active += 1
      try {
        await act(fault)
      } finally {
        this.#active -= 1
        this.#quietSinceMs = nowMs()
      }
    }
  }

  async #processFault({ kind, target, holdMs }: PlannedFault<ProcessKind>): Promise<void> {
    const { fleet } = this.#options
    const worker = fleet.worker(kind === 'fourth' ? fourth : target)
    const { name } = worker
    switch (kind) {
      case 'kill':
        await this.#measure(kind, `kill -9 of ${name}`, async () => {
          await worker.kill()
          await this.#rest(holdMs)
          worker.start()
        })
        return
      case 'killAndStayAway':
        await this.#hold(kind, `kill -9 of ${name}, which stays away`, holdMs, () => worker.kill())
        await this.#measure('returns', `${name} comes back`, () => worker.start())
        return
      case 'zombie':
        await this.#hold(kind, `SIGSTOP of ${name}`, holdMs, () => worker.pause())
        await this.#measure('wakes', `SIGCONT of ${name}`, () => worker.resume())
        return
      case 'stop':
        await this.#measure(kind, `SIGTERM of ${name}`, async () => {
          await worker.stop()
          await this.#rest(holdMs)
          worker.start()
        })
        return
      case 'fourth':
        await this.#hold(kind, `${name} joins`, holdMs, () => worker.start())
        await this.#measure('leaves', `SIGTERM of ${name}, which stays away`, () => worker.stop())
    }
  }

  async #brokerFault({ kind, target, holdMs }: PlannedFault<BrokerKind>): Promise<void> {
    const { cluster } = this.#options
    const node = cluster.nodes[target] ?? 1
    if (kind === 'brokerKill') {
      await this.#hold(kind, `kill -9 of broker ${node}`, holdMs, () => cluster.kill(node))
      await cluster.restart(node)
      await this.#measure('brokerReturns', `broker ${node} answers again`, () => {})
      return
    }
    await this.#hold(kind, `SIGSTOP of broker ${node}`, holdMs, () => cluster.pause(node))
    await this.#measure('brokerWakes', `SIGCONT of broker ${node}`, () => cluster.resume(node))
  }

  /** Does it, measures, and resolves when both the time is over and output has come again. */
  async #hold(
    kind: string,
    what: string,
    holdMs: number,
    act: () => void | Promise<void>,
  ): Promise<void> {
    await Promise.all([this.#measure(kind, what, act), this.#rest(holdMs)])
  }

  async #measure(kind: string, what: string, act: () => void | Promise<void>): Promise<void> {
    const { say, fail, outputs, driver, nowMs, signal } = this.#options
    if (signal.aborted) return
    const atMs = nowMs()
    let isOverlapped = this.#active > 1
    say(what)
    await act()
    const id = driver.idAt(atMs)
    const reached = await outputs.reached(id, hangMs, signal)
    isOverlapped ||= this.#active > 1
    if (!reached) {
      if (signal.aborted) return
      const places = outputs.behind(id).join(', ')
      fail(`a hang: ${inSeconds(nowMs() - atMs)} after '${what}' no output of ${places}`)
      return
    }
    const recoveryMs = nowMs() - atMs
    this.measured.push({ kind, recoveryMs, isOverlapped })
    say(`  output again ${inSeconds(recoveryMs)} after: ${what}`)
  }

  async #rest(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#options.signal }).catch(() => {})
  }
}
