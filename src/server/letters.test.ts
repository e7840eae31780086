import { expect, test } from 'vitest'
import { refuse, replayedIn } from '../../test/letters/settle-cases.ts'
import { ask, TestServer } from '../../test/http/http-server.ts'

type Json = Record<string, unknown>

test('letters are replayed and discarded by choice, each once, and tell it', async () => {
  await using server = await TestServer.start()
  const { log } = server
  await refuse(log, 't', { count: 6 })
  await refuse(log, 't', { count: 1, step: 'other', pipeline: 'q' })
  const post = async (path: string): Promise<Json> =>
    (await server.ask(`/topics/t/letters/${path}`, { method: 'POST' })).json
  const letters = async (query: string): Promise<Json[]> =>
    (await server.ask(`/topics/t/letters?${query}`)).json['records'] as Json[]
  expect(await letters('state=open')).toHaveLength(7)
  expect(await letters('state=replayed')).toHaveLength(0)
  expect(await post('discard?partition=1&offset=0')).toMatchObject({ settled: 1, already: 0 })
  expect(await post('replay?step=map&limit=3')).toEqual({
    letters: 't.dead',
    action: 'replay',
    settled: 3,
    already: 1,
    skipped: { result: 0, 'no-record': 0, gone: 0, 'too-large': 0 },
    topics: ['t'],
    pipelines: ['p'],
    isComplete: false,
  })
  expect(await post('replay?step=map')).toMatchObject({ settled: 2, already: 4, isComplete: true })
  expect(await post('replay?step=map')).toMatchObject({ settled: 0, already: 6 })
  expect(await letters('state=open')).toMatchObject([{ letter: { pipeline: 'q' }, settled: null }])
  expect(await letters('state=discarded')).toMatchObject([{ offset: 0, settled: { to: null } }])
  const replayed = await letters('state=replayed&key=k2')
  expect(replayed).toMatchObject([
    { state: 'replayed', settled: { to: { topic: 't', partition: 0, offset: 5 } } },
  ])
  expect((replayed[0] as { settled: { at: number } }).settled.at).toBeGreaterThan(0)
  expect((await server.ask('/topics/t/letters/groups?state=replayed')).json).toMatchObject({
    counts: { open: 1, replayed: 5, discarded: 1 },
    groups: [{ reason: 'decode-failed', step: 'map', pipeline: 'p', count: 5, firstMs: 1_000 }],
    isComplete: true,
  })
  expect(await letters('until=1002')).toHaveLength(3)
  expect(await letters('pipeline=q')).toHaveLength(1)
  expect(await replayedIn(log, 't')).toHaveLength(5)
})

test('what cannot be done is refused', async () => {
  await using server = await TestServer.start()
  await refuse(server.log, 't', { count: 1 })
  const status = async (path: string): Promise<number> =>
    (await server.ask(path, { method: 'POST' })).status
  expect(await status('/topics/none/letters/replay')).toBe(404)
  expect(await status('/topics/t/letters/replay?kind=late')).toBe(404)
  expect(await status('/topics/t/letters/replay?offset=0')).toBe(400)
  expect(await status('/topics/t/letters/replay?partition=7')).toBe(404)
  expect(await status('/topics/t/letters/replay?time=never')).toBe(400)
  expect(await status('/topics/t/letters/replay?limit=0')).toBe(400)
  expect(await status('/topics/t/letters/forget')).toBe(404)
  expect((await server.ask('/topics/t/letters/replay')).status).toBe(405)
  await server.ask('/topics/t/letters/discard', { method: 'POST' })
  // What is done about letters is nobody's to write.
  expect((await server.post('/topics/t.dead.marks', [1])).status).toBe(403)
})

test('other pages and strangers replay nothing', async () => {
  await using server = await TestServer.start({ token: 'correct-horse-battery' })
  await refuse(server.log, 't', { count: 1 })
  const path = '/topics/t/letters/replay'
  const headersOf = [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: 'Bearer correct-horse-battery', origin: 'http://evil.example' },
    { authorization: 'Bearer correct-horse-battery', 'sec-fetch-site': 'cross-site' },
  ]
  for (const headers of headersOf) {
    const { status } = await ask(`${server.server.url}${path}`, { method: 'POST', headers })
    expect([401, 403]).toContain(status)
  }
  expect(await replayedIn(server.log, 't')).toHaveLength(0)
})
