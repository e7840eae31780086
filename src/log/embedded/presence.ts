/**
 * Who has the log open: each one holds a shared lock on one file, which the operating system drops
 * with the process. Asked and entered under the lock that `openForReading` holds, so that two who
 * come at once do not take each other for somebody who was there before.
 */
import { join } from 'node:path'
import { sqliteCode, Store, storeError } from './db.ts'

const busy = 5

export class Presence {
  readonly #store: Store

  /** Not entered yet. The directory of locks is there. @throws `log-read-only` · `log-failed` */
  constructor(dir: string) {
    this.#store = new Store(join(dir, 'locks', 'open.lock'), { mode: 'query', busyMs: 0 })
  }

  /** True where nobody else has entered, in this process neither. @throws `log-failed` */
  isAlone(): boolean {
    const { path } = this.#store
    try {
      this.#store.pragma('journal_mode = MEMORY') // no journal file beside the lock
      this.#store.exec('BEGIN EXCLUSIVE')
      this.#store.exec('ROLLBACK') // a commit would write, even nothing
      return true
    } catch (error) {
      if ((sqliteCode(error) & 0xff) === busy) return false
      throw storeError(error, path, 'lock')
    }
  }

  /** @throws `log-failed` */
  enter(): void {
    try {
      this.#store.exec('BEGIN')
      this.#store.all('SELECT 1 FROM sqlite_master') // of an empty file, but the lock is taken
    } catch (error) {
      throw storeError(error, this.#store.path, 'lock')
    }
  }

  /** Idempotent. Before the log's own connection is closed, so that who is seen has it open. */
  leave(): void {
    this.#store.close()
  }
}
