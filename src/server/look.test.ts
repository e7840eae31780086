import { once } from 'node:events'
import { expect, test } from 'vitest'
import { action } from '../connect/sinks/action.ts'
import type { Source } from '../connect/source.ts'
import { VirtualClock } from '../core/clock.ts'
import { MillraceError } from '../core/error.ts'
import { BatchBuilder, encodeHeaders } from '../log/batch.ts'
import type { Log } from '../log/log.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { tumbling } from '../pipeline/window.ts'
import { json } from '../core/codec.ts'
import { run } from '../host/run.ts'
import { metricsText } from './metrics-text.ts'
import { statusSchema } from './run-schemas.ts'
import { ask, TestServer } from '../../test/http/http-server.ts'
import { misfits } from '../../test/http/schema.ts'

type Json = Record<string, unknown>
interface Page {
  readonly isComplete: boolean
  readonly next: { partition: number; offset: number }[]
  readonly records: (Json & { partition: number; offset: number })[]
}

async function append(
  log: Log,
  place: { topic: string; partition?: number },
  records: readonly {
    key?: string | null
    value: string | Uint8Array | null
    time: number
    headers?: Record<string, string | Uint8Array>
  }[],
): Promise<void> {
  const builder = new BatchBuilder()
  for (const { key = null, value, time, headers = {} } of records) {
    const list = Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) }))
    expect(encodeHeaders(list).length).toBeGreaterThanOrEqual(0)
    builder.add(key, value, time, list)
  }
  await log.append([
    { topic: place.topic, partition: place.partition ?? 0, bytes: builder.finish() },
  ])
}

const at = (page: Page): string[] =>
  page.records.map(({ partition, offset }) => `${partition}@${offset}`)

test('topics, with their settings and offsets', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('b', { partitions: 2, retentionMs: 5 })
  await server.log.createTopic('a')
  await append(server.log, { topic: 'b', partition: 1 }, [{ value: 'x', time: 0 }])
  const { topics } = (await server.ask('/topics')).json as { topics: Json[] }
  expect(topics.map(({ topic: name }) => name)).toEqual(['a', 'b'])
  const one = (await server.ask('/topics/b')).json
  expect(one).toEqual(topics[1])
  expect(one).toMatchObject({
    records: 1,
    config: { partitions: 2, retentionMs: 5, cleanup: 'delete' },
    partitions: [{ endOffset: 0 }, { startOffset: 0, endOffset: 1 }],
  })
  expect((await server.ask('/topics/none')).status).toBe(404)
})

test('records by partition, offset, time and key; page by page', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t', { partitions: 2 })
  const even = Array.from({ length: 5 }, (_, i) => ({ value: `${i}`, time: i * 20 }))
  const odd = Array.from({ length: 5 }, (_, i) => ({ value: `${i}`, time: i * 20 + 10 }))
  await append(server.log, { topic: 't', partition: 0 }, even)
  await append(server.log, { topic: 't', partition: 1 }, odd)
  const page = async (query: string) =>
    (await server.ask(`/topics/t/records?${query}`)).json as unknown as Page
  const all = await page('')
  expect(at(all)).toEqual(all.records.map((_, i) => `${i % 2}@${Math.floor(i / 2)}`))
  expect(all.isComplete).toBe(true)
  const first = await page('limit=3')
  expect(at(first)).toEqual(['0@0', '1@0', '0@1'])
  expect(first.isComplete).toBe(false)
  expect(first.next).toEqual([
    { partition: 0, offset: 2 },
    { partition: 1, offset: 1 },
  ])
  expect(at(await page('partition=1&offset=1&limit=2'))).toEqual(['1@1', '1@2'])
  expect(at(await page('partition=1&offset=99'))).toEqual([])
  expect(at(await page('time=70&partition=0'))).toEqual(['0@4'])
  expect(at(await page(`time=${encodeURIComponent('1970-01-01T00:00:00.070Z')}`))).toEqual([
    '1@3',
    '0@4',
    '1@4',
  ])
  expect(at(await page('last=1'))).toEqual(['0@4', '1@4'])
  await append(server.log, { topic: 't', partition: 0 }, [
    { key: 'k', value: 'found', time: 500 },
    { key: 'kk', value: 'not', time: 501 },
  ])
  expect((await page('key=k&partition=0')).records.map(({ value }) => value)).toEqual(['found'])
  const status = async (query: string) => (await server.ask(`/topics/t/records?${query}`)).status
  expect(await status('offset=1')).toBe(400)
  expect(await status('partition=0&offset=1&last=2')).toBe(400)
  expect(await status('partition=2')).toBe(404)
  expect(await status('time=yesterday')).toBe(400)
  expect(await status('limit=0')).toBe(400)
  expect(await status('limit=1001')).toBe(400)
  expect(await status('limit=1&limit=2')).toBe(400)
  expect(await status('limit=1e2')).toBe(400)
})

test('following the pages gives each record once, whatever the bounds', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t', { partitions: 1 })
  for (let n = 0; n < 7; n++) {
    const records = Array.from({ length: 50 }, (_, i) => ({
      value: 'x'.repeat(30_000),
      time: n * 50 + i,
    }))
    await append(server.log, { topic: 't' }, records)
  }
  const seen: number[] = []
  let offset = 0
  for (let pages = 0; pages < 100; pages++) {
    const { text } = await server.ask(`/topics/t/records?partition=0&offset=${offset}&limit=1000`)
    expect(text.length).toBeLessThan(4_400_000)
    const page = JSON.parse(text) as Page
    seen.push(...page.records.map((record) => record.offset))
    offset = page.next[0]?.offset ?? 0
    if (page.isComplete) break
  }
  expect(seen).toEqual(Array.from({ length: 350 }, (_, i) => i))
})

/** Contents that somebody may have put into a topic, and what must come back. */
const hostile: Record<string, Buffer> = {
  markup: Buffer.from('<script>alert(1)</script><img src=x onerror=alert(1)>'),
  'the end of a script': Buffer.from('</script><!--'),
  'the end of a JSON string': Buffer.from('"}],"records":[{"a":"'),
  'line separators': Buffer.from('a\u2028b\u2029c\r\n\u0000\u001b[31mred\u0007'),
  'bytes that are no text': Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]),
  'half a character': Buffer.from([0xe2, 0x82]),
  'a half surrogate, escaped': Buffer.from(String.raw`"\ud800"`),
  'numbers beyond a double': Buffer.from('[12345678901234567890, 1e999, -0]'),
  'a name of every object': Buffer.from('{"__proto__":{"x":1},"constructor":1}'),
  'deep nesting': Buffer.from('['.repeat(5_000) + ']'.repeat(5_000)),
  'two values': Buffer.from('1 2'),
  nothing: Buffer.alloc(0),
  'a byte order mark': Buffer.from('\uFEFF{}'),
}

test.for(Object.entries(hostile))('hostile record: %s', async ([, value]) => {
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  await append(server.log, { topic: 't' }, [
    {
      key: value.toString('latin1'),
      value,
      time: 1,
      headers: { [`<b>"\n${value.length}`]: value },
    },
  ])
  for (const form of ['text', 'json', 'base64'] as const) {
    const { text, headers, status } = await server.ask(`/topics/t/records?values=${form}`)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(headers['x-content-type-options']).toBe('nosniff')
    const page = JSON.parse(text) as Page
    expect(page.records).toHaveLength(1)
    const record = page.records[0] as Json
    expect(record['bytes']).toBe(value.length)
    if (record['form'] === 'base64') {
      expect(Buffer.from(record['value'] as string, 'base64').equals(value)).toBe(true)
    } else if (record['form'] === 'text') {
      expect(Buffer.from(record['value'] as string).equals(value)).toBe(true)
    } else {
      // As it lies there, digit by digit.
      expect(form).toBe('json')
      expect(text).toContain(`"value":${value.toString()}`)
    }
  }
  expect(Object.hasOwn(Object.prototype, 'x')).toBe(false)
})

test('a large value is cut, and said to be, not inside of a character', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  const large = `"${'é'.repeat(50_000)}"`
  await append(server.log, { topic: 't' }, [{ value: large, time: 1 }])
  await append(server.log, { topic: 't' }, [{ value: null, time: 2, key: 'k' }])
  for (const form of ['text', 'json']) {
    const page = (await server.ask(`/topics/t/records?values=${form}`)).json as unknown as Page
    const [cut = {}, tombstone = {}] = page.records as Json[]
    expect(cut).toMatchObject({ form: 'text', cut: true, bytes: 100_002 })
    expect(large.startsWith(cut['value'] as string)).toBe(true)
    expect((cut['value'] as string).length).toBeGreaterThan(32_000)
    expect(tombstone).toMatchObject({ value: null, form: null, key: 'k' })
  }
})

test('letters: why, where from, and the raw record; chosen by reason and step', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  await server.log.createTopic('t.dead')
  const headers = {
    'millrace-reason': 'step-failed',
    'millrace-step': 'map',
    'millrace-message': '<b>boom</b>',
    'millrace-topic': 't',
    'millrace-partition': '0',
    'millrace-offset': '7',
    other: 'x',
  }
  await append(server.log, { topic: 't.dead' }, [
    { key: 'k', value: '{"a":1}', time: 1, headers },
    { value: 'x', time: 2, headers: { ...headers, 'millrace-reason': 'decode-failed' } },
  ])
  const letters = async (query: string) =>
    ((await server.ask(`/topics/t/letters?${query}`)).json as unknown as Page).records
  expect(await letters('values=json')).toMatchObject([
    {
      partition: 0,
      offset: 0,
      key: 'k',
      value: { a: 1 },
      letter: {
        reason: 'step-failed',
        step: 'map',
        message: '<b>boom</b>',
        topic: 't',
        partition: 0,
        offset: 7,
      },
    },
    { letter: { reason: 'decode-failed' } },
  ])
  expect(await letters('reason=decode-failed')).toHaveLength(1)
  expect(await letters('step=filter')).toHaveLength(0)
  expect((await server.ask('/topics/t/letters?kind=late')).status).toBe(404)
})

test('metrics: names, kinds and labels as Prometheus has them', async () => {
  const text = metricsText([
    {
      name: 'a_total',
      kind: 'counter',
      help: 'back\\slash\nand line',
      samples: [{ labels: { topic: 'q"u\\o\nte', b: '' }, value: 1 }, { value: 2.5 }],
    },
    { name: 'none', kind: 'gauge', help: '', samples: [] },
  ])
  expect(text).toBe(
    '# HELP a_total back\\\\slash\\nand line\n# TYPE a_total counter\n' +
      'a_total{topic="q\\"u\\\\o\\nte",b=""} 1\na_total 2.5\n',
  )
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  await server.post('/topics/t', [1, 2, 3])
  await server.ask('/none')
  const { headers, text: shown } = await server.ask('/metrics')
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(shown).toContain('millrace_ingest_records_total 3\n')
  expect(shown).toContain('millrace_http_replies_total{status="202"} 1\n')
  expect(shown).toContain('millrace_http_replies_total{status="404"} 1\n')
  expect(shown).toContain('millrace_topic_end_offset{topic="t",partition="0"} 3\n')
  const names = [...shown.matchAll(/^# TYPE (\S+) (counter|gauge)$/gm)]
  expect(names.length).toBeGreaterThan(12)
  for (const [, name, kind] of names) expect(name?.endsWith('_total')).toBe(kind === 'counter')
  for (const line of shown.trimEnd().split('\n')) {
    expect(line).toMatch(/^# (HELP|TYPE) \S+ .+$|^[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? -?[\d.e+-]+$/)
  }
})

test('a broker that is away hides nothing else, and is told', async () => {
  const log = openMemoryLog()
  await using server = await TestServer.start({ log })
  log.listTopics = () => Promise.reject(new Error('away'))
  expect((await server.ask('/metrics')).text).toContain('millrace_log_up 0\n')
  const ready = await server.ask('/health/ready')
  expect([ready.status, ready.json]).toEqual([
    503,
    { status: 'not-ready', reasons: ['the log does not answer'] },
  ])
  expect((await server.ask('/health/live')).status).toBe(200)
  log.listTopics = () => new Promise(() => {})
  const clock = new VirtualClock()
  await using silent = await TestServer.start({ log, served: { clock } })
  const asked = silent.ask('/health/ready')
  while (true) {
    clock.advance(1_000)
    const done = await Promise.race([asked, new Promise((r) => setTimeout(() => r(null), 20))])
    if (done !== null) break
  }
  expect((await asked).status).toBe(503)
})

const clicks = topic('clicks', {
  codec: json<{ page: string; at: number }>(),
  key: (click) => click.page,
  time: (click) => click.at,
  partitions: 1,
})
const perMinute = from(clicks)
  .window(tumbling('1m'))
  .aggregate({ n: count() })
  .to(topic('per-minute'))

test('what runs is shown, and every answer is as its schema says', async () => {
  const log = openMemoryLog()
  const running = await run(perMinute, { log, http: { port: 0 }, notify: () => {}, signals: false })
  const url = running.httpUrl ?? ''
  try {
    const post = await ask(`${url}/topics/clicks`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson' },
      body: '{"page":"a","at":1000}\n{"page":"a","at":2000}\n{"page":"b","at":90000}\nnull',
    })
    expect(post.status).toBe(422)
    await ask(`${url}/topics/clicks`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson' },
      body: '{"page":"a","at":1000}\n{"page":"a","at":2000}\n{"page":"b","at":90000}\n',
    })
    await log.createTopic('other')
    const seen = async (): Promise<number> =>
      ((await ask(`${url}/topics/per-minute`, {})).json as { records: number }).records
    while ((await seen()) < 1) await new Promise((resolve) => setTimeout(resolve, 5))
    const api = (await ask(`${url}/openapi.json`, {})).json as {
      openapi: string
      info: Json
      paths: Record<
        string,
        Record<
          string,
          { responses: Record<string, { content: Record<string, { schema: object }> }> }
        >
      >
    }
    expect(api.openapi).toBe('3.1.0')
    const looks = Object.entries(api.paths).filter(([, methods]) => 'get' in methods)
    expect(looks.length).toBeGreaterThanOrEqual(10)
    for (const [path, { get }] of looks) {
      if ('text/event-stream' in (get?.responses['200']?.content ?? {})) continue // never ends
      const answer = await ask(`${url}${path.replace('{topic}', 'clicks')}`, {})
      expect(answer.status, path).toBe(200)
      const [type, content] = Object.entries(get?.responses['200']?.content ?? {})[0] ?? []
      expect(answer.headers['content-type'], path).toContain(type)
      if (type === 'application/json') {
        expect(misfits(answer.json, content?.schema ?? {}), path).toEqual([])
      }
      const refused = await ask(`${url}${path.replace('{topic}', 'clicks')}?nothing=1`, {})
      expect(refused.status, path).toBe(400)
    }
    const { plans } = (await ask(`${url}/plan`, {})).json as { plans: Json[] }
    expect(JSON.stringify(plans)).toContain('per-minute')
    const { tasks, state } = (await ask(`${url}/status`, {})).json as {
      tasks: Json[]
      state: string
    }
    expect(state).toBe('running')
    expect(tasks).toMatchObject([
      { task: 'main/all', state: 'running', counters: { recordsIn: 3 } },
    ])
    const explained = (await ask(`${url}/explain`, {})).json as { tasks: Json[] }
    expect(explained.tasks).toMatchObject([{ watermarkMs: expect.any(Number) }])
    expect((await ask(`${url}/health/ready`, {})).json).toEqual({ status: 'ready' })
    const metrics = (await ask(`${url}/metrics`, {})).text
    expect(metrics).toContain('millrace_task_records_in_total{pipeline="main",task="main/all"} 3\n')
  } finally {
    await running.stop()
  }
  await expect(ask(`${url}/health/live`, {})).rejects.toThrow()
})

test('sources and sinks are shown: what they have done, and what failed last', async () => {
  const log = openMemoryLog()
  const readings: Source<number> = {
    kind: 'source',
    name: 'door',
    type: 'custom',
    replayable: true,
    async *open(position, { signal }) {
      const text = (n: number): string => `{"page":"p${n}","at":${n}}`
      const records = [1, 2, 3].map((n) => ({ key: null, value: text(n), time: n }))
      if (position === null) yield { records, position: 3 }
      await once(signal, 'abort')
    },
  }
  const refuse = action('tell', (click: { page: string }) => {
    if (click.page === 'p2') throw new MillraceError('sink-refused', 'p2 is not known here')
  })
  const parts = [from(readings).to(clicks), from(clicks).to(refuse)]
  const running = await run(parts, { log, http: { port: 0 }, notify: () => {}, signals: false })
  const url = running.httpUrl ?? ''
  try {
    const shown = async (): Promise<Record<string, Json[]>> =>
      (await ask(`${url}/status`, {})).json as Record<string, Json[]>
    while ((await shown())['deliveries']?.[0]?.['dead'] !== 1) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    while ((await shown())['deliveries']?.[0]?.['backlog'] !== 0) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const { sources, deliveries } = await shown()
    expect(misfits(await shown(), statusSchema)).toEqual([])
    expect(sources).toMatchObject([
      { source: 'door', topic: 'clicks', state: 'running', position: 3, recordCount: 3 },
    ])
    expect(deliveries).toMatchObject([
      {
        pipeline: 'main',
        sink: 'tell',
        type: 'action',
        state: 'delivering',
        backlog: 0,
        delivered: 2,
        dead: 1,
        lastError: { code: 'sink-refused', text: expect.stringContaining('p2 is not known') },
      },
    ])
    const metrics = (await ask(`${url}/metrics`, {})).text
    const lines = [
      'millrace_source_records_total{source="door",topic="clicks"} 3',
      'millrace_source_up{source="door",topic="clicks"} 1',
      'millrace_delivery_records_total{pipeline="main",sink="tell"} 2',
      'millrace_delivery_dead_total{pipeline="main",sink="tell"} 1',
      'millrace_delivery_backlog_records{pipeline="main",sink="tell"} 0',
      'millrace_delivery_up{pipeline="main",sink="tell"} 1',
    ]
    for (const line of lines) expect(metrics).toContain(`${line}\n`)
  } finally {
    await running.stop()
  }
})

test('a plan that has not started yet is there, and not ready', async () => {
  await using server = await TestServer.start({ pipelines: [perMinute] })
  const ready = await server.ask('/health/ready')
  expect([ready.status, ready.json['reasons']]).toEqual([503, ['the pipelines are starting']])
  expect(JSON.stringify((await server.ask('/plan')).json)).toContain('per-minute')
  expect((await server.ask('/status')).json['state']).toBe('starting')
})
