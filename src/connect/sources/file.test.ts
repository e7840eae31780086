import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, test } from 'vitest'
import { systemClock, VirtualClock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import { seededRandom } from '../../core/random.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import type { SourceBatch, SourceRecord } from '../source.ts'
import { defineSourceConformance } from '../source.conformance.ts'
import { fileSource } from './file.ts'
import type { FilePosition, FileSourceOptions } from './file.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-file-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const fresh = (name: string): string => {
  const folder = join(root, String(folders++))
  writeFileSync(join(mkdtempSync(`${folder}-`), 'x'), '')
  return join(mkdtempSync(`${folder}-`), name)
}

const text = ({ value }: SourceRecord): string =>
  typeof value === 'string' ? value : Buffer.from(value ?? []).toString()

interface Reading {
  readonly lines: string[]
  readonly records: SourceRecord[]
  readonly notices: string[]
  position: FilePosition | null
  /** Reads until so many lines were given, or it ended. */
  until(count: number): Promise<'ended' | 'there'>
  /** Looks around for a while; nothing may come. */
  quiet(): Promise<void>
  close(): Promise<void>
}

function read(path: string, options: FileSourceOptions, from: FilePosition | null = null): Reading {
  const clock = new VirtualClock(5)
  const stopping = new AbortController()
  const notices: string[] = []
  const iterator = fileSource(path, options)
    .open(from, {
      signal: stopping.signal,
      clock,
      random: seededRandom(1),
      notice: (notice) => notices.push(notice),
    })
    [Symbol.asyncIterator]()
  let next: Promise<IteratorResult<SourceBatch<FilePosition>>> | null = null
  const step = async (turns: number): Promise<IteratorResult<SourceBatch<FilePosition>> | null> => {
    let isPending = true
    next ??= iterator.next()
    const settle = (): void => {
      isPending = false
    }
    next.then(settle, settle)
    for (let turn = 0; isPending && turn < turns; turn++) {
      await new Promise((resolve) => systemClock.after(1, () => resolve(null)))
      if (isPending) clock.advance(100)
    }
    if (isPending) return null
    const result = await next
    next = null
    return result
  }
  const reading: Reading = {
    lines: [],
    records: [],
    notices,
    position: from,
    async until(count) {
      while (reading.lines.length < count) {
        const result = await step(4_000)
        assert.ok(result !== null, `only ${reading.lines.length} of ${count} lines came`)
        if (result.done === true) return 'ended'
        reading.records.push(...result.value.records)
        reading.lines.push(...result.value.records.map(text))
        reading.position = result.value.position
      }
      return 'there'
    },
    async quiet() {
      assert.equal(await step(60), null, 'something came')
    },
    async close() {
      stopping.abort()
      await next?.catch(() => {})
      await iterator.return?.()
    },
  }
  return reading
}

async function all(path: string, options: FileSourceOptions): Promise<Reading> {
  const reading = read(path, options)
  assert.equal(await reading.until(Number.POSITIVE_INFINITY), 'ended')
  return reading
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `{"n":${from + i},"at":${1000 + from + i}}\n`).join(
    '',
  )
const numbers = (reading: Reading): number[] =>
  reading.lines.map((line) => (JSON.parse(line) as { n: number }).n)
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)
const ndjson = { format: 'ndjson', key: 'n', time: 'at' } as const
const following = { ...ndjson, follow: true } as const

for (const [name, options] of [
  ['finished', ndjson],
  ['growing', following],
] as const) {
  const path = fresh('rows.ndjson')
  // Long lines: not many are read at once, so that a run can be stopped before the end.
  const pad = 'x'.repeat(4_000)
  const row = (n: number): string => `${JSON.stringify({ n, at: 1_000 + n, pad })}\n`
  writeFileSync(path, range(0, 2_000).map(row).join(''))
  defineSourceConformance<FilePosition>(test, {
    name: `file, ${name}`,
    source: () => fileSource(path, { ...options, batch: 20 }),
    compare: (a, b) => a.offset - b.offset,
    stepMs: 50,
    batchesMax: 20,
    openLog: openMemoryLog,
  })
}
{
  const path = fresh('rows.csv.gz')
  const rows = range(0, 300).map((n) => `${n},"line\nof ${n}",${n}\r\n`)
  writeFileSync(path, gzipSync(`n,text,at\r\n${rows.join('')}`))
  defineSourceConformance<FilePosition>(test, {
    name: 'file, packed CSV',
    source: () =>
      fileSource(path, { format: 'csv', types: { at: 'number' }, key: 'n', time: 'at', batch: 20 }),
    compare: (a, b) => a.offset - b.offset,
    stepMs: 50,
    batchesMax: 20,
    openLog: openMemoryLog,
  })
}

test('NDJSON: byte order mark, CRLF, empty lines, what is no JSON and no UTF-8', async () => {
  const path = fresh('a.ndjson')
  const bad = Buffer.concat([Buffer.from('{"n":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])
  const head = Buffer.from('\uFEFF{"n":1,"at":"2024-01-01"}\r\n\r\n{"n":tru\n')
  writeFileSync(path, Buffer.concat([head, bad, Buffer.from('\n{"n":3}')]))
  const { records, lines: given } = await all(path, ndjson)
  assert.deepEqual(given.slice(0, 2), ['{"n":1,"at":"2024-01-01"}', '{"n":tru'])
  assert.deepEqual(Buffer.from((records[2]?.value as Uint8Array) ?? []), bad)
  assert.deepEqual(
    records.map(({ key, time }) => [key, time < 1e9 ? 'read' : time]),
    [
      ['1', Date.UTC(2024, 0, 1)],
      [null, 'read'],
      [null, 'read'],
      ['3', 'read'],
    ],
  )
})

test('CSV: quotes, types, columns by option, rows that do not fit', async () => {
  const path = fresh('a.csv')
  writeFileSync(path, 'name;n;ok\n"a;""b""\nc";1.5;true\nx;;no\ntoo;few\n"a"b;1;true\n')
  const options = { format: 'csv', delimiter: ';', types: { n: 'number', ok: 'boolean' } } as const
  assert.deepEqual((await all(path, options)).lines, [
    '{"name":"a;\\"b\\"\\nc","n":1.5,"ok":true}',
    '{"name":"x","n":null,"ok":"no"}',
    'too;few',
    '"a"b;1;true',
  ])
  const named = await all(path, { ...options, types: {}, columns: ['a', 'b', '__proto__'] })
  assert.equal(named.lines[0], '{"a":"name","b":"n","__proto__":"ok"}')
})

test('a finished file gives its last line without line end; text has empty lines', async () => {
  const path = fresh('a.txt')
  writeFileSync(path, 'one\n\nthree')
  assert.deepEqual((await all(path, { format: 'lines' })).lines, ['one', '', 'three'])
})

test('a line that is too long ends it, and its number is told', async () => {
  const path = fresh('a.ndjson')
  writeFileSync(path, `${lines(0, 3)}"${'x'.repeat(200)}"\n`)
  const options = { ...ndjson, lineBytesMax: 100, batch: 2 }
  const reading = read(path, options)
  await reading.until(2)
  const again = read(path, options, reading.position)
  for (const one of [reading, again]) {
    await assert.rejects(
      one.until(9),
      (error) =>
        isCode(error, 'record-too-large') && error.at.line === 4 && error.retry === 'never',
    )
    await one.close()
  }
})

test('a growing file: a line is taken when its end is there', async () => {
  const path = fresh('app.log')
  const reading = read(path, following)
  await reading.quiet() // it is not there yet
  writeFileSync(path, `${lines(0, 2)}{"n":2,`)
  await reading.until(2)
  await reading.quiet()
  appendFileSync(path, `"at":7}\n`)
  await reading.until(3)
  assert.deepEqual(numbers(reading), [0, 1, 2])
  await reading.close()
})

test('a renamed file is read to its end, its last line without line end too', async () => {
  const path = fresh('app.log')
  writeFileSync(path, lines(0, 3))
  const reading = read(path, following)
  await reading.until(3)
  renameSync(path, `${path}.1`)
  await reading.quiet()
  writeFileSync(path, lines(5, 7))
  appendFileSync(`${path}.1`, lines(3, 4)) // its writer has not noticed yet
  appendFileSync(`${path}.1`, lines(4, 5).trimEnd())
  await reading.until(7)
  assert.deepEqual(numbers(reading), range(0, 7))
  assert.deepEqual(reading.notices, [])
  await reading.close()
})

test('renamed twice while nobody read: the rest, the one between, the new one', async () => {
  const path = fresh('app.log')
  writeFileSync(path, lines(0, 3))
  const before = read(path, { ...following, batch: 2 })
  await before.until(2)
  await before.close()
  const step = (): Promise<unknown> =>
    new Promise((resolve) => systemClock.after(20, () => resolve(null)))
  renameSync(path, `${path}.1`)
  await step()
  writeFileSync(path, lines(3, 5))
  renameSync(`${path}.1`, `${path}.2`)
  renameSync(path, `${path}.1`)
  await step()
  writeFileSync(path, lines(5, 6))
  const after = read(path, following, before.position)
  await after.until(4)
  assert.deepEqual(numbers(after), range(2, 6))
  assert.deepEqual(after.notices, [])
  await after.close()
})

test('a file that is cut short is read from its start, and that is told', async () => {
  const path = fresh('app.log')
  writeFileSync(path, lines(0, 5))
  const reading = read(path, following)
  await reading.until(5)
  truncateSync(path, 0)
  appendFileSync(path, lines(5, 6))
  await reading.until(6)
  assert.deepEqual(numbers(reading), range(0, 6))
  assert.match(reading.notices.join(), /cut short/)
  // Cut, and written on farther than it was: only what it begins with tells.
  truncateSync(path, 0)
  appendFileSync(path, lines(60, 90))
  await reading.until(36)
  assert.deepEqual(numbers(reading).slice(6), range(60, 90))
  assert.equal(reading.notices.length, 2)
  await reading.close()
})

test('another file with the inode of the one before is noticed', async () => {
  const path = fresh('app.log')
  writeFileSync(path, lines(0, 5))
  const before = read(path, following)
  await before.until(5)
  await before.close()
  // The same inode, as when it is reused: rewritten in place.
  writeFileSync(path, lines(100, 120))
  const after = read(path, following, before.position)
  await after.until(20)
  assert.deepEqual(numbers(after), range(100, 120))
  assert.match(after.notices.join(), /gone or was cut short/)
  await after.close()
})

test('a growing CSV resumed in its middle knows its columns', async () => {
  const path = fresh('a.csv')
  writeFileSync(path, 'n,at\n0,1\n1,1\n')
  const options = { format: 'csv', follow: true, batch: 1 } as const
  const before = read(path, options)
  await before.until(1)
  await before.close()
  const after = read(path, options, before.position)
  await after.until(1)
  assert.deepEqual(after.lines, ['{"n":"1","at":"1"}'])
  await after.close()
})

test('a file that is not there, and options that cannot be', async () => {
  await assert.rejects(all(fresh('none'), ndjson), (error) => isCode(error, 'file-not-found'))
  const refused = (path: string, options: object): void => {
    assert.throws(
      () => fileSource(path, options as FileSourceOptions),
      (error) => isCode(error, 'invalid-argument'),
    )
  }
  refused('', ndjson)
  refused('a', { format: 'xml' })
  refused('a', { ...ndjson, folow: true })
  refused('a.gz', following)
  refused('a', { ...ndjson, delimiter: ';' })
  refused('a', { format: 'csv', delimiter: '"' })
  refused('a', { format: 'csv', columns: ['a', 'a'] })
  refused('a', { format: 'lines', key: 'n' })
  refused('a', { ...ndjson, batch: 0 })
  refused('a', { ...following, poll: '0s' })
})
