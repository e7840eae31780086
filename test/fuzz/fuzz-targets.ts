/** Fuzzes targets on a thread, and sees when that hangs or runs out of memory. */
import { Worker } from 'node:worker_threads'
import type { LoopReport } from './fuzz-loop.ts'
import { sharedHeadBytes } from './order.ts'
import type { News, Order } from './order.ts'

/** An input that takes longer, by the clock, ends the thread. */
const hangMs = 30_000
const lookMs = 500
const heapMb = 256
const inputBytesMax = 1 << 20

/** An input by which a target fails. */
export interface Failure {
  readonly target: string
  readonly text: string
  readonly base64: string
}

export interface TargetReport {
  readonly target: string
  readonly loop: LoopReport
  readonly ms: number
}

export interface Outcome {
  readonly failures: readonly Failure[]
  /** Of the targets that came to their end. */
  readonly reports: readonly TargetReport[]
}

export async function fuzzTargets(wish: Omit<Order, 'shared'>): Promise<Outcome> {
  const shared = new SharedArrayBuffer(sharedHeadBytes + inputBytesMax)
  const order: Order = { ...wish, shared }
  const failures: Failure[] = []
  const reports: TargetReport[] = []
  let target = ''
  const { promise, resolve } = Promise.withResolvers<void>()
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  const fail = (text: string): void => {
    failures.push({ target, text, base64: inputIn(shared) })
    resolve()
  }
  worker.on('message', (news: News) => {
    if (news.kind === 'begun') ({ target } = news)
    else if (news.kind === 'done') reports.push({ target, loop: news.report, ms: news.ms })
    else failures.push({ target, text: news.found.text, base64: news.found.input })
  })
  worker.on('error', (thrown: unknown) => {
    fail(`the thread ended: ${thrown instanceof Error ? thrown.stack : String(thrown)}`)
  })
  worker.on('exit', () => resolve())
  const stop = watch(shared, () => fail(`an input took more than ${hangMs} ms`))
  await promise
  stop()
  await worker.terminate()
  return { failures, reports }
}

/** Calls `onHang` where the same input is in hand for too long. @returns ends it */
function watch(shared: SharedArrayBuffer, onHang: () => void): () => void {
  const counters = new Int32Array(shared, 0, 2)
  let last = -1
  let sameMs = 0
  const timer = setInterval(() => {
    const now = Atomics.load(counters, 0)
    sameMs = now === last && now > 0 ? sameMs + lookMs : 0
    last = now
    if (sameMs < hangMs) return
    clearInterval(timer)
    onHang()
  }, lookMs)
  return () => clearInterval(timer)
}

function inputIn(shared: SharedArrayBuffer): string {
  const [, length = 0] = new Int32Array(shared, 0, 2)
  return Buffer.from(new Uint8Array(shared, sharedHeadBytes, length)).toString('base64')
}
