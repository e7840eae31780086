/**
 * Where the processes of a simulated run keep what they keep: the storage under the log, with what
 * a crash and a power cut do to it. The faults that the log's user sees (a commit refused, an
 * answer lost, a hand-over) are put on top of it, the same for every world.
 */
import type { Clock } from '../../core/clock.ts'
import type { RecordBatch } from '../../log/batch.ts'
import type { Log } from '../../log/log.ts'
import { openMemoryLog, type MemoryLog } from '../../log/memory/memory-log.ts'
import { MemoryStore } from '../../log/memory/memory-store.ts'

/** What a disk does: its next sync fails, it has no room, or the power goes at its next step. */
export type DiskTrouble = 'sync-fails' | 'full' | 'power-loss'

/** The run that a world is made for. */
export interface WorldRun {
  /** Of its faults; null: there are none. */
  readonly seed: number | null
  /** A line for the trace. */
  readonly note: (text: string) => void
}

export type MakeWorld = (run: WorldRun) => World

/** One for each run; empty at first. */
export interface World {
  /**
   * A handle on the log for one process. Called once for each process, in the order of their
   * starts, and with number 0 for whoever writes the input.
   * @param clock the process's: it stands still with it
   */
  open(process: number, clock: Clock): Log | Promise<Log>
  /**
   * A process died: nobody will ask anything of its handle any more, nor close it. What it had
   * acknowledged is kept; a commit under way either is there as a whole or is not there.
   */
  crashed(process: number): void
  /**
   * The power went: called when every process has crashed, before another one starts. What was
   * acknowledged is kept, as the log contract has it [L5]; nothing else has to be.
   */
  powerLost(): void
  /** The disk, where there is one, gets into trouble. It is over at once, or with `makeRoom`. */
  trouble?(what: DiskTrouble): void
  /** The disk is full no more. */
  makeRoom?(): void
  /** Its log shares tasks out itself among all processes that join. Default: false. */
  readonly hasMembers?: boolean
  /** How much longer than in memory everything takes, about. Default 1. */
  readonly slowness?: number
  /**
   * The task that wrote a record. Default: as the receipts of commits say, which is enough where
   * each that takes effect gets one, or a process writes alone.
   */
  taskOf?(topic: string, partition: number, offset: number): string
  /** What is committed at this moment. The run only looks at it. */
  readonly committed: Committed
}

/** The committed contents of a log, to be looked at without waiting. */
export interface Committed {
  readonly topics: Pick<
    ReadonlyMap<string, { readonly partitions: readonly CommittedPartition[] }>,
    'get'
  >
  /** Of each task that has been opened: its next offsets, by `topic/partition`. */
  tasksOf(
    pipeline: string,
  ): readonly { readonly offsets: ReadonlyMap<string, { readonly offset: number }> }[]
}

export interface CommittedPartition {
  readonly partition: number
  readonly startOffset: number
  readonly endOffset: number
  /** The batch that holds the offset, or the next one after it; null at the end. */
  read(offset: number): RecordBatch | null
}

/** Puts a log between the engine and the memory log: for tests with a wrong one. */
export type WrapLog = (
  log: MemoryLog,
  storage: { readonly store: MemoryStore; readonly notes: Map<string, unknown> },
) => Log

/** All in memory, and all that was acknowledged is kept. */
export class MemoryWorld implements World {
  readonly committed = new MemoryStore()
  readonly #wrap: WrapLog
  readonly #notes = new Map<string, unknown>()

  /** @param wrap puts a log between the processes and the memory log; default: none */
  constructor(wrap: WrapLog = (log) => log) {
    this.#wrap = wrap
  }

  open(process: number, clock: Clock): Log {
    const log = openMemoryLog({ store: this.committed, clock })
    // Whoever writes the input does it right.
    return process === 0 ? log : this.#wrap(log, { store: this.committed, notes: this.#notes })
  }

  crashed(_process: number): void {}

  powerLost(): void {}
}
