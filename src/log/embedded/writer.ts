/**
 * Writes to the file. Requests that wait together share one transaction and one fsync (group
 * commit); one that fails is rolled back alone. Runs in the writer's thread, or in the caller's
 * (`writer: 'inline'`). [L1, L5]
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { MillraceError } from '../../core/error.ts'
import { appendAll, type AppendContext } from './append.ts'
import { Catalog } from './catalog.ts'
import { type Faults, Store, storeError } from './db.ts'
import { Maintenance } from './maintenance.ts'
import {
  commitGroup,
  commitTask,
  deleteGroup,
  joinPipeline,
  leavePipeline,
  openTask,
} from './tasks.ts'
import { trim } from './trim.ts'
import { useRowSums } from './row-sums.ts'
import { WalMoves } from './wal-moves.ts'
import { type AnyAnswer, type AnyAsk, type Reply, toFailure } from './writes.ts'

export interface WriterOptions {
  readonly path: string
  /** The file that wakes readers in other processes. */
  readonly wakePath: string
  readonly busyMs: number
  readonly pageCountMax?: number | undefined
  readonly faults?: Faults | undefined
}

interface Connection {
  readonly store: Store
  readonly catalog: Catalog
  readonly maintenance: Maintenance
  readonly walMoves: WalMoves
}

const wakeByte = new Uint8Array(1)

export class Writer {
  readonly #options: WriterOptions
  #connection: Connection | null = null
  #wakeFile: number | null = null

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /**
   * Never throws: each request gets its answer or its failure, in order. All are on disk when it
   * returns.
   */
  run(asks: readonly AnyAsk[]): Reply[] {
    if (asks.length > 1) {
      try {
        return this.#transact(asks)
      } catch (error) {
        const failure = storeError(error, this.#options.path, 'write')
        // Nobody knows what a commit that failed has done, so none of it may be tried again; and
        // who was kept waiting for the lock once need not be kept waiting for each request.
        if (failure.outcome === 'unknown' || failure.code === 'log-busy')
          return asks.map(() => failed(failure))
      }
    }
    return asks.map((ask) => {
      try {
        return this.#transact([ask])[0] as Reply
      } catch (error) {
        return failed(storeError(error, this.#options.path, 'write'))
      }
    })
  }

  #transact(asks: readonly AnyAsk[]): Reply[] {
    const { path, faults } = this.#options
    const connection = this.#connect()
    const { store, catalog } = connection
    let replies: Reply[]
    try {
      store.run('BEGIN IMMEDIATE')
      catalog.begin()
      replies = asks.map((ask) => this.#apply(connection, ask, asks.length > 1))
    } catch (error) {
      this.#rollback(connection)
      throw storeError(error, path, 'write')
    }
    if (replies.every((reply) => 'failure' in reply)) {
      this.#rollback(connection)
      return replies
    }
    try {
      faults?.beforeCommit?.()
      store.run('COMMIT')
      faults?.afterCommit?.()
    } catch (error) {
      const failure = storeError(error, path, 'commit')
      // Its page cache and its view of the WAL may be ahead of the disk: begin anew from the file.
      if (failure.outcome === 'unknown') this.#disconnect()
      else this.#rollback(connection)
      throw failure
    }
    this.#wakeOthers()
    connection.walMoves.afterCommit()
    return replies
  }

  /**
   * One request inside the transaction. What SQLite throws is for the whole transaction and goes
   * up.
   */
  #apply({ store, catalog, maintenance }: Connection, ask: AnyAsk, shared: boolean): Reply {
    if (shared) store.run('SAVEPOINT request')
    try {
      const nowMs = 'nowMs' in ask ? ask.nowMs : 0
      const answer = perform({ store, catalog, nowMs }, maintenance, ask)
      if (shared) store.run('RELEASE request')
      return { answer }
    } catch (error) {
      if (!(error instanceof MillraceError) || !store.inTransaction) throw error
      catalog.forget()
      if (shared) {
        store.run('ROLLBACK TO request')
        store.run('RELEASE request')
      }
      return failed(error)
    }
  }

  #connect(): Connection {
    if (this.#connection !== null) return this.#connection
    const { path, busyMs, pageCountMax } = this.#options
    const store = new Store(path, { mode: 'write', busyMs, pageCountMax })
    useRowSums(store)
    this.#connection = {
      store,
      catalog: new Catalog(store),
      maintenance: new Maintenance(store),
      walMoves: new WalMoves(store, busyMs),
    }
    return this.#connection
  }

  #rollback({ store, catalog, maintenance }: Connection): void {
    catalog.forget()
    maintenance.reset()
    try {
      if (store.inTransaction) store.run('ROLLBACK')
    } catch {
      this.#disconnect() // closing undoes the transaction as well
    }
  }

  #disconnect(): void {
    const connection = this.#connection
    this.#connection = null
    connection?.store.close()
  }

  /** A hint only: whoever misses it looks again after a second (wake.ts). */
  #wakeOthers(): void {
    try {
      this.#wakeFile ??= openSync(this.#options.wakePath, 'a')
      writeSync(this.#wakeFile, wakeByte, 0, 1, 0)
    } catch {
      return
    }
  }

  /** Moves the WAL into the main file, and closes. Idempotent. */
  close(): void {
    this.#connection?.walMoves.moveAll() // what is not moved now, the next writer moves
    this.#disconnect()
    if (this.#wakeFile !== null) closeSync(this.#wakeFile)
    this.#wakeFile = null
  }
}

function failed(error: MillraceError): Reply {
  return { failure: toFailure(error) }
}

function perform(context: AppendContext, maintenance: Maintenance, ask: AnyAsk): AnyAnswer {
  const { catalog } = context
  switch (ask.kind) {
    case 'append':
      return appendAll(context, ask.batches, ask.stamp)
    case 'commit':
      return commitTask(context, ask)
    case 'open-task':
      return openTask(context, ask)
    case 'create-topic':
      return catalog.create(ask.name, ask.config, ask.nowMs)
    case 'alter-topic':
      return catalog.alter(ask.name, ask.config)
    case 'delete-topic':
      return catalog.delete(ask.name)
    case 'trim':
      return trim(context, ask)
    case 'commit-group':
      return commitGroup(context, ask)
    case 'delete-group':
      return deleteGroup(context, ask)
    case 'join':
      return joinPipeline(context, ask)
    case 'leave':
      return leavePipeline(context, ask)
    case 'maintain':
      return maintenance.slice(ask.nowMs, ask.extent)
  }
}
