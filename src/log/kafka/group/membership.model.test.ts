/**
 * Random lives of a group: members join, leave, crash, restart in their place, are paused, and cut
 * off; the coordinator moves; requests and answers are lost. At every step no task may be with two
 * members; when all has calmed down, each is with exactly one.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ModelProcess } from './model-process.ts'
import { ModelWorld } from './model-world.ts'
import { statefulTasks, statelessTasks } from './test-tasks.ts'

type Event =
  | { readonly kind: 'start'; readonly isStatic: boolean; readonly closeMs: number }
  | { readonly kind: 'leave' | 'crash' | 'restart'; readonly who: number }
  | { readonly kind: 'pause' | 'cut'; readonly who: number; readonly forMs: number }
  | { readonly kind: 'noise'; readonly perMille: number }
  | { readonly kind: 'move' | 'expel' }

const who = fc.nat(5)
const event: fc.Arbitrary<{ readonly event: Event; readonly waitMs: number }> = fc.record({
  waitMs: fc.oneof(fc.nat(200), fc.nat(3_000)),
  event: fc.oneof(
    fc.record({
      kind: fc.constant('start' as const),
      isStatic: fc.boolean(),
      closeMs: fc.constantFrom(0, 20, 700, 9_000),
    }),
    fc.record({ kind: fc.constantFrom('leave' as const, 'crash' as const), who }),
    fc.record({ kind: fc.constant('restart' as const), who }),
    fc.record({
      kind: fc.constantFrom('pause' as const, 'cut' as const),
      who,
      forMs: fc.constantFrom(100, 1_500, 4_000, 8_000),
    }),
    fc.record({ kind: fc.constant('noise' as const), perMille: fc.constantFrom(0, 50, 300) }),
    fc.record({ kind: fc.constantFrom('move' as const, 'expel' as const) }),
  ),
})

const sessionTimeoutMs = 3_000
const infos = [...statefulTasks(5), ...statelessTasks(3)]
const options = { sessionTimeoutMs, heartbeatMs: 300, rebalanceTimeoutMs: 6_000, standbys: 1 }

class Life {
  readonly world: ModelWorld
  readonly living: ModelProcess[] = []
  readonly #instances = new Map<ModelProcess, string>()
  #count = 0
  #perMille = 0
  readonly #heal: { readonly atMs: number; readonly run: () => void }[] = []

  constructor(seed: number) {
    this.world = new ModelWorld(seed, infos)
  }

  start(instanceId: string | null, closeMs: number): void {
    if (this.living.length === 6) return
    const process = this.world.start({ ...options, instanceId })
    process.closeMs = closeMs
    if (instanceId !== null) this.#instances.set(process, instanceId)
    this.living.push(process)
    this.#setNoise()
  }

  apply(one: Event): void {
    switch (one.kind) {
      case 'start':
        return this.start(one.isStatic ? `i${this.#count++}` : null, one.closeMs)
      case 'noise':
        this.#perMille = one.perMille
        return this.#setNoise()
      case 'move':
        return this.world.coordinator.move()
      case 'expel':
        return this.world.coordinator.expel(this.world.coordinator.memberIds[0] ?? '')
      default:
        return this.#strike(one)
    }
  }

  #strike(one: Exclude<Event, { kind: 'start' | 'noise' | 'move' | 'expel' }>): void {
    const process = this.living[one.who % Math.max(1, this.living.length)]
    if (process === undefined) return
    const instance = this.#instances.get(process) ?? null
    const untilMs = this.world.clock.monotonic() + ('forMs' in one ? one.forMs : 0)
    switch (one.kind) {
      case 'leave':
        if (process.membership === null) return
        this.#remove(process)
        process.working.clear() // the engine ends everything before it leaves
        return void process.membership.leave()
      case 'crash':
        this.#remove(process)
        return this.world.crash(process)
      case 'restart':
        this.#remove(process)
        this.world.crash(process)
        return this.start(instance, process.closeMs)
      case 'pause':
        process.clock.pause()
        return void this.#heal.push({ atMs: untilMs, run: () => process.clock.resume() })
      case 'cut':
        process.link.faults.isCut = true
        return void this.#heal.push({
          atMs: untilMs,
          run: () => {
            process.link.faults.isCut = false
          },
        })
    }
  }

  #remove(process: ModelProcess): void {
    this.living.splice(this.living.indexOf(process), 1)
  }

  #setNoise(): void {
    for (const { link } of this.living) {
      link.faults.loseRequest = this.#perMille
      link.faults.loseAnswer = this.#perMille
    }
  }

  async run(ms: number): Promise<void> {
    await this.world.run(ms, () => {
      const nowMs = this.world.clock.monotonic()
      const due = this.#heal.filter(({ atMs }) => atMs <= nowMs)
      for (const one of due) {
        this.#heal.splice(this.#heal.indexOf(one), 1)
        one.run()
      }
      this.world.check()
    })
  }

  async calmDown(): Promise<void> {
    this.#perMille = 0
    this.#setNoise()
    for (const one of this.#heal.splice(0)) one.run()
    if (this.living.length === 0) this.start(null, 0)
    // Sessions of the dead, a rebalance held up by them, and slow closing, one after the other.
    await this.world.until(() => this.world.isShared(...this.living), 60_000)
  }
}

test('no task is with two members, and in the end each is with one', async () => {
  let commits = 0
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(event, { minLength: 5, maxLength: 25 }),
      async (seed, events) => {
        const life = new Life(seed)
        life.start('first', 0)
        life.start(null, 20)
        for (const { event: one, waitMs } of events) {
          life.apply(one)
          await life.run(waitMs)
        }
        await life.calmDown()
        commits += life.world.coordinator.rebalances
        // What is still under way comes to its end; at rest nothing moves any more.
        await life.run(12_000)
        await life.calmDown()
        const { rebalances } = life.world.coordinator
        await life.run(5_000)
        expect(life.world.coordinator.rebalances).toBe(rebalances)
        expect(life.world.isShared(...life.living), life.world.describe()).toBe(true)
        const copies = life.living.flatMap(({ membership }) => membership?.standbys ?? [])
        expect(copies.length).toBe(life.living.length > 1 ? 5 : 0)
      },
    ),
    { numRuns: 60 },
  )
  expect(commits).toBeGreaterThan(100)
}, 60_000)
