/**
 * The seam to SQLite: opens a database with the settings that durability needs, keeps prepared
 * statements, and turns SQLite's error codes into `MillraceError`. Nothing else in this folder
 * knows `node:sqlite`.
 */
import { pathToFileURL } from 'node:url'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { MillraceError, messageOf, type ErrorCode } from '../../core/error.ts'

export type SqlValue = SQLInputValue

/** Called around COMMIT, so that tests can make it fail as a disk does. */
export interface Faults {
  beforeCommit?(): void
  afterCommit?(): void
}

export interface StoreOptions {
  /** 'immutable': the file is read without any lock, for a directory that cannot be written. */
  readonly mode: 'write' | 'query' | 'read-only' | 'immutable'
  /** How long SQLite waits for another process's write, ms. */
  readonly busyMs: number
  /** Largest size of the file in pages; SQLite's own limit where it is not given. */
  readonly pageCountMax?: number | undefined
}

/** A WAL that grew beyond this, because a reader or writer kept on, is cut back afterwards. */
const walBytesMax = 64 << 20

export class Store {
  readonly path: string
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** @throws `log-damaged` · `log-read-only` · `log-busy` · `log-failed` */
  constructor(path: string, options: StoreOptions) {
    this.path = path
    const { mode } = options
    const location = mode === 'immutable' ? immutableUrl(path) : path
    try {
      this.#db = new DatabaseSync(location, {
        readOnly: mode === 'read-only' || mode === 'immutable',
        timeout: options.busyMs,
        enableForeignKeyConstraints: false,
      })
    } catch (error) {
      throw storeError(error, path, 'open')
    }
    try {
      if (mode === 'write') this.#setDurable(options)
    } catch (error) {
      this.#db.close()
      throw storeError(error, path, 'open')
    }
  }

  #setDurable(options: StoreOptions): void {
    this.exec('PRAGMA synchronous = FULL')
    this.exec('PRAGMA fullfsync = 1') // macOS: fsync alone does not reach the disk there
    this.exec('PRAGMA checkpoint_fullfsync = 1')
    this.pragma('wal_autocheckpoint = 0') // wal-moves.ts
    this.pragma(`journal_size_limit = ${walBytesMax}`)
    this.exec('PRAGMA cache_size = -16000') // KiB
    if (options.pageCountMax !== undefined) this.pragma(`max_page_count = ${options.pageCountMax}`)
    const synchronous = this.pragma('synchronous')
    const journal = this.pragma('journal_mode')
    if (synchronous !== 2 || journal !== 'wal') {
      throw new MillraceError(
        'log-failed',
        `${this.path} is not durable: synchronous ${String(synchronous)}, ${String(journal)}`,
        { hint: 'put the data directory on a local disk: --data DIR' },
      )
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** The first row, or undefined. `Row` names the selected columns; the caller vouches for them. */
  get<Row extends object>(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined
  }

  all<Row extends object>(sql: string, ...values: SqlValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[]
  }

  /** Rows one at a time; the read transaction ends with the loop, so do not wait inside it. */
  iterate<Row extends object>(sql: string, ...values: SqlValue[]): IterableIterator<Row> {
    return this.#prepare(sql).iterate(...values) as unknown as IterableIterator<Row>
  }

  /** @returns the number of rows changed */
  run(sql: string, ...values: SqlValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes)
  }

  exec(sql: string): void {
    this.#db.exec(sql)
  }

  /** The one value that a pragma gives. */
  pragma(text: string): unknown {
    const row = this.#db.prepare(`PRAGMA ${text}`).get()
    return row === undefined ? undefined : Object.values(row)[0]
  }

  /**
   * A number that changes with every commit of any other connection, here or in another process.
   * About 2 µs.
   */
  dataVersion(): number {
    return (this.#prepare('PRAGMA data_version').get() as { data_version: number }).data_version
  }

  /** A function for SQL; what it throws is thrown by the statement. */
  define(name: string, work: (...values: SqlValue[]) => SqlValue): void {
    this.#db.function(name, { deterministic: true, varargs: true }, work)
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction
  }

  /** Idempotent. An open transaction is undone. */
  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }
}

function immutableUrl(path: string): URL {
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  return url
}

/** SQLITE_CORRUPT. */
const damaged = 11

const codes: Readonly<Record<number, { code: ErrorCode; text: string; hint: string }>> = {
  5: {
    code: 'log-busy',
    text: 'is held by another process',
    hint: 'see which other process uses the data directory, then try again',
  },
  6: { code: 'log-busy', text: 'is locked', hint: 'try again' },
  8: {
    code: 'log-read-only',
    text: 'cannot be written',
    hint: 'allow writing to the data directory, or choose another one: --data DIR',
  },
  11: {
    code: 'log-damaged',
    text: 'is damaged',
    hint: 'restore it from a copy, or choose another data directory: --data DIR',
  },
  13: {
    code: 'disk-full',
    text: 'cannot grow: no room is left',
    hint: 'make room on the disk, then try again; everything acknowledged is kept',
  },
  14: {
    code: 'log-read-only',
    text: 'cannot be opened',
    hint: 'make the data directory writable, or choose another one: --data DIR',
  },
  18: {
    code: 'record-too-large',
    text: 'cannot hold a block that large',
    hint: 'append smaller batches',
  },
  26: {
    code: 'log-damaged',
    text: 'is not a data file of Millrace, or is damaged',
    hint: 'restore it from a copy, or choose another data directory: --data DIR',
  },
}

/** SQLite's extended result code, or 0 where `thrown` is no SQLite error. */
export function sqliteCode(thrown: unknown): number {
  if (!(thrown instanceof Error) || !('errcode' in thrown)) return 0
  return typeof thrown.errcode === 'number' ? thrown.errcode : 0
}

/**
 * What SQLite threw, as a `MillraceError`; one that is already is given back.
 * @param during what was done, as a verb; 'commit' makes everything but "full" and "busy" an
 * unknown outcome, since the
 *   transaction may be found in the WAL after a crash
 */
export function storeError(thrown: unknown, path: string, during: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  const extended = sqliteCode(thrown)
  // A number beyond what is exact in JavaScript: nobody wrote one.
  const isNumber = thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_OUT_OF_RANGE'
  const known = codes[isNumber ? damaged : extended & 0xff]
  const detail = `SQLite ${extended}: ${messageOf(thrown)}`
  if (during === 'commit' && known?.code !== 'disk-full' && known?.code !== 'log-busy') {
    return new MillraceError(
      'commit-unknown',
      `a commit to ${path} failed; it may have happened (${detail})`,
      {
        hint: 'reopen what was written to and read its offsets; check the disk if it happens again',
        outcome: 'unknown',
        cause: thrown,
      },
    )
  }
  if (known !== undefined) {
    return new MillraceError(known.code, `${path} ${known.text} (${detail})`, {
      hint: known.hint,
      cause: thrown,
    })
  }
  return new MillraceError('log-failed', `could not ${during} ${path} (${detail})`, {
    hint: 'check the disk and the permissions of the data directory, then try again',
    cause: thrown,
  })
}
