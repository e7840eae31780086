/**
 * The writer's thread: takes all requests that wait, commits them together, answers, and uses the
 * time between for upkeep.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../core/clock.ts'
import type { FromWorker, ToWorker, WorkerStart } from './writer-client.ts'
import { Writer } from './writer.ts'
import type { AnyAsk } from './writes.ts'

type Numbered = Exclude<ToWorker, 'close'>

const port = parentPort
if (port !== null) serve(port, workerData as WorkerStart)

function serve(parent: NonNullable<typeof parentPort>, start: WorkerStart): void {
  const writer = new Writer(start)
  let cancelUpkeep: (() => void) | null = null

  const takeAll = (first: ToWorker): { asks: Numbered[]; isClosing: boolean } => {
    const asks: Numbered[] = []
    let message: ToWorker | undefined = first
    while (message !== undefined && message !== 'close') {
      asks.push(message)
      message = receiveMessageOnPort(parent)?.message as ToWorker | undefined
    }
    return { asks, isClosing: message === 'close' }
  }

  const run = (asks: readonly Numbered[]): void => {
    if (asks.length === 0) return
    const replies = writer.run(asks.map(({ ask }) => ask))
    parent.postMessage(asks.map(({ id }, i) => ({ id, reply: replies[i] })) as FromWorker)
  }

  const serveAll = (first: ToWorker): void => {
    const { asks, isClosing } = takeAll(first)
    // Upkeep after the rest, so that nobody waits for it.
    run(asks.filter(({ ask }) => ask.kind !== 'maintain'))
    for (const one of asks.filter(({ ask }) => ask.kind === 'maintain')) run([one])
    if (!isClosing) return
    cancelUpkeep?.()
    writer.close()
    parent.close()
  }

  /** One slice, then whoever waits, then the next slice. */
  const upkeep = (): void => {
    const ask: AnyAsk = { kind: 'maintain', nowMs: systemClock.now(), extent: 'due' }
    const [reply] = writer.run([ask])
    const hasMore = reply !== undefined && 'answer' in reply && reply.answer === 'more'
    cancelUpkeep = systemClock.after(hasMore ? 1 : (start.maintainEveryMs ?? 0), upkeep)
  }

  parent.on('message', serveAll)
  if (start.maintainEveryMs !== null)
    cancelUpkeep = systemClock.after(start.maintainEveryMs, upkeep)
}
