/** C2, and L1, L3, L5 for appends: atomic, in order, kept; idempotent with a stamp. */
import assert from 'node:assert/strict'
import type { AppendBatch, Log, ProducerStamp } from '../log.ts'
import { type CaseHarness, type LogCase, logCase } from './log-case.ts'
import { Written } from './written.ts'
import {
  batchOf,
  errorOf,
  partitionInfo,
  type ProbeRecord,
  readAll,
  recordsOf,
  refuses,
  valuesOf,
} from './log-probe.ts'

export const appendCases: readonly LogCase[] = [
  logCase('L3 batches get offsets that rise, each partition its own', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { partitions: 2 })
    const batches = [
      batchOf('t', 1, 'a', 'b'),
      batchOf('t', 0, 'c'),
      batchOf('t', 1, 'd', 'e', 'f'),
    ]
    const written = new Written(harness)
    written.take(await log.append(batches), [
      ['t', 1, 2],
      ['t', 0, 1],
      ['t', 1, 3],
    ])
    written.take(await log.append([batchOf('t', 1, 'g')]), [['t', 1, 1]])
    const seen = await readAll(harness, log, 't', 1)
    assert.deepEqual(
      seen.map((record) => record.offset),
      written.of('t', 1),
    )
    assert.deepEqual(valuesOf(seen), ['a', 'b', 'd', 'e', 'f', 'g'])
    assert.deepEqual(valuesOf(await readAll(harness, log, 't', 0)), ['c'])
  }),
  logCase('L3 appends at the same time follow one another whole', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t')
    const appends = await Promise.all(
      Array.from({ length: 20 }, (_, i) => log.append([batchOf('t', 0, `${i}a`, `${i}b`)])),
    )
    const values = valuesOf(await readAll(harness, log))
    assert.equal(values.length, 40)
    for (const [i, [appended]] of appends.entries()) {
      const base = appended?.baseOffset ?? -1
      assert.deepEqual(values.slice(base, base + 2), [`${i}a`, `${i}b`])
    }
  }),
  logCase('L1 an append with one bad batch does nothing at all', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { partitions: 2, recordBytesMax: 10 })
    const good = (): AppendBatch[] => [batchOf('t', 0, 'a'), batchOf('t', 1, 'b')]
    const bad = [
      ['unknown-topic', batchOf('nowhere', 0, 'c')],
      ['unknown-partition', batchOf('t', 2, 'c')],
      ['unknown-partition', batchOf('t', -1, 'c')],
      ['record-too-large', batchOf('t', 1, 'c', 'x'.repeat(11))],
    ] as const
    for (const [code, batch] of bad) {
      const append = (): unknown => log.append([...good(), batch, ...good()])
      await refuses(code, append, `a batch for ${batch.topic}/${batch.partition}`)
      await expectCounts(harness, log, [0, 0])
    }
    await log.append(good())
    assert.deepEqual(valuesOf(await readAll(harness, log, 't', 0)), ['a'])
    assert.deepEqual(valuesOf(await readAll(harness, log, 't', 1)), ['b'])
  }),
  logCase('C2 keys, values, times and headers come back as they were', roundTrips),
  logCase('C2 record times of any kind come back as they were', oddTimes, ['any-time']),
  logCase('C2 the largest allowed record is accepted, one byte more is not', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { recordBytesMax: 100 })
    const sized = (value: number, headers: ProbeRecord['headers'] = []): AppendBatch =>
      recordsOf('t', 0, [{ key: 'k', value: 'x'.repeat(value), timeMs: 1, headers }])
    await log.append([sized(99)])
    await refuses('record-too-large', () => log.append([sized(100)]), 'key and value')
    const header = [{ name: 'h', value: Buffer.alloc(99) }]
    await refuses('record-too-large', () => log.append([sized(1, header)]), 'headers')
    // The limit is on records: many small ones make a batch of any size.
    await log.append([batchOf('t', 0, ...Array.from({ length: 50 }, () => 'y'.repeat(90)))])
    await expectCounts(harness, log, [51])
  }),
  logCase('C2 a topic takes records of up to a mebibyte by default', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t')
    const large = 'x'.repeat(1_048_575) // and one byte of key
    await log.append([batchOf('t', 0, large)])
    await refuses('record-too-large', () => log.append([batchOf('t', 0, `${large}x`)]), 'larger')
    assert.deepEqual(valuesOf(await readAll(harness, log)), [large])
  }),
  logCase('C2 a compacted topic refuses a record without key', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { cleanup: 'compact' })
    const batch = recordsOf('t', 0, [
      { key: 'a', value: '1', timeMs: 1 },
      { key: null, value: '2', timeMs: 1 },
    ])
    await errorOf(() => log.append([batch]), 'a record without key')
    await expectCounts(harness, log, [0])
    await log.append([recordsOf('t', 0, [{ key: '', value: null, timeMs: 1 }])])
  }),
  logCase('C2 the blocks of a stamped append can be given again', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t')
    const batches = [batchOf('t', 0, 'a', 'b')]
    const first = await log.append(batches, { producer: 'x', sequence: 0 })
    assert.deepEqual(await log.append(batches, { producer: 'x', sequence: 0 }), first)
    await log.append(batches, { producer: 'y', sequence: 0 })
    assert.deepEqual(valuesOf(await readAll(harness, log)), ['a', 'b', 'a', 'b'])
  }),
  logCase('C2 a repeated stamp gives the first offsets and writes nothing', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { partitions: 2 })
    const batches = (): AppendBatch[] => [batchOf('t', 0, 'a', 'b'), batchOf('t', 1, 'c')]
    const stamp = { producer: 'x', sequence: 0 }
    const pair = [
      ['t', 0, 2],
      ['t', 1, 1],
    ] as const
    const written = new Written(harness)
    written.take(await log.append([batchOf('t', 0, 'before')]), [['t', 0, 1]])
    const first = await log.append(batches(), stamp)
    written.take(first, pair)
    written.take(await log.append([batchOf('t', 0, 'after')]), [['t', 0, 1]])
    assert.deepEqual(await log.append(batches(), stamp), first)
    assert.deepEqual(valuesOf(await readAll(harness, log)), ['before', 'a', 'b', 'after'])
    const second = await log.append(batches(), { producer: 'x', sequence: 1 })
    written.take(second, pair)
    assert.deepEqual(await log.append(batches(), { producer: 'x', sequence: 1 }), second)
    await expectCounts(harness, log, [6, 2])
  }),
  logCase('C2 a lower or skipped number is refused and writes nothing', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t')
    const append = (sequence: number): Promise<unknown> =>
      log.append([batchOf('t', 0, 'a')], { producer: 'x', sequence })
    await refuses('invalid-argument', () => append(1), 'the first number is 0')
    await append(0)
    await append(1)
    for (const sequence of [0, 3, -1, 0.5]) {
      await refuses('invalid-argument', () => append(sequence), `number ${sequence}`)
    }
    await expectCounts(harness, log, [2])
    await append(2)
  }),
  logCase('C2 numbers count for each producer and partition', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { partitions: 2 })
    const append = (producer: string, partition: number, sequence: number): Promise<unknown> =>
      log.append([batchOf('t', partition, producer)], { producer, sequence })
    await append('x', 0, 0)
    await append('x', 0, 1)
    await append('x', 1, 0)
    await append('y', 0, 0)
    await refuses('invalid-argument', () => append('y', 0, 2), 'a gap of the other producer')
    await expectCounts(harness, log, [3, 1])
    const longest = 'p'.repeat(249)
    await append(longest, 0, 0)
    for (const producer of ['', `${longest}p`]) {
      await refuses('invalid-argument', () => append(producer, 0, 0), `'${producer}'`)
    }
  }),
  logCase('C2 a refused append leaves its number free', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { recordBytesMax: 10 })
    const stamp: ProducerStamp = { producer: 'x', sequence: 0 }
    const large = (): unknown => log.append([batchOf('t', 0, 'x'.repeat(20))], stamp)
    await refuses('record-too-large', large, 'a large record')
    await log.append([batchOf('t', 0, 'a')], stamp)
    assert.deepEqual(valuesOf(await readAll(harness, log)), ['a'])
  }),
  logCase(
    'L5 what was acknowledged is there after reopening, and numbers go on',
    async (harness) => {
      const log = await harness.open()
      await log.createTopic('t', { partitions: 2 })
      const batches = [batchOf('t', 0, 'a', 'b'), batchOf('t', 1, 'c')]
      const first = await log.append(batches, { producer: 'x', sequence: 0 })
      const written = new Written(harness)
      written.take(first, [
        ['t', 0, 2],
        ['t', 1, 1],
      ])
      const before = [await readAll(harness, log, 't', 0), await readAll(harness, log, 't', 1)]
      await log.close()
      const again = await harness.open()
      assert.deepEqual(await readAll(harness, again, 't', 0), before[0])
      assert.deepEqual(await readAll(harness, again, 't', 1), before[1])
      const repeat = [batchOf('t', 0, 'a', 'b'), batchOf('t', 1, 'c')]
      assert.deepEqual(await again.append(repeat, { producer: 'x', sequence: 0 }), first)
      const gap = { producer: 'x', sequence: 2 }
      await refuses('invalid-argument', () => again.append([batchOf('t', 0, 'd')], gap), 'a gap')
      const next = await again.append([batchOf('t', 0, 'd')], { producer: 'x', sequence: 1 })
      written.take(next, [['t', 0, 1]])
      assert.deepEqual(valuesOf(await readAll(harness, again)), ['a', 'b', 'd'])
    },
    ['reopen'],
  ),
  logCase(
    'L5 an append is kept although the log is closed right after it',
    async (harness) => {
      let log = await harness.open()
      await log.createTopic('t')
      const wanted: string[] = []
      const written = new Written(harness)
      for (let i = 0; i < 5; i++) {
        wanted.push(`${i}a`, `${i}b`)
        const appended = await log.append([batchOf('t', 0, `${i}a`, `${i}b`)])
        await log.close()
        written.take(appended, [['t', 0, 2]])
        log = await harness.open()
        assert.deepEqual(valuesOf(await readAll(harness, log)), wanted)
      }
    },
    ['reopen'],
  ),
  logCase(
    'L5 what was acknowledged is seen by another handle at once',
    async (harness) => {
      const [log, other] = [await harness.open(), await harness.open()]
      await log.createTopic('t')
      const written = new Written(harness)
      for (let i = 0; i < 10; i++) {
        const writer = i % 2 === 0 ? log : other
        const seer = i % 2 === 0 ? other : log
        written.take(await writer.append([batchOf('t', 0, String(i))]), [['t', 0, 1]])
        const { endOffset } = await partitionInfo(seer, 't', 0)
        assert.ok(endOffset >= written.end('t', 0), 'its end is known at once')
        assert.equal(valuesOf(await readAll(harness, seer)).length, i + 1)
      }
      const stamp = { producer: 'x', sequence: 0 }
      const first = await log.append([batchOf('t', 0, 'x')], stamp)
      assert.deepEqual(await other.append([batchOf('t', 0, 'x')], stamp), first)
      await expectCounts(harness, log, [11])
    },
    ['shared'],
  ),
]

/** So many records are in each partition. */
async function expectCounts(
  harness: CaseHarness,
  log: Log,
  counts: readonly number[],
): Promise<void> {
  const { partitions } = await log.describeTopic('t')
  for (const [partition, count] of counts.entries()) {
    assert.equal((await readAll(harness, log, 't', partition)).length, count)
    if (harness.isDense) assert.equal(partitions[partition]?.endOffset, count)
  }
  assert.equal(partitions.length, counts.length)
}

function roundTrips(harness: CaseHarness): Promise<void> {
  return expectRoundTrips(harness, 1_700_000_000_000, 0, 5)
}

function oddTimes(harness: CaseHarness): Promise<void> {
  return expectRoundTrips(harness, 1_700_000_000_000.25, -1, 8.64e15)
}

async function expectRoundTrips(harness: CaseHarness, ...times: number[]): Promise<void> {
  const log = await harness.open()
  await log.createTopic('t')
  const [someMs = 0, otherMs = 0, lastMs = 0] = times
  const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  const records: ProbeRecord[] = [
    { key: null, value: 'no key', timeMs: 0 },
    { key: '', value: 'empty key', timeMs: 1 },
    { key: 'k', value: null, timeMs: otherMs },
    { key: 'k', value: '', timeMs: someMs },
    { key: every, value: every, timeMs: lastMs },
    { key: 'k', value: 'v', timeMs: 1, headers: [] },
    {
      key: 'k',
      value: 'v',
      timeMs: 1,
      headers: [
        { name: 'h', value: Buffer.from('1') },
        { name: 'h', value: null },
        { name: '', value: Buffer.alloc(0) },
        { name: 'bytes', value: every },
      ],
    },
    { key: null, value: null, timeMs: 2 },
  ]
  const written = new Written(harness)
  written.take(await log.append([recordsOf('t', 0, records)]), [['t', 0, records.length]])
  const singles = await log.append(records.map((record) => recordsOf('t', 0, [record])))
  written.take(
    singles,
    records.map(() => ['t', 0, 1] as const),
  )
  const text = (bytes: string | Uint8Array | null): string | null =>
    bytes === null ? null : Buffer.from(bytes as Uint8Array).toString('latin1')
  const wanted = [...records, ...records].map(({ key, value, timeMs, headers = [] }, i) => ({
    offset: written.of('t', 0)[i],
    key: text(key),
    value: text(value),
    timeMs,
    headers: headers.map((header) => [header.name, text(header.value)]),
  }))
  assert.deepEqual(await readAll(harness, log), wanted)
}
