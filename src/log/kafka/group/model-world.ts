/** A group of model processes and its coordinator, on one virtual clock. */
import { systemClock, VirtualClock } from '../../../core/clock.ts'
import { seededRandom, type Random } from '../../../core/random.ts'
import type { JoinGroupOptions } from './join-group.ts'
import { GroupCoordinator } from '../model/group-coordinator.ts'
import { startModelProcess, type ModelProcess } from './model-process.ts'
import { statefulTasks } from './test-tasks.ts'

export const stepMs = 5

export class ModelWorld {
  readonly clock = new VirtualClock()
  readonly coordinator: GroupCoordinator = new GroupCoordinator(this.clock)
  readonly processes: ModelProcess[] = []
  readonly random: Random
  readonly #infos: JoinGroupOptions['infos']

  constructor(seed = 1, infos: JoinGroupOptions['infos'] = statefulTasks(6)) {
    this.random = seededRandom(seed)
    this.#infos = infos
  }

  start(options: Partial<JoinGroupOptions> = {}): ModelProcess {
    const process = startModelProcess(this.clock, this.coordinator, this.random, {
      infos: this.#infos,
      instanceId: null,
      ...options,
    })
    this.processes.push(process)
    return process
  }

  /** Ends a process without a word. */
  crash(process: ModelProcess): void {
    process.link.faults.isDead = true
    process.clock.pause()
  }

  async run(ms: number, check: () => void = () => this.check()): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(stepMs)
      await systemClock.nextTurn()
      check()
    }
  }

  async until(condition: () => boolean, limitMs = 30_000): Promise<number> {
    const startMs = this.clock.monotonic()
    while (!condition()) {
      if (this.clock.monotonic() - startMs > limitMs)
        throw new Error(`not within ${limitMs} ms:\n${this.describe()}`)
      await this.run(stepMs)
    }
    return this.clock.monotonic() - startMs
  }

  /**
   * Safety: no task is with two members of one generation, nor with two that could commit. (A
   * static member whose place another process took is of its generation, but cannot.) Throws.
   */
  check(): void {
    for (const { task } of this.#infos) {
      const owners = this.processes.flatMap((process, i) => {
        const identity = process.membership?.ownership(task).identity() ?? null
        const isAtWork = !process.link.faults.isDead && process.working.has(task)
        return identity === null || !isAtWork ? [] : [{ i, ...identity }]
      })
      const places = owners.map((o) => `${o.generation} ${o.instanceId ?? o.memberId}`)
      const generations = new Set(owners.map(({ generation }) => generation))
      const able = owners.filter((owner) => this.coordinator.accepts(owner))
      if (generations.size === new Set(places).size && able.length <= 1) continue
      throw new Error(`${task} has owners ${JSON.stringify(owners)}:\n${this.describe()}`)
    }
  }

  /** Each task with one of these, evenly. */
  isShared(...among: readonly ModelProcess[]): boolean {
    const lists = among.map(({ working, membership }) =>
      [...working].filter((task) => (membership?.ownership(task).identity() ?? null) !== null),
    )
    const all = lists.flat()
    const sizes = lists.map((list) => list.length)
    return (
      all.length === this.#infos.length &&
      new Set(all).size === all.length &&
      Math.max(...sizes) - Math.min(...sizes) <= 1
    )
  }

  describe(): string {
    const { state, generation, memberIds } = this.coordinator
    const head = `${this.clock.monotonic()} ms: ${state} ${generation} ${memberIds.join()}`
    const texts = this.processes.map(({ membership, failure, working, log }, i) =>
      [
        `${i}: ${membership?.describe() ?? String(failure)} works on ${[...working].join()}`,
        ...log.slice(-8),
      ].join('\n  '),
    )
    return [head, ...texts].join('\n')
  }
}
