/** What a user sees when brokers are away or their own code does not give way. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { brokers, kafkaTest } from '../kafka/broker.ts'
import { KafkaCluster } from '../kafka/cluster.ts'
import { Workspace } from './command.ts'

/** Of its own: it is killed. */
let cluster: KafkaCluster | null = null
let log = ''

beforeAll(async () => {
  if (brokers.length === 0) return
  cluster = await KafkaCluster.start()
  log = `kafka://${cluster.brokers.join(',')}`
}, 120_000)
afterAll(async () => {
  await cluster?.stop()
})

const copying = `
import { from, string, topic } from 'millrace'
export default from(topic('in', { codec: string(), partitions: 2 }))
  .map((one) => one.toUpperCase())
  .to(topic('out', { codec: string(), partitions: 1 }))
`

kafkaTest(
  'a broker that is away at the start or later is waited for, and the terminal says so',
  async () => {
    using space = new Workspace({ limitMs: 100_000 })
    const file = space.write('copy.ts', copying)
    const place = cluster?.brokers[0] ?? ''
    cluster?.kill(1)
    const running = space.start('run', file, '--log', log)
    const waited = (): number => running.stderr.split('trying again in').length - 1
    await running.until(() => waited() >= 3, 'three attempts')
    assert.match(running.stderr, new RegExp(`broker ${place}: connection refused`))
    assert.match(running.stderr, new RegExp(`broker ${place} is away since .*: connection refused`))
    const status = await space.run(['status', '--log', log])
    assert.equal(status.code, 1)
    assert.match(status.stderr, /connection refused\n +is it up, and is the address right\?/)
    await cluster?.restart(1)
    await running.until(({ stderr }) => stderr.includes("pipeline 'copy' runs on"), 'its start')
    await space.ok(`produce in --log ${log}`, 'a\nb\n')
    const before = running.stderr.length
    cluster?.kill(1)
    const since = (): string => running.stderr.slice(before)
    await running.until(() => since().includes('is away since'), 'the loss of the broker')
    await cluster?.restart(1)
    await running.until(() => since().includes('answers again, after'), 'the broker back')
    await space.ok(`produce in --log ${log}`, 'c\n')
    const seen = await space.ok(`consume out --follow --max 3 --log ${log}`)
    assert.deepEqual(seen.stdout.trim().split('\n').toSorted(), ['A', 'B', 'C'])
    const ended = await running.kill('SIGINT')
    assert.equal(ended.code, 0, ended.stderr)
  },
  200_000,
)

const blocking = (mark: string): string => `
import { existsSync, writeFileSync } from 'node:fs'
import { from, string, topic } from 'millrace'
const mark = ${JSON.stringify(mark)}
export default from(topic('busy', { codec: string(), partitions: 2 }))
  .map((one) => {
    if (one === 'long' && !existsSync(mark)) {
      writeFileSync(mark, '')
      const endMs = Date.now() + 4_000
      while (Date.now() < endMs);
    }
    return one
  })
  .to(topic('done', { codec: string(), partitions: 1 }))
`

kafkaTest(
  'a computation over the session time-out is told, and nothing is lost or doubled by it',
  async () => {
    using space = new Workspace({ limitMs: 100_000 })
    const mark = join(space.dir, 'mark')
    const file = space.write('busy.ts', blocking(mark))
    const short = `${log}?session-timeout-ms=2000`
    const first = space.start('run', file, '--log', short)
    await first.until(({ stderr }) => stderr.includes('runs on'), 'its start')
    const members = [first, space.start('run', file, '--log', short)]
    await first.until(({ stderr }) => stderr.includes('go to another process'), 'both to share')
    const records = Array.from({ length: 40 }, (_, i) => (i === 20 ? 'long' : `r${i}`))
    await space.ok(`produce busy --log ${log}`, `${records.join('\n')}\n`)
    const seen = await space.ok(`consume done --follow --max 40 --log ${log}`)
    assert.deepEqual(seen.stdout.trim().split('\n').toSorted(), records.toSorted())
    assert.ok(existsSync(mark))
    const blocked = await Promise.any(
      members.map(async (one) => {
        await one.until(({ stderr }) => stderr.includes('kept the thread busy'), 'the end of it')
        return one
      }),
    )
    await blocked.until(({ stderr }) => stderr.includes('have come to this process'), 'its return')
    const told = blocked.stderr
    assert.match(told, /task main\/\d kept the thread busy for 4\.\d s without a pause, up to busy/)
    assert.match(told, /the event loop was blocked for \d+ ms, over the session time-out of 2000/)
    assert.match(told, /the group membership was lost - raise session-timeout-ms/)
    assert.match(told, /tasks main\/\d were lost; what was not committed is done again/)
    for (const one of members) assert.equal((await one.kill('SIGINT')).code, 0, one.stderr)
    const all = await space.ok(`consume done --log ${log}`)
    assert.equal(all.stdout.trim().split('\n').length, 40)
  },
  200_000,
)
