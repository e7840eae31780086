import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import { systemRandom } from '../../core/random.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import type { Source } from '../source.ts'
import { defineSourceConformance } from '../source.conformance.ts'
import { stdinSource } from './stdin.ts'
import type { StdinPosition } from './stdin.ts'

defineSourceConformance<StdinPosition>(test, {
  name: 'stdin',
  source() {
    const rows = Array.from({ length: 200 }, (_, n) => `{"n":${n}}\n`)
    const input = Readable.from(rows, { objectMode: false })
    return stdinSource({ format: 'ndjson', batch: 7, input })
  },
  compare: (a, b) => a.offset - b.offset,
  stepMs: 10,
  batchesMax: 40,
  openLog: openMemoryLog,
})

const context = (signal: AbortSignal) => ({
  signal,
  clock: systemClock,
  random: systemRandom,
  notice: () => {},
})

async function some(
  source: Source<StdinPosition>,
  from: StdinPosition | null,
  batches: number,
): Promise<{ lines: string[]; positions: StdinPosition[] }> {
  const lines: string[] = []
  const positions: StdinPosition[] = []
  for await (const batch of source.open(from, context(new AbortController().signal))) {
    lines.push(...batch.records.map(({ value }) => Buffer.from(value ?? '').toString()))
    positions.push(batch.position)
    if (positions.length === batches) break
  }
  return { lines, positions }
}

test('it ends with its input, the last line without line end too', async () => {
  const input = new PassThrough()
  const source = stdinSource({ format: 'lines', input })
  input.write('one\ntw')
  systemClock.after(5, () => input.end('o\nthree'))
  assert.deepEqual((await some(source, null, 9)).lines, ['one', 'two', 'three'])
})

test('opened again in the process it gives what was not committed, nothing twice', async () => {
  const input = Readable.from(['a\nb\nc\nd\n'], { objectMode: false })
  const source = stdinSource({ format: 'lines', batch: 2, input })
  const first = await some(source, null, 1)
  assert.deepEqual(first.lines, ['a', 'b'])
  assert.deepEqual((await some(source, null, 1)).lines, ['a', 'b'], 'it was not committed')
  const rest = await some(source, first.positions[0] ?? null, 9)
  assert.deepEqual(rest.lines, ['c', 'd'])
})

test('back-pressure: what is not asked for is not read', async () => {
  let given = 0
  const input = new Readable({
    highWaterMark: 1_000,
    read() {
      given += 1
      this.push(`${'x'.repeat(99)}\n`)
    },
  })
  const source = stdinSource({ format: 'lines', batch: 10, input })
  const iterator = source.open(null, context(new AbortController().signal))[Symbol.asyncIterator]()
  await iterator.next()
  for (let turn = 0; turn < 100; turn++) await systemClock.nextTurn()
  assert.ok(given < 60, `${given} lines were read for a batch of 10`)
  await iterator.return?.()
  input.destroy()
})

test('an input that fails is told', async () => {
  const input = new PassThrough()
  systemClock.after(5, () => input.destroy(new Error('torn')))
  await assert.rejects(
    some(stdinSource({ format: 'lines', input }), null, 9),
    (error) => isCode(error, 'source-failed') && /torn/.test(error.message),
  )
})

test('the standard input of a real process, which ends though its input is open', async () => {
  const door = fileURLToPath(new URL('../../index.ts', import.meta.url))
  const program = `
    import { from, run, stdinSource, string, topic } from ${JSON.stringify(door)}
    const words = topic('words', { codec: string() })
    let count = 0
    const running = await run(
      [from(stdinSource({ format: 'lines' })).to(words), from(words).forEach(() => { count += 1 })],
      { log: 'memory', notify: (event) => {
        if (event.kind === 'failed') throw event.error
      } },
    )
    while (count < 30000) await new Promise((resolve) => setTimeout(resolve, 5))
    process.stdout.write(JSON.stringify([count, running.sources()[0].state]))
    await running.stop()
  `
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString()
  })
  child.stdin.write(Array.from({ length: 30_000 }, (_, n) => `word ${n}\n`).join(''))
  await once(child, 'close')
  assert.equal(output, '[30000,"running"]')
})
