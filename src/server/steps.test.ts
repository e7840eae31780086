import { expect, test } from 'vitest'
import { VirtualClock } from '../core/clock.ts'
import { json } from '../core/codec.ts'
import { run } from '../host/run.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { tumbling } from '../pipeline/window.ts'
import { ask, TestServer } from '../../test/http/http-server.ts'
import type { Served, ServedRun } from './served.ts'
import { stepsRoute } from './steps-route.ts'

interface Answer {
  readonly steps: readonly Record<string, unknown>[]
  readonly edges: readonly { from: string; to: string; records: number }[]
  readonly look:
    | readonly {
        taken: { key: string; value: string }[]
        given: unknown[]
        open: { count: number } | null
      }[]
    | null
}

const clicks = topic('clicks', {
  codec: json<{ page: string; at: number }>(),
  key: (click) => click.page,
  time: (click) => click.at,
  partitions: 1,
})
const pipeline = from(clicks)
  .map((click) => {
    if (click.page === 'bad') throw new Error('bad')
    return click
  })
  .named('checked')
  .window(tumbling('1m'))
  .aggregate({ n: count() })
  .named('per-minute')
  .to(topic('per-minute'))

test('what each step does, and one looked at closely', async () => {
  const log = openMemoryLog()
  const running = await run(pipeline, { log, http: { port: 0 }, notify: () => {}, signals: false })
  const url = running.httpUrl ?? ''
  const steps = async (query = ''): Promise<Answer> =>
    (await ask(`${url}/steps${query}`, {})).json as unknown as Answer
  const send = async (...pages: readonly [string, number][]): Promise<void> => {
    const before = running.status()[0]?.counters.recordsIn ?? 0
    const lines = pages.map(([page, at]) => `${JSON.stringify({ page, at })}\n`)
    const headers = { 'Content-Type': 'application/x-ndjson' }
    await ask(`${url}/topics/clicks`, { method: 'POST', headers, body: lines.join('') })
    while ((running.status()[0]?.counters.recordsIn ?? 0) < before + pages.length) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  try {
    const closely = '?pipeline=main&step=per-minute'
    expect((await steps(closely)).look).toMatchObject([{ taken: [], given: [] }])
    await send(['a', 1_000], ['bad', 2_000], ['b', 90_000], ['a', 5_000])
    const { edges, steps: all } = await steps()
    expect(all).toMatchObject([
      { step: 'clicks', recordsIn: 4, recordsOut: 4 },
      { step: 'checked', recordsIn: 4, recordsOut: 3, dead: 1 },
      { step: 'per-minute', recordsIn: 3, recordsOut: 1, late: 1 },
      { recordsIn: 1, recordsOut: 0 },
    ].map((one) => expect.objectContaining(one)) as never) // prettier-ignore
    expect(edges).toContainEqual({
      pipeline: 'main',
      from: 'checked',
      to: 'per-minute',
      records: 3,
    })
    const { look } = await steps(closely)
    expect(look?.[0]?.taken.map(({ key, value }) => [key, value])).toEqual([
      ['a', '{"page":"a","at":1000}'],
      ['b', '{"page":"b","at":90000}'],
      ['a', '{"page":"a","at":5000}'],
    ])
    expect(look?.[0]?.open).toMatchObject({ count: 1, firstStartMs: 60_000, nextDueMs: 120_000 })
    expect((await steps('?pipeline=main&step=nothing')).look).toEqual([])
    const half = await ask(`${url}/steps?step=per-minute`, {})
    expect(half.status).toBe(400)
  } finally {
    await running.stop()
  }
})

test('who looks at a step no more lets go of it; so many at one time', async () => {
  const clock = new VirtualClock()
  const away: string[] = []
  const shown = {
    steps: () => [],
    lookAt: () => [{ task: 't', last: { taken: [], given: [] }, open: null }],
    lookAway: (_: string, step: string) => void away.push(step),
  } as unknown as ServedRun
  const route = stepsRoute({ clock, run: () => shown } as unknown as Served)
  const look = async (step: string): Promise<unknown> => {
    const query = new URLSearchParams({ pipeline: 'p', step })
    return await route.handle({ path: {}, query, request: {} as never, begin: () => {} })
  }
  await look('a')
  clock.advance(9_000)
  await look('a')
  clock.advance(9_000)
  expect(away).toEqual([])
  clock.advance(1_000)
  expect(away).toEqual(['a'])
  for (let i = 0; i < 16; i++) await look(`s${i}`)
  await expect(look('one more')).rejects.toThrow('16 steps are looked at already')
  clock.advance(10_000)
  await look('one more')
})

test('without a run there is nothing', async () => {
  await using server = await TestServer.start()
  expect((await server.ask('/steps')).json).toMatchObject({ steps: [], edges: [], look: null })
})
