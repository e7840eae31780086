import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import { systemClock, VirtualClock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import { systemRandom } from '../../core/random.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import { defineSourceConformance } from '../source.conformance.ts'
import { replay } from '../sources/replay.ts'
import type { ReplayPosition } from '../sources/replay.ts'
import { recording } from './recording.ts'
import type { RecordingOptions } from './recording.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-recording-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let files = 0
function fileOf(text: string): string {
  const path = join(root, `${files++}.csv`)
  writeFileSync(path, text)
  return path
}

const startMs = Date.UTC(2024, 0, 1)
const iso = (seconds: number): string => new Date(startMs + seconds * 1000).toISOString()
const csv = { format: 'csv', time: 'at', key: 'n' } as const

const many = fileOf(
  ['n,at', ...Array.from({ length: 400 }, (_, i) => `${i},${iso(i - (i % 7))}`)].join('\n'),
)
defineSourceConformance<ReplayPosition>(test, {
  name: 'recording in a file',
  source: () => replay({ recording: recording(many, csv), speed: 20 }),
  compare: (a, b) => a.arrivesAt - b.arrivesAt || a.row - b.row,
  stepMs: 50,
  batchesMax: 40,
  openLog: openMemoryLog,
})

/** Knows whether anybody waits for it. */
class WatchedClock extends VirtualClock {
  waiting = 0

  override after(delayMs: number, run: () => void): () => void {
    this.waiting += 1
    let isWaiting = true
    const over = (): void => {
      if (isWaiting) this.waiting -= 1
      isWaiting = false
    }
    const cancel = super.after(delayMs, () => {
      over()
      run()
    })
    return () => {
      over()
      cancel()
    }
  }
}

test('rows come as fast as asked, in the order of the file', async () => {
  const [first, second, third, last] = [0, 60, 30, 90].map(iso)
  const rows = ['0,nonsense', `1,${first}`, `2,${second}`, `3,${third}`, `"4\n5,${last}"`]
  const path = fileOf(['n,at', ...rows].join('\n'))
  const clock = new WatchedClock()
  const seen: string[] = []
  const source = replay({ recording: recording(path, csv), speed: 60 })
  const context = { clock, random: systemRandom, notice: () => {} }
  const reading = (async () => {
    for await (const { records } of source.open(null, {
      ...context,
      signal: new AbortController().signal,
    }))
      for (const { value, time } of records) {
        const text = Buffer.from(value ?? '').toString()
        const isFirst = time === startMs
        seen.push(`${(clock.now() / 1000).toFixed(1)} ${text.slice(0, 8)} ${isFirst}`)
      }
  })()
  let isOver = false
  const end = (): void => {
    isOver = true
  }
  reading.then(end, end)
  while (!isOver) {
    await systemClock.nextTurn()
    // Not while the disk is waited for, however long that takes.
    if (clock.waiting > 0) clock.advance(1)
  }
  await reading
  assert.deepEqual(
    seen.map((line) => line.replace(/^(\d)\.[01] /, '$1.0 ')),
    [
      '0.0 {"n":"0" true',
      '0.0 {"n":"1" true',
      '1.0 {"n":"2" false',
      '1.0 {"n":"3" false',
      '1.0 "4\n5,202 false',
    ],
  )
})

test('a file without times, and options that cannot be', async () => {
  const source = replay({ recording: recording(fileOf('n,at\n1,\n'), csv), speed: 1 })
  const context = {
    clock: new VirtualClock(),
    random: systemRandom,
    notice: () => {},
    signal: new AbortController().signal,
  }
  await assert.rejects(
    source.open(null, context)[Symbol.asyncIterator]().next(),
    (error) => isCode(error, 'invalid-argument') && /has a time/.test(error.message),
  )
  for (const wrong of [{ format: 'csv' }, { ...csv, batch: 5 }, { ...csv, format: 'xml' }]) {
    assert.throws(
      () => recording('a', wrong as RecordingOptions),
      (error) => isCode(error, 'invalid-argument'),
    )
  }
})
