import { expect, test } from 'vitest'
import { z } from 'zod'
import { json, string } from '../core/codec.ts'
import { MillraceError } from '../core/error.ts'
import { faultyLog, scriptedFaults } from '../log/log.faulty.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { partitionOfText } from '../log/partitioner.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { TestServer } from '../../test/http/http-server.ts'

const asJson = { 'Content-Type': 'application/json' }
const asLines = { 'Content-Type': 'application/x-ndjson' }

test('one value, an array, and lines are records, kept byte by byte', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t', { partitions: 1 })
  const post = (body: string, headers = asJson) =>
    server.ask('/topics/t', { method: 'POST', headers, body })
  const one = await post(' {"a": 1.0} ')
  expect(one.status).toBe(202)
  expect(one.json).toEqual({
    topic: 't',
    records: 1,
    appended: [{ partition: 0, first: 0, count: 1 }],
  })
  expect((await post('[ 1 , [2], "é" ]')).json['appended']).toEqual([
    { partition: 0, first: 1, count: 3 },
  ])
  expect((await post('{"big":12345678901234567890}\r\n\n  true\n"last"', asLines)).json).toEqual({
    topic: 't',
    records: 3,
    appended: [{ partition: 0, first: 4, count: 3 }],
  })
  expect((await post('[]')).json).toEqual({ topic: 't', records: 0, appended: [] })
  expect((await post('', asLines)).json['records']).toBe(0)
  expect(await server.values('t')).toEqual([
    '{"a": 1.0}',
    '1',
    '[2]',
    '"é"',
    '{"big":12345678901234567890}',
    '  true',
    '"last"',
  ])
})

test('lines that come in any pieces are the same records', async () => {
  await using server = await TestServer.start()
  const lines = Array.from({ length: 300 }, (_, i) => JSON.stringify({ i, é: 'ü'.repeat(i % 50) }))
  const body = Buffer.from(`${lines.join('\n')}\n`)
  for (const [n, step] of [1_000, 97, 4_096, 1].entries()) {
    await server.log.createTopic(`t${n}`)
    const size = step === 1 ? 3_000 : body.length
    const head =
      `POST /topics/t${n} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n` +
      'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
    const chunks: Buffer[] = [Buffer.from(head)]
    const whole = body.subarray(0, body.lastIndexOf('\n', size - 1) + 1)
    for (let at = 0; at < whole.length; at += step) {
      const piece = whole.subarray(at, at + step)
      chunks.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
    }
    chunks.push(Buffer.from('0\r\n\r\n'))
    expect(await server.raw(Buffer.concat(chunks))).toContain('202 Accepted')
    const expected = whole.toString().trimEnd().split('\n')
    expect(await server.values(`t${n}`)).toEqual(expected)
  }
})

test('L7 a key by header or pointer decides the partition', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t', { partitions: 4 })
  await server.post('/topics/t?key=/who/name', [{ who: { name: 'ann' } }, { who: { name: 'bob' } }])
  await server.post('/topics/t?key=/0', [[7], [true]])
  await server.post('/topics/t?key=', ['text'])
  await server.post('/topics/t', [1, 2], { headers: { 'Millrace-Key': 'carl' } })
  const keyed = await server.records('t')
  expect(keyed.map(({ key }) => String(key)).toSorted()).toEqual(
    ['7', 'ann', 'bob', 'carl', 'carl', 'text', 'true'].toSorted(),
  )
  for (const { key, at } of keyed) expect(at).toMatch(`${partitionOfText(key ?? '', 4)}@`)
})

const refusals: Record<string, [object, { status: number; code?: string; issues?: unknown }]> = {
  'what is no JSON': [
    { headers: asJson, body: '{"a":' },
    { status: 400, code: 'decode-failed' },
  ],
  'two values': [{ headers: asJson, body: '1 2' }, { status: 400 }],
  'an array with a hole': [{ headers: asJson, body: '[1,,2]' }, { status: 400 }],
  'an array that is not closed': [{ headers: asJson, body: '[1,2' }, { status: 400 }],
  'something behind an array': [{ headers: asJson, body: '[1] 2' }, { status: 400 }],
  nothing: [{ headers: asJson, body: '' }, { status: 400 }],
  'bytes that are no UTF-8': [
    { headers: asJson, body: Buffer.from([0x22, 0xff, 0x22]) },
    { status: 400 },
  ],
  'lines that are no JSON, each named': [
    { headers: asLines, body: '1\n\nx\n{"a":1}\n[1\n' },
    {
      status: 400,
      issues: [
        { line: 3, detail: 'at byte 0: "x"' },
        { line: 5, detail: 'it ends too early' },
      ],
    },
  ],
  'a line that is no UTF-8 among others': [
    { headers: asLines, body: Buffer.from('1\n"\xff"\n2\n', 'latin1') },
    { status: 400, issues: [{ line: 2, detail: 'it is not UTF-8' }] },
  ],
  'another type': [
    { headers: { 'Content-Type': 'text/plain' }, body: '1' },
    { status: 415, code: 'unsupported-media-type' },
  ],
  'no type': [{ body: '1' }, { status: 415 }],
  'another charset': [
    { headers: { 'Content-Type': 'application/json; charset=latin1' }, body: '1' },
    { status: 415 },
  ],
  compressed: [{ headers: { ...asJson, 'Content-Encoding': 'gzip' }, body: '1' }, { status: 415 }],
  'a record that is too large': [
    { headers: asLines, body: `1\n"${'x'.repeat(200)}"\n` },
    { status: 413, code: 'record-too-large' },
  ],
  'an item that is too large': [
    { headers: asJson, body: `[1,"${'x'.repeat(200)}"]` },
    { status: 413, issues: [{ record: 1, detail: expect.stringContaining('202 bytes') }] },
  ],
  'too many records': [
    { headers: asLines, body: '1\n'.repeat(21) },
    { status: 413, code: 'body-too-large' },
  ],
  'a body that is too large': [
    { headers: asLines, body: '1'.repeat(2_001) },
    { status: 413, code: 'body-too-large' },
  ],
}

test.for(Object.entries(refusals))('refused, and nothing written: %s', async ([, [wish, seen]]) => {
  await using server = await TestServer.start({ recordsMax: 20, bodyBytesMax: 2_000 })
  await server.log.createTopic('t', { recordBytesMax: 100 })
  const {
    status,
    json: problem,
    headers,
  } = await server.ask('/topics/t', {
    method: 'POST',
    ...wish,
  })
  expect({ ...problem, status }).toMatchObject(seen)
  expect(headers['content-type']).toContain('application/problem+json')
  expect(await server.values('t')).toEqual([])
  expect(server.faults).toEqual([])
})

test('refused: a path, a key, a parameter that is not right', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  await server.log.createTopic('t.dead')
  await server.log.createTopic('c', { cleanup: 'compact' })
  const status = async (path: string, headers = {}) =>
    (await server.post(path, [{ a: {}, b: '\ud800' }], { headers })).status
  expect(await status('/topics/unknown')).toBe(404)
  expect(await status('/topics/t.dead')).toBe(403)
  expect(await status('/topics/millrace.http.requests')).toBe(403)
  expect(await status('/topics/a.by-user.repartition')).toBe(403)
  await server.log.createTopic('db-changelog')
  expect(await status('/topics/db-changelog')).toBe(202)
  expect(await status('/topics/c')).toBe(400)
  expect(await status('/topics/t?key=a')).toBe(400)
  expect(await status('/topics/t?key=/a')).toBe(422)
  expect(await status('/topics/t?key=/b')).toBe(422)
  expect(await status('/topics/t?key=/none')).toBe(422)
  expect(await status('/topics/t?key=/a', { 'Millrace-Key': 'x' })).toBe(400)
  expect(await status('/topics/t?other=1')).toBe(400)
  expect(await status('/topics/t?invalid=maybe')).toBe(400)
  expect(await status('/topics/t', { 'Idempotency-Key': 'a b' })).toBe(400)
  expect(await server.values('t')).toEqual([])
  const missing = await server.post('/topics/t?key=/none', [{ none: 1 }, { a: 1 }])
  expect(missing.json['issues']).toEqual([
    { line: 2, field: '/none', detail: 'the key is not there' },
  ])
})

const readings = topic('readings', {
  schema: z.object({ device: z.string(), celsius: z.number() }),
  key: (reading) => reading.device,
})

test('a topic that a pipeline reads: checked by its schema, keyed as declared', async () => {
  await using server = await TestServer.start({ pipelines: [from(readings).print()] })
  await server.log.createTopic('readings', { partitions: 3 })
  const good = { device: 'a', celsius: 1 }
  const refused = await server.post('/topics/readings', [good, { device: 'b', celsius: 'hot' }, {}])
  expect(refused.status).toBe(422)
  expect(refused.json['issues']).toEqual([
    { line: 2, detail: 'celsius: invalid input: expected number, received string' },
    { line: 3, detail: expect.stringContaining('device') },
  ])
  expect(await server.values('readings')).toEqual([])
  expect((await server.post('/topics/readings', [good])).status).toBe(202)
  expect(await server.records('readings')).toEqual([
    { key: 'a', value: JSON.stringify(good), at: `${partitionOfText('a', 3)}@0` },
  ])
  expect((await server.post('/topics/readings?key=/device', [good])).status).toBe(400)
  const taken = await server.post('/topics/readings?invalid=take', [{ device: 1 }])
  expect(taken.status).toBe(202)
  expect((await server.records('readings')).map(({ key }) => key)).toContain(null)
})

test('a topic of another codec is written by it; what it cannot write is told', async () => {
  const words = topic('words', { codec: string(), key: (word) => word })
  const plain = topic('plain', { codec: json<{ id: number }>(), key: 'record' })
  await using server = await TestServer.start({
    pipelines: [from(words).print(), from(plain).print()],
  })
  await server.log.createTopic('words')
  await server.log.createTopic('plain')
  expect((await server.post('/topics/words', ['é', 5])).status).toBe(422)
  expect((await server.post('/topics/words', ['é'])).status).toBe(202)
  expect(await server.records('words')).toEqual([{ key: 'é', value: 'é', at: '0@0' }])
  expect((await server.post('/topics/plain?key=/id', [{ id: 5 }])).status).toBe(202)
  expect(await server.records('plain')).toEqual([{ key: '5', value: '{"id":5}', at: '0@0' }])
})

test('requests that come together are each told their own offsets', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t', { partitions: 3 })
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      server.post(
        '/topics/t?key=/k',
        Array.from({ length: n * 30 }, (_u, i) => ({ k: `${n} ${i % 7}`, n, i })),
      ),
    ),
  )
  const at = new Map((await server.records('t')).map((record) => [record.at, record.value]))
  expect(at.size).toBe((39 * 40 * 30) / 2)
  for (const [n, { json: answer }] of answers.entries()) {
    const runs = answer['appended'] as { partition: number; first: number; count: number }[]
    const seen = runs.flatMap(({ partition, first, count }) =>
      Array.from({ length: count }, (_, i) => at.get(`${partition}@${first + i}`) ?? ''),
    )
    expect(seen.length).toBe(n * 30)
    expect(seen.every((value) => (JSON.parse(value) as { n: number }).n === n)).toBe(true)
    expect(new Set(seen).size).toBe(n * 30)
  }
})

test('the log says no: 503 with Retry-After, and nothing is written', async () => {
  const memory = openMemoryLog()
  await memory.createTopic('t')
  const log = faultyLog(memory, scriptedFaults([{ kind: 'fails', code: 'disk-full' }]))
  await using server = await TestServer.start({ log })
  const answer = await server.post('/topics/t', [1])
  expect(answer.status).toBe(503)
  expect(answer.headers['retry-after']).toBe('1')
  expect(await server.values('t')).toEqual([])
})

test('what the server itself fails at is told to it, and not to the sender', async () => {
  const log = openMemoryLog()
  await log.createTopic('t')
  log.append = () => Promise.reject(new Error('secret'))
  await using server = await TestServer.start({ log })
  const answer = await server.post('/topics/t', [1])
  expect(answer.status).toBe(500)
  expect(answer.text).not.toContain('secret')
  expect(server.faults).toHaveLength(1)
})

test('an unknown outcome says to send it again with its key', async () => {
  const log = openMemoryLog()
  await log.createTopic('t')
  log.append = () =>
    Promise.reject(new MillraceError('commit-unknown', 'no answer', { outcome: 'unknown' }))
  await using server = await TestServer.start({ log })
  const answer = await server.post('/topics/t', [1])
  expect([answer.status, answer.json['code']]).toEqual([503, 'commit-unknown'])
  expect(answer.json['hint']).toContain('Idempotency-Key')
})
