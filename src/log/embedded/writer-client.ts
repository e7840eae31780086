/** The way to the writer: in a thread of its own, or in the caller's. */
import { Worker } from 'node:worker_threads'
import { MillraceError, messageOf } from '../../core/error.ts'
import type { AppendBatch } from '../log.ts'
import { closedError } from './errors.ts'
import { Writer, type WriterOptions } from './writer.ts'
import {
  type AnyAnswer,
  type AnyAsk,
  type Answer,
  type Ask,
  fromFailure,
  type Reply,
  type WriteKind,
} from './writes.ts'

export interface WriteClient {
  /**
   * @param bytes 'transfer': the blocks' memory may be handed to the writer; 'keep': the caller
   * goes on using it
   * @returns when it is on disk
   */
  send<K extends WriteKind>(ask: Ask<K>, bytes?: 'transfer' | 'keep'): Promise<Answer<K>>
  /** Waits for what was sent; then ends the writer. Idempotent. */
  close(): Promise<void>
}

/**
 * Bytes of blocks under way to the writer; more waits here, so that a slow disk does not fill the
 * memory. [L6]
 */
const sentBytesMax = 32 << 20

interface Pending {
  readonly ask: AnyAsk
  readonly transfer: readonly ArrayBuffer[]
  readonly byteCount: number
  settle(reply: Reply): void
}

/** What the writer's thread is started with. */
export interface WorkerStart extends Omit<WriterOptions, 'faults'> {
  readonly maintainEveryMs: number | null
}
export type ToWorker = { readonly id: number; readonly ask: AnyAsk } | 'close'
export type FromWorker = readonly { readonly id: number; readonly reply: Reply }[]

/** Starts its thread with the first request; a thread that dies is replaced at the next one. */
export class ThreadClient implements WriteClient {
  readonly #start: WorkerStart
  readonly #onCommit: () => void
  #worker: Worker | null = null
  #nextId = 0
  #sentBytes = 0
  readonly #sent = new Map<number, Pending>()
  readonly #queue: Pending[] = []
  #onIdle: (() => void) | null = null
  #isClosed = false

  /** @param onCommit called after each answer that may stand for a commit */
  constructor(start: WorkerStart, onCommit: () => void) {
    this.#start = start
    this.#onCommit = onCommit
  }

  async send<K extends WriteKind>(
    ask: Ask<K>,
    bytes: 'transfer' | 'keep' = 'keep',
  ): Promise<Answer<K>> {
    if (this.#isClosed) throw closedError('the log')
    const packed = pack(ask as unknown as AnyAsk, bytes)
    const reply = await new Promise<Reply>((settle) => {
      this.#queue.push({ ...packed, settle })
      this.#flush()
    })
    return answerOf<K>(reply)
  }

  #flush(): void {
    while (this.#queue.length > 0 && (this.#sent.size === 0 || this.#sentBytes < sentBytesMax)) {
      const pending = this.#queue.shift() as Pending
      const id = this.#nextId++
      const worker = this.#running()
      if (this.#sent.size === 0) worker.ref() // the process lives until what it wrote is on disk
      this.#sent.set(id, pending)
      this.#sentBytes += pending.byteCount
      worker.postMessage({ id, ask: pending.ask } satisfies ToWorker, pending.transfer)
    }
  }

  #running(): Worker {
    if (this.#worker !== null) return this.#worker
    const file = import.meta.url.endsWith('.ts') ? './writer-worker.ts' : './writer-worker.js'
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: this.#start,
      execArgv: [], // not the program's: with `node --input-type=module -e` no file may be run
    })
    let problem = 'it ended'
    worker.on('message', (replies: FromWorker) => this.#receive(replies))
    worker.on('error', (error) => {
      problem = messageOf(error)
    })
    worker.on('exit', () => this.#lose(worker, problem))
    worker.unref()
    this.#worker = worker
    return worker
  }

  #receive(replies: FromWorker): void {
    for (const { id, reply } of replies) {
      const pending = this.#sent.get(id)
      if (pending === undefined) continue
      this.#sent.delete(id)
      this.#sentBytes -= pending.byteCount
      pending.settle(reply)
    }
    this.#flush()
    if (this.#sent.size === 0) {
      this.#worker?.unref()
      this.#onIdle?.()
    }
    this.#onCommit()
  }

  #lose(worker: Worker, problem: string): void {
    if (this.#worker !== worker) return
    this.#worker = null
    const lost = [...this.#sent.values()]
    this.#sent.clear()
    this.#sentBytes = 0
    for (const pending of lost) {
      pending.settle({
        failure: {
          code: 'commit-unknown',
          message: `the writer's thread was lost (${problem}); what it wrote may have happened`,
          hint: 'reopen what was written to and read its offsets',
          at: {},
          outcome: 'unknown',
        },
      })
    }
    this.#flush()
    if (this.#sent.size === 0) this.#onIdle?.()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#sent.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
    }
    const worker = this.#worker
    if (worker === null) return
    worker.ref()
    await new Promise<void>((resolve) => {
      worker.once('exit', () => resolve())
      worker.postMessage('close' satisfies ToWorker)
    })
  }
}

/**
 * Writes in the caller's thread: for tests that need it to be exact, and where threads are not to
 * be had.
 */
export class InlineClient implements WriteClient {
  readonly #writer: Writer
  readonly #onCommit: () => void
  readonly #queue: Pending[] = []
  #isClosed = false

  constructor(options: WriterOptions, onCommit: () => void) {
    this.#writer = new Writer(options)
    this.#onCommit = onCommit
  }

  async send<K extends WriteKind>(ask: Ask<K>): Promise<Answer<K>> {
    if (this.#isClosed) throw closedError('the log')
    const reply = await new Promise<Reply>((settle) => {
      this.#queue.push({ ask: ask as unknown as AnyAsk, transfer: [], byteCount: 0, settle })
      if (this.#queue.length === 1) queueMicrotask(() => this.#run())
    })
    return answerOf<K>(reply)
  }

  #run(): void {
    const taken = this.#queue.splice(0)
    const replies = this.#writer.run(taken.map(({ ask }) => ask))
    for (const [i, { settle }] of taken.entries()) settle(replies[i] as Reply)
    if (taken.length > 0) this.#onCommit()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#run()
    this.#writer.close()
  }
}

function answerOf<K extends WriteKind>(reply: Reply): Answer<K> {
  if ('failure' in reply) throw fromFailure(reply.failure)
  return reply.answer as AnyAnswer as Answer<K>
}

/**
 * Makes the blocks fit to cross to another thread, copying where their memory is kept or shared
 * with something else.
 */
function pack(ask: AnyAsk, bytes: 'transfer' | 'keep'): Omit<Pending, 'settle'> {
  const transfer = new Set<ArrayBuffer>()
  let byteCount = 0
  const own = (block: Uint8Array): Uint8Array => {
    if (block.byteLength === 0) return new Uint8Array(0)
    const whole = block.byteOffset === 0 && block.byteLength === block.buffer.byteLength
    const isFree = whole && block.buffer instanceof ArrayBuffer && !transfer.has(block.buffer)
    const mine = bytes === 'transfer' && isFree ? block : new Uint8Array(block)
    byteCount += mine.byteLength
    transfer.add(mine.buffer as ArrayBuffer)
    return mine
  }
  const ownBatch = (batch: AppendBatch): AppendBatch => ({
    topic: batch.topic,
    partition: batch.partition,
    bytes: own(batch.bytes),
  })
  if (ask.kind === 'append') ask = { ...ask, batches: ask.batches.map(ownBatch) }
  if (ask.kind === 'commit') {
    const { changelog } = ask
    ask = {
      ...ask,
      appends: ask.appends.map(ownBatch),
      changelog: changelog === null ? null : { ...changelog, bytes: own(changelog.bytes) },
    }
  }
  return { ask, transfer: [...transfer], byteCount }
}

/** For a log that was opened to be read only. */
export class RefusingClient implements WriteClient {
  readonly #place: string

  constructor(place: string) {
    this.#place = place
  }

  async send<K extends WriteKind>(): Promise<Answer<K>> {
    throw new MillraceError('log-read-only', `${this.#place} was opened to be read only`, {
      hint: 'open it without readOnly',
    })
  }

  async close(): Promise<void> {}
}
