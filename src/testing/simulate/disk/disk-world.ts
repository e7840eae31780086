/**
 * Simulated processes on one machine with a disk: what was not synced is lost with the power, a
 * sync fails, the disk is full for a while. A process that dies reads the file anew, as far as it
 * was the last one that had it open.
 */
import type { Clock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import { seededRandom } from '../../../core/random.ts'
import type { Log } from '../../../log/log.ts'
import { MemoryStore } from '../../../log/memory/memory-store.ts'
import type { Committed, DiskTrouble, World } from '../world.ts'
import { type DiskLog, openDiskLog } from './disk-log.ts'
import { type DiskFault, DiskModel, type DiskStep } from './disk-model.ts'
import { DiskStorage } from './disk-storage.ts'

export class DiskWorld implements World {
  readonly #disk: DiskModel
  readonly #storage: DiskStorage
  readonly #logs = new Map<number, DiskLog>()
  #next: DiskTrouble | null = null
  #bytesMax = Number.POSITIVE_INFINITY
  /** So many writers of the input have the log open. */
  #undisturbed = 0

  /** @param seed decides what is left of what was not synced */
  constructor(seed: number) {
    const meet = (step: DiskStep): DiskFault | null => this.#meet(step)
    this.#disk = new DiskModel({ random: seededRandom(seed), meet })
    this.#storage = new DiskStorage({ disk: this.#disk })
  }

  #meet(step: DiskStep): DiskFault | null {
    const next = this.#undisturbed > 0 ? null : this.#next
    if (next !== 'power-loss' && !(next === 'sync-fails' && step === 'sync')) return null
    // As often with the frame in the cache as before it.
    if (next === 'power-loss' && step === 'write' && this.#disk.random.int(2) === 0) return null
    this.#next = null
    return next === 'power-loss' ? next : 'fails'
  }

  get committed(): Committed {
    return this.#storage.store ?? new MemoryStore()
  }

  async open(process: number, clock: Clock): Promise<Log> {
    if (process === 0) return this.#writer(clock)
    const log = await openDiskLog({ storage: this.#storage, clock })
    this.#logs.set(process, log)
    return log
  }

  /** Whoever writes the input has the log open for a moment at a time. */
  async #writer(clock: Clock): Promise<Log> {
    const log = await openDiskLog({ storage: this.#storage, clock })
    await log.close()
    return {
      ...log,
      createTopic: (...args) => this.#undisturb(clock, (opened) => opened.createTopic(...args)),
      append: (...args) => this.#undisturb(clock, (opened) => opened.append(...args)),
    }
  }

  /** The disk is well meanwhile; but a process may lose the power, and then nothing was done. */
  async #undisturb<R>(clock: Clock, work: (log: DiskLog) => Promise<R>): Promise<R> {
    const { losses } = this.#disk
    this.#undisturbed += 1
    this.#limit()
    try {
      const log = await openDiskLog({ storage: this.#storage, clock })
      try {
        return await work(log)
      } finally {
        await log.close()
      }
    } catch (thrown) {
      const isLost = thrown instanceof MillraceError && thrown.code === 'log-closed'
      if (!isLost || losses === this.#disk.losses) throw thrown
      return await this.#undisturb(clock, work)
    } finally {
      this.#undisturbed -= 1
      this.#limit()
    }
  }

  crashed(process: number): void {
    void this.#logs.get(process)?.crash()
    this.#logs.delete(process)
  }

  powerLost(): void {
    this.#next = null
    this.#disk.losePower()
  }

  trouble(what: DiskTrouble): void {
    if (what === 'full') this.#bytesMax = this.#disk.bytes
    else this.#next = what
    this.#limit()
  }

  makeRoom(): void {
    this.#bytesMax = Number.POSITIVE_INFINITY
    this.#limit()
  }

  #limit(): void {
    this.#disk.bytesMax = this.#undisturbed > 0 ? Number.POSITIVE_INFINITY : this.#bytesMax
  }
}

/** Whoever runs a pipeline starts it again when the disk made it end. */
export function isOfDisk(thrown: unknown): boolean {
  const code = thrown instanceof MillraceError ? thrown.code : ''
  return code === 'disk-full' || code === 'log-failed' || code === 'commit-unknown'
}
