/** The PostgreSQL sink against a real server, which is stopped, killed and cut off. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { json } from '../../src/core/codec.ts'
import { isCode } from '../../src/core/error.ts'
import { run } from '../../src/host/run.ts'
import type { Running } from '../../src/host/run.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import type { Log } from '../../src/log/log.ts'
import { MemoryStore } from '../../src/log/memory/memory-store.ts'
import { openMemoryLog } from '../../src/log/memory/memory-log.ts'
import { from } from '../../src/pipeline/from.ts'
import { topic } from '../../src/pipeline/topic.ts'
import { postgres, type PostgresSinkOptions } from '../../src/postgres.ts'
import { defineSinkConformance } from '../../src/connect/sink.conformance.ts'
import type { ConformanceValue } from '../../src/connect/sink.conformance.ts'
import { PostgresServer } from './postgres.ts'
import { whyNoServer } from './programs.ts'
import { testWith } from './server-test.ts'

const serverTest = testWith('postgres')
let server: PostgresServer

beforeAll(async () => {
  if (whyNoServer('postgres') === null) server = await PostgresServer.start()
}, 60_000)

afterAll(async () => {
  await server?.stop()
})

const quick = { retries: 2, backoff: '10ms', backoffMax: '50ms', timeout: '5s' } as const

defineSinkConformance(serverTest, {
  name: 'postgres',
  sink: () =>
    postgres<ConformanceValue, string>('s', {
      // Asked for once before the server has started, only for what kind of sink it is.
      url: (server as PostgresServer | undefined)?.url ?? 'postgres://postgres@127.0.0.1/postgres',
      table: 'suite',
      batch: 7,
      row: ({ n, key, isBad }) => ({ n, key, small: isBad ? 100_000 : 1 }),
      ...quick,
    }),
  async begin() {
    await server.query('DROP TABLE IF EXISTS suite, millrace_positions')
    await server.query('CREATE TABLE suite (at serial, n int, key text, small smallint)')
  },
  async arrived() {
    return await server.query<{ n: number; key: string }>('SELECT n, key FROM suite ORDER BY at')
  },
  outage: { stop: () => server.kill(), start: () => server.up() },
  refuses: true,
  knowsIds: true,
  newLog() {
    const store = new MemoryStore()
    return () => openMemoryLog({ store })
  },
  limitMs: 40_000,
})

interface Reading {
  readonly device: string
  readonly n: number
}

const readings = topic('readings', {
  codec: json<Reading | null>(),
  key: 'record',
  partitions: 2,
})

async function append(log: Log, values: readonly (readonly [string, unknown])[]): Promise<void> {
  for (const partition of [0, 1]) {
    const builder = new BatchBuilder()
    for (const [i, [key, value]] of values.entries()) {
      if ((key.codePointAt(0) ?? 0) % 2 !== partition) continue
      const text = value === null ? null : JSON.stringify(value)
      builder.add(key, text, 1_700_000_000_000 + i, [])
    }
    if (builder.count > 0) {
      await log.append([{ topic: 'readings', partition, bytes: builder.finish() }])
    }
  }
}

let tables = 0

interface Bench {
  readonly log: Log
  readonly table: string
  readonly running: Running
  until(holds: () => boolean | Promise<boolean>): Promise<void>
  delivered(): number
}

async function start(
  columns: string,
  options: Partial<PostgresSinkOptions<Reading | null, string>> = {},
): Promise<Bench> {
  const table = `t${tables++}`
  await server.query(`CREATE TABLE ${table} (${columns})`)
  const log = openMemoryLog()
  await log.createTopic('readings', { partitions: 2 })
  const positions = `${table}_positions`
  const sink = postgres<Reading | null, string>('rows', {
    url: server.url,
    table,
    positions,
    ...quick,
    ...options,
  })
  const running = await run(from(readings).to(sink), { log, signals: false, notify: () => {} })
  return {
    log,
    table,
    running,
    delivered: () => running.deliveries()[0]?.delivered ?? 0,
    until: async (holds) => {
      while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10))
    },
  }
}

serverTest('upsert: a row for each key, the last one; a null value deletes it', async () => {
  const bench = await start('device text PRIMARY KEY, n int, note text', {
    mode: 'upsert',
    key: 'device',
  })
  const many = Array.from({ length: 500 }, (_, n) => {
    const device = `d${n % 7}`
    return [device, { device, n }] as const
  })
  await append(bench.log, [...many, ['d3', null], ['d4', { device: 'd4', n: -1, note: 'back' }]])
  await bench.until(() => bench.running.deliveries()[0]?.backlog === 0 && bench.delivered() === 502)
  const rows = await server.query(`SELECT * FROM ${bench.table} ORDER BY device`)
  expect(rows).toEqual([
    { device: 'd0', n: 497, note: null },
    { device: 'd1', n: 498, note: null },
    { device: 'd2', n: 499, note: null },
    { device: 'd4', n: -1, note: 'back' },
    { device: 'd5', n: 495, note: null },
    { device: 'd6', n: 496, note: null },
  ])
  await append(bench.log, [
    ['d0', null],
    ['d5', null],
  ] as const)
  await bench.until(() => bench.delivered() === 504)
  expect(await server.query(`SELECT device FROM ${bench.table} ORDER BY device`)).toHaveLength(4)
  await bench.running.stop()
})

serverTest('values of every kind arrive as they are', async () => {
  const at = new Date(1_700_000_000_123)
  const bench = await start(
    `big bigint, at timestamptz, bytes bytea, doc jsonb, list int[], real float8,
     amount numeric, flag boolean, nothing text, quoted text, "Odd ""Name" text,
     made text DEFAULT 'by default'`,
    {
      row: () => ({
        big: 2n ** 62n,
        at,
        bytes: new Uint8Array([0, 255, 10]),
        doc: { a: [1, { b: null }], c: 'ü "x" \\' },
        list: [1, 2, 3],
        real: Number.NaN,
        amount: '12345678901234567890.123',
        flag: true,
        nothing: null,
        quoted: `'; DROP TABLE readings; -- "\\`,
        'Odd "Name': 'x',
      }),
    },
  )
  await append(bench.log, [['a', { device: 'a', n: 1 }]])
  await bench.until(() => bench.delivered() === 1)
  expect(await server.query(`SELECT * FROM ${bench.table}`)).toEqual([
    {
      big: String(2n ** 62n),
      at,
      bytes: Buffer.from([0, 255, 10]),
      doc: { a: [1, { b: null }], c: 'ü "x" \\' },
      list: [1, 2, 3],
      real: Number.NaN,
      amount: '12345678901234567890.123',
      flag: true,
      nothing: null,
      quoted: `'; DROP TABLE readings; -- "\\`,
      'Odd "Name': 'x',
      made: 'by default',
    },
  ])
  await bench.running.stop()
})

serverTest(
  'rows that the database refuses are dead letters, those beside them arrive',
  async () => {
    const bench = await start('device text, n int CHECK (n <> 13), UNIQUE (device, n)')
    const values = Array.from({ length: 60 }, (_, n) => ['a', { device: 'a', n }] as const)
    await append(bench.log, [
      ...values,
      ['a', { device: 'a', n: 5 }],
      ['a', { device: 'a', n: 'many' }],
      ['a', { device: 'a', n: 1, colour: 'red' }],
      ['a', { device: 'nul \u0000', n: 70 }],
      ['a', {}],
      ['a', null],
      ['a', { device: 'a', n: 71 }],
    ])
    await bench.until(() => bench.running.deliveries()[0]?.backlog === 0 && bench.delivered() > 0)
    const rows = await server.query<{ n: number }>(`SELECT n FROM ${bench.table} ORDER BY n`)
    expect(rows.map(({ n }) => n)).toEqual([...Array(60).keys(), 71].filter((n) => n !== 13))
    expect(bench.running.deliveries()[0]?.dead).toBe(7)
    await bench.running.stop()
  },
)

serverTest('connections killed again and again: each row once', async () => {
  const bench = await start('device text, n int')
  let total = 0
  let isOver = false
  const killing = (async () => {
    while (!isOver) {
      await server.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'millrace rows'`,
      )
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
  })()
  const failures = (): number => bench.running.deliveries()[0]?.failures ?? 0
  // On a busy machine fewer of them meet a write: then there are more.
  for (; total < 20_000 || (failures() <= 3 && total < 200_000); total += 1_000) {
    const some = Array.from({ length: 1_000 }, (_, i) => {
      const device = 'abcdefg'.charAt((total + i) % 7)
      return [device, { device, n: total + i }] as const
    })
    await append(bench.log, some)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  isOver = true
  await killing
  expect(failures()).toBeGreaterThan(3)
  await bench.until(() => bench.running.deliveries()[0]?.backlog === 0)
  const [found] = await server.query(
    `SELECT count(*)::int AS rows, count(DISTINCT n)::int AS numbers FROM ${bench.table}`,
  )
  expect(found).toEqual({ rows: total, numbers: total })
  await bench.running.stop()
})

serverTest('the server is stopped in the middle, and comes back', async () => {
  const bench = await start('device text, n int')
  const total = 10_000
  const all = Array.from({ length: total }, (_, n) => {
    const device = 'abcdefg'.charAt(n % 7)
    return [device, { device, n }] as const
  })
  await append(bench.log, all.slice(0, total / 2))
  await bench.until(() => bench.delivered() > 0)
  await server.down()
  await append(bench.log, all.slice(total / 2))
  await bench.until(() => bench.running.deliveries()[0]?.state === 'away')
  expect(bench.running.deliveries()[0]?.lastError?.error.code).toBe('sink-unavailable')
  await server.up()
  await bench.until(() => bench.running.deliveries()[0]?.backlog === 0)
  const [found] = await server.query(
    `SELECT count(*)::int AS rows, count(DISTINCT n)::int AS numbers FROM ${bench.table}`,
  )
  expect(found).toEqual({ rows: total, numbers: total })
  expect(bench.running.deliveries()[0]?.dead).toBe(0)
  await bench.running.stop()
})

serverTest('a table that is made later is waited for', async () => {
  const log = openMemoryLog()
  await log.createTopic('readings', { partitions: 2 })
  const sink = postgres<Reading | null, string>('rows', {
    url: server.url,
    table: 'made_later',
    ...quick,
  })
  const running = await run(from(readings).to(sink), { log, signals: false, notify: () => {} })
  await append(log, [['a', { device: 'a', n: 1 }]])
  const error = () => running.deliveries()[0]?.lastError?.error.message ?? ''
  while (!error().includes('no table made_later')) await new Promise((r) => setTimeout(r, 10))
  await server.query('CREATE TABLE made_later (device text, n int)')
  while (running.deliveries()[0]?.delivered !== 1) await new Promise((r) => setTimeout(r, 10))
  await running.stop()
})

const context = (signal = new AbortController().signal) => ({
  clock: undefined as never,
  random: undefined as never,
  signal,
})
const attempt = { number: 1, signal: new AbortController().signal }
const record = (offset: number) => {
  const id = `o/0/${offset}`
  const place = { topic: 'o', partition: 0, offset }
  return { id, ...place, key: 'k', value: { n: offset }, time: 0 }
}

serverTest('K5 who was taken over writes nothing, also with a statement under way', async () => {
  await server.query('CREATE TABLE fence (n int PRIMARY KEY)')
  const options = { url: server.url, table: 'fence', positions: 'fence_positions' }
  const [older, newer] = await Promise.all([0, 1].map(() => postgres('s', options).open(context())))
  const first = await older!.take({ topic: 'o', partition: 0, epoch: 1 }, attempt)
  expect(first.position).toBeNull()
  await first.write([record(0)], 1, attempt)
  // A write that waits for somebody holds the position's row: the one who takes over waits for it.
  const blocker = server.query(
    'BEGIN; INSERT INTO fence VALUES (1); SELECT pg_sleep(0.4); ROLLBACK',
  )
  await new Promise((resolve) => setTimeout(resolve, 100))
  const writing = first.write([record(1)], 2, attempt)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const second = await newer!.take({ topic: 'o', partition: 0, epoch: 2 }, attempt)
  await Promise.all([blocker, writing])
  expect(second.position).toBe(2)
  const late = first.write([record(2)], 3, attempt)
  await expect(late).rejects.toSatisfy((thrown) => isCode(thrown, 'task-fenced'))
  const again = older!.take({ topic: 'o', partition: 0, epoch: 1 }, attempt)
  await expect(again).rejects.toSatisfy((thrown) => isCode(thrown, 'task-fenced'))
  await second.write([record(2)], 3, attempt)
  expect(await server.query('SELECT n FROM fence ORDER BY n')).toEqual(
    [0, 1, 2].map((n) => ({ n })),
  )
  await Promise.all([older!.close(), newer!.close()])
})

serverTest('K4 a statement that waits ends when its time is over, and leaves nothing', async () => {
  await server.query('CREATE TABLE slow (n int)')
  const sink = postgres('s', { url: server.url, table: 'slow', positions: 'slow_positions' })
  const connection = await sink.open(context())
  const partition = await connection.take({ topic: 'o', partition: 0, epoch: 1 }, attempt)
  const blocker = server.query('BEGIN; LOCK TABLE slow; SELECT pg_sleep(1); COMMIT')
  await new Promise((resolve) => setTimeout(resolve, 100))
  const startedMs = performance.now()
  const signal = AbortSignal.timeout(100)
  const writing = partition.write([record(0)], 1, { number: 1, signal })
  await expect(writing).rejects.toSatisfy((thrown) => isCode(thrown, 'sink-unavailable'))
  expect(performance.now() - startedMs).toBeLessThan(800)
  await connection.close()
  await blocker
  const next = await sink.open(context())
  const taken = await next.take({ topic: 'o', partition: 0, epoch: 1 }, attempt)
  const rows = await server.query('SELECT n FROM slow')
  expect(rows.length).toBe(taken.position ?? 0)
  await next.close()
})

serverTest('a password that is wrong is in no error', async () => {
  const sink = postgres('s', {
    url: `postgres://nobody:s3same@127.0.0.1:${server.port}/nothing`,
    table: 't',
  })
  const opening = sink.open(context())
  await expect(opening).rejects.toSatisfy((thrown) => isCode(thrown, 'sink-unavailable'))
  const thrown = (await opening.catch((error: unknown) => error)) as Error
  expect(`${thrown.message} ${String(thrown.cause)}`).not.toContain('s3same')
})

test('the helper names what is missing', () => {
  expect(['string', 'object']).toContain(typeof whyNoServer('postgres'))
})
