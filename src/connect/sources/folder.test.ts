import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
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
import type { SourceBatch } from '../source.ts'
import { defineSourceConformance } from '../source.conformance.ts'
import { folderSource } from './folder.ts'
import type { FolderPosition, FolderSourceOptions } from './folder.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-folder-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const fresh = (): string => mkdtempSync(join(root, 'in-'))

const lines = (name: string, count: number): string =>
  Array.from({ length: count }, (_, i) => `${name}/${i}\n`).join('')

interface Reading {
  readonly lines: string[]
  readonly notices: string[]
  position: FolderPosition | null
  until(count: number): Promise<void>
  quiet(): Promise<void>
  /** Ends as a crash does: what was given last is not known to be committed. */
  close(): Promise<void>
}

function read(
  folder: string,
  options: Partial<FolderSourceOptions> = {},
  from: FolderPosition | null = null,
): Reading {
  const clock = new VirtualClock(5)
  const stopping = new AbortController()
  const notices: string[] = []
  const source = folderSource(folder, { format: 'lines', settle: '0s', ...options })
  const context = { signal: stopping.signal, clock, random: seededRandom(1) }
  const iterator = source
    .open(from, { ...context, notice: (text) => notices.push(text) })
    [Symbol.asyncIterator]()
  let next: Promise<IteratorResult<SourceBatch<FolderPosition>>> | null = null
  const step = async (turns: number): Promise<SourceBatch<FolderPosition> | null> => {
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
    assert.notEqual(result.done, true)
    return result.value as SourceBatch<FolderPosition>
  }
  const take = (batch: SourceBatch<FolderPosition>): void => {
    reading.lines.push(...batch.records.map(({ value }) => Buffer.from(value ?? '').toString()))
    reading.position = batch.position
  }
  const reading: Reading = {
    lines: [],
    notices,
    position: from,
    async until(count) {
      while (reading.lines.length < count) {
        const batch = await step(4_000)
        assert.ok(batch !== null, `only ${reading.lines.length} of ${count} lines came`)
        take(batch)
      }
    },
    async quiet() {
      for (let batch = await step(80); batch !== null; batch = await step(80)) {
        assert.deepEqual(batch.records, [])
        take(batch)
      }
    },
    async close() {
      stopping.abort()
      await next?.catch(() => {})
      await iterator.return?.()
    },
  }
  return reading
}

const expected = (...files: readonly (readonly [string, number])[]): string[] =>
  files.flatMap(([name, count]) => Array.from({ length: count }, (_, i) => `${name}/${i}`))

{
  const folder = fresh()
  const pad = 'x'.repeat(4_000)
  for (let file = 0; file < 40; file++) {
    const rows = Array.from({ length: 50 }, (_, i) => JSON.stringify({ at: file * 50 + i, pad }))
    const name = join(folder, `${String(file).padStart(3, '0')}.ndjson`)
    writeFileSync(file % 3 === 0 ? `${name}.gz` : name, pack(rows.join('\n'), file % 3 === 0))
  }
  defineSourceConformance<FolderPosition>(test, {
    name: 'folder',
    source: () =>
      folderSource(folder, { format: 'ndjson', time: 'at', settle: '0s', batch: 20, key: 'at' }),
    compare: (a, b) =>
      a.fileCount - b.fileCount || (a.current?.offset ?? 0) - (b.current?.offset ?? 0),
    stepMs: 100,
    batchesMax: 30,
    openLog: openMemoryLog,
  })
}

function pack(text: string, isPacked: boolean): string | Buffer {
  return isPacked ? gzipSync(text) : text
}

test('files are read by name, those that match, each once', async () => {
  const folder = fresh()
  for (const name of ['b.txt', 'a.txt', '.c.txt', 'd.tmp']) {
    writeFileSync(join(folder, name), lines(name, 2))
  }
  mkdirSync(join(folder, 'e.txt'))
  const reading = read(folder, { match: '*.txt' })
  await reading.until(4)
  await reading.quiet()
  renameSync(join(folder, '.c.txt'), join(folder, 'c.txt'))
  await reading.until(6)
  writeFileSync(join(folder, 'A.txt'), lines('A.txt', 1)) // before all, by name: not long ago
  await reading.until(7)
  await reading.quiet()
  await reading.close()
  const wished = expected(['a.txt', 2], ['b.txt', 2], ['.c.txt', 2], ['A.txt', 1])
  assert.deepEqual(reading.lines, wished)
  const again = read(folder, { match: '*.txt' }, reading.position)
  await again.quiet()
  await again.close()
  assert.deepEqual(again.lines, [])
})

test('by time of change, where that is asked for', async () => {
  const folder = fresh()
  for (const [name, time] of [
    ['a', 300],
    ['b', 100],
    ['c', 200],
  ] as const) {
    writeFileSync(join(folder, name), lines(name, 1))
    utimesSync(join(folder, name), time, time)
  }
  const reading = read(folder, { order: 'mtime' })
  await reading.until(3)
  await reading.close()
  assert.deepEqual(reading.lines, expected(['b', 1], ['c', 1], ['a', 1]))
})

test('a file that is being written is left alone until it rests', async () => {
  const folder = fresh()
  const reading = read(folder, { settle: '10s', poll: '1s' })
  writeFileSync(join(folder, 'a'), 'a/0\na/')
  // The clock moves 100 ms a ms here: 3 s.
  for (let i = 0; i < 3; i++) {
    const before = reading.lines.length
    await new Promise((resolve) => systemClock.after(10, () => resolve(null)))
    assert.equal(before, 0)
  }
  writeFileSync(join(folder, 'a'), lines('a', 2))
  await reading.until(2)
  assert.deepEqual(reading.lines, expected(['a', 2]))
  await reading.close()
})

for (const how of ['delete', 'move'] as const) {
  test(`done files: ${how}, only after the commit, and a name may come again`, async () => {
    const folder = fresh()
    const done = join(folder, 'done')
    const path = join(folder, 'a')
    const options = { whenDone: how === 'move' ? { move: done } : how, batch: 2 } as const
    writeFileSync(path, lines('a', 4))
    const reading = read(folder, options)
    await reading.until(4)
    assert.ok(existsSync(path), 'its last commit is not known yet')
    await reading.quiet()
    assert.ok(!existsSync(path))
    writeFileSync(path, lines('again', 1))
    await reading.until(5)
    await reading.quiet()
    assert.ok(!existsSync(path))
    assert.deepEqual(reading.lines, expected(['a', 4], ['again', 1]))
    if (how === 'move') assert.deepEqual(readdirSync(done), ['a', 'a.1'])
    await reading.close()
  })

  test(`killed before the ${how}: it is made up for, another file of the name is not`, async () => {
    const folder = fresh()
    const path = join(folder, 'a')
    const options = { whenDone: how === 'move' ? { move: join(folder, 'done') } : how } as const
    writeFileSync(path, lines('a', 2))
    const reading = read(folder, options)
    await reading.until(2)
    await reading.close()
    while (reading.position?.done.length === 0) assert.fail('it was not done')
    assert.ok(existsSync(path))
    const again = read(folder, options, reading.position)
    await again.quiet()
    assert.ok(!existsSync(path))
    writeFileSync(path, lines('other', 1))
    const third = read(folder, options, reading.position)
    await third.until(1)
    assert.deepEqual([...again.lines, ...third.lines], expected(['other', 1]))
    await again.close()
    await third.close()
  })
}

test('the position stays small, a name that comes far too late is told and not read', async () => {
  const folder = fresh()
  const count = 1_700 // more than one listing has
  for (let i = 0; i < count; i++) writeFileSync(join(folder, `f${1000 + i}`), `${i}\n`)
  const reading = read(folder)
  await reading.until(count)
  await reading.quiet()
  assert.ok((reading.position?.done.length ?? 0) <= 256)
  assert.equal(reading.position?.fileCount, count)
  writeFileSync(join(folder, 'a'), 'late\n')
  await reading.quiet()
  await reading.close()
  const again = read(folder, {}, reading.position)
  await again.quiet()
  await again.close()
  assert.deepEqual(again.lines, [])
  assert.equal(new Set(reading.lines).size, count)
  assert.match(reading.notices.join(), /^a came too late/)
  assert.equal(reading.notices.length, 1)
})

test('a file that is taken away while it is read is told', async () => {
  const folder = fresh()
  writeFileSync(join(folder, 'a'), lines('a', 10))
  const reading = read(folder, { batch: 2 })
  await reading.until(4)
  await reading.close()
  rmSync(join(folder, 'a'))
  writeFileSync(join(folder, 'b'), lines('b', 1))
  const again = read(folder, { batch: 2 }, reading.position)
  await again.until(1)
  assert.deepEqual(again.lines, ['b/0'])
  assert.match(again.notices.join(), /a was taken away .* 4 lines/)
  await again.close()
})

test('options that cannot be are refused', () => {
  for (const options of [
    { order: 'size' },
    { whenDone: 'burn' },
    { match: 5 },
    { settle: 'soon' },
    { mtach: 'a' },
  ]) {
    assert.throws(
      () => folderSource('in', { format: 'lines', ...options } as FolderSourceOptions),
      (error) => isCode(error, 'invalid-argument') || isCode(error, 'invalid-duration'),
    )
  }
})
