/** HTTP by the real command: what it says, who it lets in, and that 202 means kept. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { type Answer, ask } from '../http/http-server.ts'
import { type Process, Workspace } from './command.ts'

const pipeline = `
import { from, json, topic } from 'millrace'
const names = topic('names', { codec: json(), key: (each) => each.name, partitions: 2 })
export default from(names).map((each) => 'hello ' + each.name).to(topic('greetings'))
`
const token = 'a-token-that-nobody-guesses'
/** Of the test with kills: it starts a process some ten times. */
const limit = { timeout: 60_000 }
const requests = 160

/** Where the command says that it listens. */
async function urlOf(running: Process): Promise<string> {
  await running.until(({ stderr }) => /HTTP on \S+\n/.test(stderr), 'its address')
  return /HTTP on (\S+)\n/.exec(running.stderr)?.[1] ?? ''
}

function post(url: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

test('run --http takes records into a pipeline, and shows it', async () => {
  using work = new Workspace()
  work.write('pipeline.ts', pipeline)
  const running = work.start('run', 'pipeline.ts', '--http', '0')
  const url = await urlOf(running)
  await running.until(({ stderr }) => stderr.includes("pipeline 'pipeline' runs"), 'its start')
  expect((await post(`${url}/topics/names`, [{ name: 'ann' }, { name: 'bob' }])).status).toBe(202)
  expect((await post(`${url}/topics/names`, { name: {} })).status).toBe(422)
  const consumed = work.start('consume', 'greetings', '--follow', '--max', '2')
  expect((await consumed.ended).stdout.split('\n').toSorted()).toEqual([
    '',
    '"hello ann"',
    '"hello bob"',
  ])
  expect((await ask(`${url}/health/ready`, {})).status).toBe(200)
  const { code, stderr } = await running.kill('SIGTERM')
  expect(code).toBe(0)
  expect(stderr).toContain('2 in, 2 out')
})

test('a file that calls run() itself has it, too, by the environment', async () => {
  using work = new Workspace({ env: { MILLRACE_HTTP: '127.0.0.1:0' } })
  work.write(
    'own.ts',
    `${pipeline.replace('export default', 'const all =')}
    import { run } from 'millrace'
    const running = await run(all)
    console.log(running.httpUrl)`,
  )
  const running = work.start('run', 'own.ts')
  await running.until(({ stdout }) => stdout.includes('http://'), 'its address')
  const url = running.stdout.trim()
  expect((await post(`${url}/topics/names`, { name: 'ann' })).status).toBe(202)
  expect((await running.kill('SIGINT')).code).toBe(0)
})

test('other machines only with a token, which is never shown', async () => {
  using work = new Workspace()
  const refused = await work.run(['serve', '--http', '0.0.0.0:0'])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('HTTP on 0.0.0.0 can be reached by other machines')
  expect((await work.run(['serve', '--http', 'nowhere'])).code).toBe(2)
  const file = work.write('tokens', `# first\n${token}\n\n`)
  const missing = await work.run(['serve', '--http', '0', '--http-token-file', 'none'])
  expect(missing.code).toBe(1)
  expect(missing.stderr).toContain("tokens' file none cannot be read")
  const running = work.start('serve', '--http', '0.0.0.0:0', '--http-token-file', file)
  const url = (await urlOf(running)).replace('0.0.0.0', '127.0.0.1')
  expect((await ask(`${url}/topics`, {})).status).toBe(401)
  const headers = { Authorization: `Bearer ${token}` }
  expect((await ask(`${url}/topics`, { headers })).status).toBe(200)
  const wrong = { Authorization: 'Bearer another-token-of-some-length' }
  expect((await ask(`${url}/topics`, { headers: wrong })).status).toBe(401)
  const { code, stdout, stderr } = await running.kill('SIGINT')
  expect(code).toBe(0)
  expect(stdout + stderr).not.toContain(token)
})

test('--log-format json writes an object a line, also of what ends it', async () => {
  using work = new Workspace()
  work.write('pipeline.ts', pipeline)
  const running = work.start('run', 'pipeline.ts', '--http', '0', '--log-format', 'json')
  await running.until(({ stderr }) => stderr.includes('"started"'), 'its start')
  const { stderr, code } = await running.kill('SIGTERM')
  expect(code).toBe(0)
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines.filter(({ event }) => event !== 'restored')).toMatchObject([
    { level: 'info', event: 'http', text: expect.stringMatching(/^HTTP on http:/) },
    { level: 'info', event: 'started', pipeline: 'pipeline', tasks: ['main/all'] },
    { level: 'info', event: 'stopped' },
  ])
  for (const { time } of lines) expect(time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  const failed = await work.run(['serve', '--http', '0.0.0.0:0', '--log-format', 'json'])
  expect(failed.code).toBe(1)
  expect(JSON.parse(failed.stderr)).toMatchObject({
    level: 'error',
    event: 'failed',
    error: { code: 'invalid-argument' },
  })
})

test('L5 202 means kept, and a repeated request is there once, under kill -9', limit, async () => {
  using work = new Workspace({ limitMs: 60_000 })
  await work.ok('topics create t --partitions 3')
  const random = seededRandom(Date.now() % 1e6)
  const told = new Map<string, string>()
  const unkeyed = new Set<string>()
  const left = Array.from({ length: requests }, (_, i) => `k${i}`)
  let atWork = 0
  while (told.size < requests) {
    const running = work.start('serve', '--http', '0')
    const url = await urlOf(running)
    // Two that it has answered before this process began: the answer is the same.
    for (const key of [...told.keys()].slice(-2)) {
      const again = await send(url, key)
      expect(again.text).toBe(told.get(key))
      expect(again.headers['idempotent-replayed']).toBe('true')
    }
    const client = async (): Promise<void> => {
      for (let key = left.shift(); key !== undefined; key = left.shift()) {
        const answer = await send(url, key).catch(() => null)
        if (answer?.status !== 202) {
          left.push(key)
          return
        }
        told.set(key, answer.text)
        const plain = await post(`${url}/topics/t`, { plain: key }).catch(() => null)
        if (plain?.status === 202) unkeyed.add(key)
      }
    }
    const clients = Promise.all(Array.from({ length: 6 }, client))
    const wanted = Math.min(requests, told.size + 1 + random.int(40))
    while (told.size < wanted) await new Promise((resolve) => setTimeout(resolve, 1))
    if (told.size < requests) atWork += 1
    await running.kill('SIGKILL')
    await clients
  }
  expect(atWork).toBeGreaterThan(2)
  const { stdout } = await work.ok('consume t --json')
  const at = new Map<string, { value: string; key: string | null }>()
  for (const line of stdout.trimEnd().split('\n')) {
    const record = JSON.parse(line) as {
      partition: number
      offset: number
      value: string
      key: string | null
    }
    at.set(`${record.partition}@${record.offset}`, record)
  }
  const values = [...at.values()].map(({ value }) => value)
  for (let i = 0; i < requests; i++) {
    const key = `k${i}`
    for (const value of recordsOf(key).map((record) => JSON.stringify(record))) {
      expect(
        values.filter((each) => each === value),
        value,
      ).toHaveLength(1)
    }
    const { appended } = JSON.parse(told.get(key) ?? '{}') as {
      appended: { partition: number; first: number; count: number }[]
    }
    const there = appended.flatMap(({ partition, first, count }) =>
      Array.from({ length: count }, (_, n) => String(at.get(`${partition}@${first + n}`)?.value)),
    )
    expect(there.toSorted()).toEqual(
      recordsOf(key)
        .map((each) => JSON.stringify(each))
        .toSorted(),
    )
    if (unkeyed.has(key)) {
      const plain = JSON.stringify({ plain: key })
      expect(values.filter((each) => each === plain).length, plain).toBe(1)
    }
  }
})

const recordsOf = (key: string): object[] => [1, 2, 3].map((n) => ({ k: `${key} ${n}`, n }))

function send(url: string, key: string): Promise<Answer> {
  return post(`${url}/topics/t?key=/k`, recordsOf(key), { 'Idempotency-Key': key })
}
