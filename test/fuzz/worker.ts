/**
 * Fuzzes targets on a thread of its own, with a bounded heap: what hangs or takes all memory ends
 * the thread and not the fuzzer. Each input is written to shared memory before it runs.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { seededRandom } from '../../src/core/random.ts'
import { Coverage } from './coverage.ts'
import { fuzzLoop } from './fuzz-loop.ts'
import { sharedHeadBytes } from './order.ts'
import type { News, Order } from './order.ts'
import { loadTarget } from './targets.ts'

async function work(name: string, order: Order): Promise<void> {
  const { isGuided, shared } = order
  tell({ kind: 'begun', target: name })
  const target = await loadTarget(name)
  const subject = await target.open()
  const coverage = isGuided ? new Coverage((url) => /\/src\/[^?]*\.ts$/.test(url)) : null
  const counters = new Int32Array(shared, 0, 2)
  const space = new Uint8Array(shared, sharedHeadBytes)
  const file = order.inputPath === '' ? null : openSync(order.inputPath, 'w')
  const began = performance.now()
  const report = await fuzzLoop({
    target,
    subject,
    random: seededRandom(order.seed),
    coverage,
    isOver: (executions) => executions >= order.executions || performance.now() - began >= order.ms,
    onInput(bytes) {
      space.set(bytes.subarray(0, space.length))
      Atomics.store(counters, 1, bytes.length)
      Atomics.add(counters, 0, 1)
      if (file !== null) keepInput(file, bytes)
    },
    onFound: ({ input, ...found }) =>
      tell({ kind: 'found', found: { ...found, input: input.toString('base64') } }),
  })
  coverage?.close()
  if (file !== null) closeSync(file)
  await subject.close?.()
  tell({ kind: 'done', report, ms: performance.now() - began })
}

/** Written in one call; the length in front says how much of the file is this input's. */
function keepInput(file: number, bytes: Buffer): void {
  const head = Buffer.alloc(4)
  head.writeUInt32LE(bytes.length)
  writeSync(file, Buffer.concat([head, bytes]), 0, 4 + bytes.length, 0)
}

function tell(news: News): void {
  parentPort?.postMessage(news)
}

const order = workerData as Order
for (const name of order.targets) await work(name, order)
