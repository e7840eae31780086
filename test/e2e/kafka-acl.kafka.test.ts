/** What a pipeline is refused without rights, and that those of docs/kafka.md are enough. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll } from 'vitest'
import { brokers, kafkaTest } from '../kafka/broker.ts'
import { startGuardedBroker } from '../kafka/guarded-broker.ts'
import type { GuardedBroker } from '../kafka/guarded-broker.ts'
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts'
import { refuse, replayedIn } from '../letters/settle-cases.ts'
import { Workspace } from './command.ts'

let broker: GuardedBroker
beforeAll(async () => {
  if (brokers.length > 0) broker = await startGuardedBroker()
}, 120_000)
afterAll(async () => {
  await broker?.stop()
})

const counting = `
import { count, from, string, topic } from 'millrace'
export default from(topic('in', { codec: string(), key: (one) => one }))
  .aggregate({ n: count() })
  .to(topic('out'))
`

/** What is refused next, and the rights that end it, as in the table of docs/kafka.md. */
const rights: readonly [refused: RegExp, operations: string, resource: readonly string[]][] = [
  [/no right to describe topic 'in'\n.*Describe/, 'Read DescribeConfigs', ['--topic', 'in']],
  [/no right to describe topic 'out'/, 'Write DescribeConfigs', ['--topic', 'out']],
  [/topic 'in\.dead'/, 'Write DescribeConfigs', ['--topic', 'in.', ...prefixed()]],
  [/coordinator of group 'acl'.*\n.*on the group/, 'Read', ['--group', 'acl', ...prefixed()]],
  [/transaction 'acl.*\n.*transactional id/, 'Write', ['--transactional-id', 'acl', ...prefixed()]],
  [
    /topic '?acl-/,
    'Create Read Write Delete Describe DescribeConfigs',
    ['--topic', 'acl-', ...prefixed()],
  ],
]

function prefixed(): string[] {
  return ['--resource-pattern-type', 'prefixed']
}

kafkaTest(
  'without a right the run ends and names it; with those of the page it runs',
  async () => {
    const { password, username } = broker.user
    using space = new Workspace({ limitMs: 60_000, env: { MILLRACE_KAFKA_PASSWORD: password } })
    const open = `kafka://${broker.open}`
    const guarded = `kafka://${broker.guarded}?sasl=plain&username=${username}`
    for (const topic of ['in', 'in.dead', 'in.late', 'out']) {
      await space.ok(`topics create ${topic} --partitions 1 --log ${open}`)
    }
    await space.ok(`produce in --log ${open}`, 'a\nb\na\n')
    const file = space.write('acl.ts', counting)
    for (const [refused, operations, resource] of rights) {
      const { code, stderr } = await space.run(['run', file, '--log', guarded])
      assert.equal(code, 1, stderr)
      assert.match(stderr, refused)
      assert.ok(!stderr.includes(password))
      broker.allow(
        ...operations.split(' ').flatMap((operation) => ['--operation', operation]),
        ...resource,
      )
    }
    const running = space.start('run', file, '--log', guarded)
    const seen = await space.ok(`consume out --follow --max 3 --log ${open}`)
    assert.equal(seen.stdout.trim().split('\n').length, 3)
    const { code, stderr } = await running.kill('SIGINT')
    assert.equal(code, 0, stderr)
  },
  300_000,
)

/** Rights for replaying the letters of `shelf`, as in the table of docs/kafka.md. */
const replayRights: readonly [operations: string, resource: readonly string[]][] = [
  ['Read DescribeConfigs', ['--topic', 'shelf.dead']],
  ['Write DescribeConfigs', ['--topic', 'shelf']],
  ['Create Read Write DescribeConfigs', ['--topic', 'shelf.dead.marks', ...prefixed()]],
  ['Read', ['--group', 'shelf.dead.marks', ...prefixed()]],
  ['Write', ['--transactional-id', 'shelf.dead.marks', ...prefixed()]],
]

kafkaTest(
  'letters are replayed with the rights of the page',
  async () => {
    const { password, username } = broker.user
    using space = new Workspace({ limitMs: 60_000, env: { MILLRACE_KAFKA_PASSWORD: password } })
    const log = await openKafkaLog({ brokers: broker.open.split(',') })
    await refuse(log, 'shelf', { count: 3 })
    const guarded = `kafka://${broker.guarded}?sasl=plain&username=${username}`
    const line = ['dead', 'replay', 'shelf', '--log', guarded]
    for (const [operations, resource] of replayRights) {
      const { code, stderr } = await space.run(line)
      assert.equal(code, 1, stderr)
      assert.match(stderr, /no right|'shelf\.dead'/)
      broker.allow(
        ...operations.split(' ').flatMap((operation) => ['--operation', operation]),
        ...resource,
      )
    }
    const { code, stderr } = await space.run(line)
    assert.equal(code, 0, stderr)
    assert.match(stderr, /^3 letters replayed into shelf/)
    assert.equal((await replayedIn(log, 'shelf')).length, 3)
    await log.close()
  },
  300_000,
)
