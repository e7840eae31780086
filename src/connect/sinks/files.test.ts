import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { afterAll, test } from 'vitest'
import { systemClock, VirtualClock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import { systemRandom } from '../../core/random.ts'
import type { SinkPartition, SinkRecord } from '../sink.ts'
import { files } from './files.ts'
import type { FilesOptions } from './files.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-files-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const fresh = (): string => mkdtempSync(join(root, 'out-'))

const signal = new AbortController().signal
const attempt = { number: 1, signal }
const hour = 3_600_000
const startMs = Date.UTC(2024, 0, 1, 3)

function record(offset: number, value: unknown, time = startMs): SinkRecord {
  const place = { topic: 'p.s.outbox', partition: 0, offset }
  return { id: `p.s.outbox/0/${offset}`, key: null, value, time, ...place }
}

interface Writer {
  readonly clock: VirtualClock
  readonly partition: SinkPartition
  write(...records: readonly SinkRecord[]): Promise<void>
  close(): Promise<void>
}

async function open(
  options: FilesOptions,
  epoch = 1,
  clock: VirtualClock = new VirtualClock(startMs + 10 * 24 * hour),
): Promise<Writer> {
  const connection = await files('s', options).open({ clock, random: systemRandom, signal })
  const partition = await connection.take({ topic: 'p.s.outbox', partition: 0, epoch }, attempt)
  return {
    clock,
    partition,
    write: (...records) => partition.write(records, (records.at(-1)?.offset ?? 0) + 1, attempt),
    close: () => connection.close(),
  }
}

const finals = (dir: string): string[] => readdirSync(dir).filter((name) => !name.startsWith('.'))
const content = (dir: string): Record<string, string> =>
  Object.fromEntries(finals(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]))
const staged = (dir: string): string[] => readdirSync(join(dir, '.millrace')).toSorted()

async function until(is: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000 && !is(); turn++)
    await new Promise((resolve) => systemClock.after(1, () => resolve(null)))
  assert.ok(is())
}

test('hours of event time; a late record is in another file of its hour', async () => {
  const dir = fresh()
  const writer = await open({ dir, format: 'ndjson', lateness: '1m' })
  await writer.write(record(0, { n: 0 }), record(1, { n: 1 }, startMs + hour))
  assert.deepEqual(finals(dir), [], 'a minute may still be late')
  await writer.write(record(2, { n: 2 }, startMs + 5))
  await writer.write(record(3, { n: 3 }, startMs + hour + 60_000))
  assert.deepEqual(content(dir), {
    's-2024-01-01T03-p0-000000000000.ndjson': '{"n":0}\n{"n":2}\n',
  })
  await writer.write(record(4, { n: 4 }, startMs), record(7, { n: 7 }, startMs + 3 * hour))
  assert.deepEqual(content(dir), {
    's-2024-01-01T03-p0-000000000000.ndjson': '{"n":0}\n{"n":2}\n',
    's-2024-01-01T03-p0-000000000004.ndjson': '{"n":4}\n',
    's-2024-01-01T04-p0-000000000001.ndjson': '{"n":1}\n{"n":3}\n',
  })
  assert.equal(writer.partition.position, 8)
  await writer.close()
})

test('a window that nothing comes for is complete after its time', async () => {
  for (const by of ['event-time', 'arrival'] as const) {
    const dir = fresh()
    const writer = await open({ dir, format: 'ndjson', every: '1m', lateness: '10s', by })
    await writer.write(record(0, 0, 5))
    writer.clock.advance(59_000)
    for (let turn = 0; turn < 20; turn++) await systemClock.nextTurn()
    assert.deepEqual(finals(dir), [])
    writer.clock.advance(12_000)
    await until(() => finals(dir).length === 1)
    assert.match(
      finals(dir)[0] ?? '',
      by === 'arrival' ? /^s-2024-01-11T03-00-p0/ : /^s-1970-01-01T00-00-p0/,
    )
    await writer.close()
  }
})

test('a file that is large enough is complete', async () => {
  const dir = fresh()
  const writer = await open({ dir, format: 'ndjson', fileBytesMax: 20 })
  for (let n = 0; n < 5; n++) await writer.write(record(n, { n: 'xxxx' }))
  assert.equal(finals(dir).length, 2)
  await writer.close()
})

test('K5 after an end at any moment the position fits what is in the files', async () => {
  const dir = fresh()
  const options = { dir, format: 'csv', columns: ['n'], every: '1h', lateness: '0s' } as const
  const first = await open(options, 1)
  await first.write(record(0, { n: 0 }), record(1, { n: 1 }))
  await first.close()
  // Bytes that were written and not committed, and files that nobody knows.
  const rows = staged(dir).find((name) => name.endsWith('.rows')) ?? ''
  writeFileSync(join(dir, '.millrace', rows), 'n\n0\n1\nrubbish')
  writeFileSync(join(dir, '.millrace', 'p.s.outbox~0~1~9~0~7.rows'), 'rubbish')
  const second = await open(options, 2)
  assert.equal(second.partition.position, 2)
  await second.write(record(2, { n: 2 }), record(3, { n: 3 }, startMs + hour))
  assert.deepEqual(content(dir), { 's-2024-01-01T03-p0-000000000000.csv': 'n\n0\n1\n2\n' })
  assert.equal(staged(dir).length, 2, staged(dir).join())
  await second.close()
})

test('K5 who was fenced writes nothing any more', async () => {
  const dir = fresh()
  const options = { dir, format: 'ndjson', lateness: '0s' } as const
  const old = await open(options, 1)
  await old.write(record(0, 'old 0'))
  const taken = await open(options, 2)
  await taken.write(record(1, 'new 1'))
  await assert.rejects(old.write(record(1, 'old 1', startMs + hour)), (error) =>
    isCode(error, 'task-fenced'),
  )
  await taken.write(record(2, 'new 2'), record(3, 'end', startMs + 2 * hour))
  assert.deepEqual(content(dir), {
    's-2024-01-01T03-p0-000000000000.ndjson': '"old 0"\n"new 1"\n"new 2"\n',
  })
  await assert.rejects(open(options, 1), (error) => isCode(error, 'task-fenced'))
  // It comes back long after: the numbers that it knows are free again.
  const late = await open(options, 3)
  for (let n = 4; n < 9; n++) await late.write(record(n, n, startMs + 2 * hour))
  await assert.rejects(taken.write(record(4, 'x', startMs + 9 * hour)), (error) =>
    isCode(error, 'task-fenced'),
  )
  const again = await open(options, 4)
  assert.equal(again.partition.position, 9)
  await again.write(record(9, 9, startMs + 9 * hour))
  assert.equal(content(dir)['s-2024-01-01T05-p0-000000000003.ndjson'], '"end"\n4\n5\n6\n7\n8\n')
  for (const one of [old, taken, late, again]) await one.close()
})

test('a record that has no row is refused, and nothing of its batch is written', async () => {
  const dir = fresh()
  const writer = await open({ dir, format: 'ndjson', lateness: '0s' })
  for (const value of [undefined, 1n, () => 1]) {
    await assert.rejects(writer.write(record(0, 'a'), record(1, value)), (error) =>
      isCode(error, 'sink-refused'),
    )
  }
  assert.equal(writer.partition.position, null)
  await writer.write(record(0, 'a'), record(2, 'b', startMs + hour))
  assert.deepEqual(Object.values(content(dir)), ['"a"\n'])
  await writer.close()
})

test('CSV: quotes, dates, what is not there', async () => {
  const dir = fresh()
  const columns = ['a', 'b', 'toString']
  const writer = await open({ dir, format: 'csv', columns, delimiter: ';', lateness: '0s' })
  const value = { a: 'x;"y"\nz', b: new Date(0), c: 1 }
  await writer.write(
    record(0, value),
    record(1, { b: [1, 2n === 2n] }),
    record(2, { a: 0 }, startMs + hour),
  )
  assert.deepEqual(Object.values(content(dir)), [
    'a;b;toString\n"x;""y""\nz";1970-01-01T00:00:00.000Z;\n;[1,true];\n',
  ])
  await assert.rejects(writer.write(record(3, [1])), (error) => isCode(error, 'sink-refused'))
  await writer.close()
})

test('Parquet: types, nulls, large numbers, more than one group', async () => {
  const dir = fresh()
  const columns = {
    text: 'string',
    flag: 'boolean',
    small: 'int32',
    large: 'int64',
    real: 'double',
    at: 'timestamp',
    any: 'json',
  } as const
  const writer = await open({ dir, format: 'parquet', columns, lateness: '0s' })
  const value = {
    text: 'ä',
    flag: true,
    small: -5,
    large: 2 ** 50,
    real: 1,
    at: '2024-01-01T00:00:00Z',
    any: { a: [1] },
  }
  await writer.write(record(0, value), record(1, {}), record(2, { real: 0.5, large: 7n }))
  const many = Array.from({ length: 60_000 }, (_, i) => record(3 + i, { small: i }))
  await writer.write(...many)
  for (const wrong of [{ small: 0.5 }, { small: 2 ** 40 }, { real: 'x' }, { at: 'soon' }]) {
    await assert.rejects(writer.write(record(70_000, wrong)), (error) =>
      isCode(error, 'sink-refused'),
    )
  }
  await writer.write(record(70_000, {}, startMs + hour))
  const [name = ''] = finals(dir)
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(join(dir, name)) })
  assert.equal(rows.length, 60_003)
  assert.deepEqual(rows[0], {
    ...value,
    large: BigInt(2 ** 50),
    at: new Date(Date.UTC(2024, 0, 1)),
  })
  assert.equal(rows[1]?.['text'] ?? null, null)
  assert.equal(rows[2]?.['large'], 7n)
  assert.equal(rows[60_002]?.['small'], 59_999)
  assert.equal(staged(dir).filter((one) => !one.endsWith('.manifest')).length, 1)
  await writer.close()
})

test('a name that another file has is not written over, and is free again', async () => {
  const dir = fresh()
  const name = join(dir, 's-2024-01-01T03-p0-000000000000.ndjson')
  writeFileSync(name, 'mine')
  const writer = await open({ dir, format: 'ndjson', lateness: '0s' })
  const writing = writer.write(record(0, 0), record(1, 1, startMs + hour))
  await assert.rejects(writing, (error) => isCode(error, 'sink-unavailable'))
  assert.equal(readFileSync(name, 'utf8'), 'mine')
  await writer.close()
  rmSync(name)
  const again = await open({ dir, format: 'ndjson' }, 2)
  assert.equal(again.partition.position, 2)
  assert.equal(readFileSync(name, 'utf8'), '0\n')
  await again.close()
})

test('a damaged manifest is told, and nothing is written', async () => {
  const dir = fresh()
  const writer = await open({ dir, format: 'ndjson' })
  await writer.write(record(0, 0))
  await writer.close()
  const manifest = join(
    dir,
    '.millrace',
    staged(dir).find((one) => one.endsWith('.manifest')) ?? '',
  )
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"position":1', '"position":0'))
  await assert.rejects(open({ dir, format: 'ndjson' }, 2), (error) =>
    isCode(error, 'sink-unavailable'),
  )
})

test('a folder that cannot be written is away', async (context) => {
  if (process.getuid?.() === 0) return context.skip('root may write everywhere')
  const dir = fresh()
  chmodSync(dir, 0o500)
  await assert.rejects(open({ dir, format: 'ndjson' }), (error) =>
    isCode(error, 'sink-unavailable'),
  )
  chmodSync(dir, 0o700)
})

test('a folder that is taken away is away', async () => {
  const dir = fresh()
  const writer = await open({ dir, format: 'ndjson', lateness: '0s' })
  await writer.write(record(0, 0))
  rmSync(dir, { recursive: true })
  await assert.rejects(writer.write(record(1, 1, startMs + hour)), (error) =>
    isCode(error, 'sink-unavailable'),
  )
  assert.ok(!existsSync(dir))
  await writer.close()
})

test('a file that could not be completed when it was due is tried again by itself', async () => {
  const dir = fresh()
  const writer = await open({ dir, format: 'ndjson', every: '1m', lateness: '0s' })
  await writer.write(record(0, 0))
  // In the way: no manifest can be made.
  const stage = join(dir, '.millrace')
  renameSync(stage, `${stage}-away`)
  writer.clock.advance(61_000)
  for (let turn = 0; turn < 50; turn++) {
    await new Promise((resolve) => systemClock.after(1, () => resolve(null)))
    if (turn % 10 === 0) writer.clock.advance(5_000)
  }
  assert.deepEqual(finals(dir), [])
  renameSync(`${stage}-away`, stage)
  for (let turn = 0; turn < 400 && finals(dir).length === 0; turn++) {
    await new Promise((resolve) => systemClock.after(1, () => resolve(null)))
    writer.clock.advance(500)
  }
  assert.deepEqual(Object.values(content(dir)), ['0\n'])
  await writer.close()
})

test('options that cannot be are refused', () => {
  for (const wrong of [
    { dir: '' },
    { format: 'xml' },
    { by: 'chance' },
    { every: '0s' },
    { fileBytesMax: 0 },
    { columns: ['a'] },
    { format: 'csv' },
    { format: 'csv', columns: ['a', 'a'] },
    { format: 'csv', columns: ['a'], delimiter: '"' },
    { format: 'parquet', columns: { a: 'decimal' } },
    { format: 'parquet', columns: ['a'] },
    { order: 'key' },
    { lateness: 'later' },
  ]) {
    assert.throws(
      () => files('s', { dir: 'out', format: 'ndjson', ...wrong } as FilesOptions),
      (error) => isCode(error, 'invalid-argument') || isCode(error, 'invalid-duration'),
      JSON.stringify(wrong),
    )
  }
})
