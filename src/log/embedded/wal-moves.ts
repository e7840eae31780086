/**
 * Moving the WAL into the main file. By ourselves, not by SQLite's `wal_autocheckpoint`: that moves
 * what readers and other writers leave it, and syncs the main file only with the last of it. Were
 * that fsync to fail, what an earlier one had moved would count as moved, and on no disk would it
 * be (see wal.ts); then the WAL is begun anew. `FULL` waits for both, and moves and syncs all of it
 * at once; what fails is moved again.
 */
import { sqliteCode, type Store } from './db.ts'

/**
 * Pages in the WAL after which a commit moves them into the main file: 32 MiB. Of 3000 commits of
 * 100 KB the slowest took 12 ms at 1000 pages, 22 at 2000, 38 at 4000 and 134 at 16,000, the
 * slowest 1 % more than 8.5, 2.3, 1.9 and 1.6 ms; appends a second did not differ by more than the
 * runs did (2026-11-23, the mean of two runs each, with SQLite's own checkpoint).
 */
const pagesDue = 2000
/**
 * Waited for readers and other writers, ms: they are done in less. One that stands still (a process
 * that was stopped in the middle of a read) holds a commit up no longer, and that once for each
 * `pagesDue`.
 */
const waitMs = 100

interface WalRow {
  readonly busy: number
  /** Pages in the WAL. */
  readonly log: number
  /** Of these, in the main file as well. */
  readonly checkpointed: number
}

export class WalMoves {
  readonly #store: Store
  readonly #busyMs: number
  #due = pagesDue

  /** @param busyMs what the store waits for others otherwise */
  constructor(store: Store, busyMs: number) {
    this.#store = store
    this.#busyMs = busyMs
  }

  /**
   * About 1 µs where nothing is due. What fails is tried again later: the WAL has everything.
   * @throws nothing that SQLite says: the commit is down
   */
  afterCommit(): void {
    const { log, checkpointed } = this.#look()
    if (log < pagesDue) this.#due = pagesDue
    else if (log >= this.#due && checkpointed < log) {
      this.#due = log + pagesDue
      this.moveAll()
    }
  }

  #look(): WalRow {
    const nothing: WalRow = { busy: 0, log: 0, checkpointed: 0 }
    try {
      return this.#store.get<WalRow>('PRAGMA wal_checkpoint(NOOP)') ?? nothing
    } catch (error) {
      if (sqliteCode(error) === 0) throw error
      return nothing
    }
  }

  /** @throws nothing that SQLite says */
  moveAll(): void {
    try {
      this.#store.pragma(`busy_timeout = ${waitMs}`)
      this.#store.pragma('wal_checkpoint(FULL)')
    } catch (error) {
      if (sqliteCode(error) === 0) throw error
    } finally {
      this.#store.pragma(`busy_timeout = ${this.#busyMs}`)
    }
  }
}
