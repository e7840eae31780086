/** `millrace explain` and `run --ui`, as a user has them: a window that does not fire. */
import { expect, test } from 'vitest'
import { partitionOfText } from '../../src/log/partitioner.ts'
import { Workspace } from './command.ts'

const index = new URL('../../src/index.ts', import.meta.url).pathname
const program = `import { count, from, json, topic, tumbling } from '${index}'
const clicks = topic('clicks', { codec: json(), key: (c) => c.page, time: (c) => c.at,
  partitions: 2, idleAfter: '1h' })
export default from(clicks).window(tumbling('1m')).aggregate({ n: count() }).named('per-minute')
  .to(topic('per-minute'))
`
const at = (n: number): number => Date.UTC(2024, 0, 1, 0, 0, n)
/** Two that lie in different partitions. */
const pages = [0, 1].map((partition) => {
  return ['a', 'b', 'c', 'd', 'e'].find((page) => partitionOfText(page, 2) === partition) ?? ''
})

const click = (page: string, ms: number): string => `${JSON.stringify({ page, at: ms })}\n`

async function start(workspace: Workspace, ...args: string[]): Promise<string> {
  workspace.write('clicks.ts', program)
  const running = workspace.start('run', 'clicks.ts', ...args)
  await running.until(({ stderr }) => stderr.includes('runs on'), 'its start')
  return /HTTP on (http:\S+)/.exec(running.stderr)?.[1] ?? ''
}

test('a silent partition is named; what the answer asks for makes the window fire', async () => {
  using workspace = new Workspace({ limitMs: 30_000 })
  const url = await start(workspace, '--http', '127.0.0.1:0')
  const [first = '', second = ''] = pages
  await workspace.ok('produce clicks --key page', click(first, at(5)))
  await workspace.ok('produce clicks --key page', click(second, at(90)))
  await workspace.ok('produce clicks --key page', click(second, at(95)))
  await new Promise((resolve) => setTimeout(resolve, 2_200)) // so long counts as silence
  const said = (await workspace.ok(`explain ${url}`)).stdout.replaceAll(/\s+/g, ' ')
  expect(said).toContain('pipeline clicks, task main/all')
  expect(said).toContain('It is held by partition 0 of clicks, which has not moved on for')
  expect(said).toContain('→ A record of partition 0 of clicks with a time above')
  expect(said).toMatch(/idle in \d+ min \(idleAfter of the topic\)/)
  expect(said).toContain('per-minute Its next result comes when event time passes 2024-01-01')
  const found = JSON.parse((await workspace.ok(`explain ${url} --json --step per-minute`)).stdout)
  expect(found).toMatchObject({ tasks: [{ heldBy: [{ topic: 'clicks', partition: 0 }] }] })
  await workspace.ok('produce clicks --key page', click(first, at(100)))
  const { stdout } = await workspace.ok('consume per-minute --follow --max 1')
  expect(stdout.trim().split('\n')).toHaveLength(1)
}, 60_000)

test('what cannot be explained, with what to do', async () => {
  using workspace = new Workspace({ limitMs: 30_000, env: { MILLRACE_HTTP_TOKEN: 'x'.repeat(16) } })
  const url = await start(workspace, '--http', '127.0.0.1:0')
  const refused = async (line: string): Promise<string> => {
    const { code, stderr } = await workspace.run(line.split(' '))
    expect(code).not.toBe(0)
    return stderr
  }
  expect(await refused(`explain ${url} --step nothing`)).toMatch(
    /no step 'nothing' waits for event time\n {2}there are: per-minute/,
  )
  expect(await refused('explain 127.0.0.1:9')).toMatch(
    /nobody answers at http:\/\/127\.0\.0\.1:9\n/,
  )
  expect(await refused('explain here')).toMatch(/'here' is no address to listen on/)
  using stranger = new Workspace({ env: { MILLRACE_HTTP_TOKEN: 'y'.repeat(16) } })
  const { stderr } = await stranger.run(['explain', url])
  expect(stderr).toMatch(/the token is not known\n {2}set MILLRACE_HTTP_TOKEN/)
  expect(stderr).not.toContain('yyyy')
}, 60_000)

test('--ui: the page, at the address that is printed', async () => {
  using workspace = new Workspace({ limitMs: 30_000 })
  workspace.write('clicks.ts', program)
  const running = workspace.start('run', 'clicks.ts', '--ui', '--http', '127.0.0.1:0')
  await running.until(({ stderr }) => stderr.includes('runs on'), 'its start')
  const url = /page and HTTP on (http:\S+)/.exec(running.stderr)?.[1] ?? ''
  const html = await (await fetch(url)).text()
  expect(html).toContain('<title>Millrace</title>')
  const script = /src="\.(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? ''
  const answer = await fetch(url + script)
  expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect((await answer.text()).length).toBeGreaterThan(10_000)
  const plain = await start(workspace, '--name', 'other', '--http', '127.0.0.1:0')
  expect((await fetch(plain)).status).toBe(404)
}, 60_000)
