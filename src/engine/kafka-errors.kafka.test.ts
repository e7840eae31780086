/** What a user is told when something about Kafka is wrong: the code, the text, what to do. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../test/kafka/broker.ts'
import { KafkaCluster } from '../../test/kafka/cluster.ts'
import type { ErrorCode } from '../core/error.ts'
import { MillraceError } from '../core/error.ts'
import { changelogTopic } from '../log/kafka/admin/names.ts'
import { openKafkaLog } from '../log/kafka/kafka-log.ts'
import type { KafkaLogOptions } from '../log/kafka/kafka-log-options.ts'
import type { Log } from '../log/log.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { from } from '../pipeline/from.ts'
import type { Pipeline } from '../pipeline/node.ts'
import { topic } from '../pipeline/topic.ts'
import { within } from '../pipeline/join-how.ts'
import { give, start, texts, until } from './conformance/engine-probe.ts'

const opened: Log[] = []
let log: Log

async function openLog(options: Partial<KafkaLogOptions> = {}): Promise<Log> {
  const one = await openKafkaLog({ brokers, sessionTimeoutMs: 6_000, ...options })
  opened.push(one)
  return one
}

beforeAll(async () => {
  log = await openLog()
})
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()))
})

/** Runs until it ends by an error of this code, and gives it. */
async function fails(on: Log, pipeline: Pipeline, code: ErrorCode): Promise<MillraceError> {
  try {
    const { run } = await start(on, pipeline, { name: uniqueName('p'), attemptsMax: 2 })
    await run.done
  } catch (thrown) {
    assert.ok(thrown instanceof MillraceError, String(thrown))
    assert.equal(thrown.code, code, `${thrown.message}; ${thrown.hint}`)
    assert.ok((thrown.hint ?? '') !== '', `what to do: ${thrown.message}`)
    return thrown
  }
  return assert.fail(`${code} was expected`)
}

kafkaTest('a topic that is not there', async () => {
  const name = uniqueName('none')
  const { message } = await fails(log, from(topic(name)).print(), 'unknown-topic')
  assert.ok(message.includes(name), message)
})

kafkaTest('joined topics of unequal partition counts', async () => {
  const [left, right] = [uniqueName('left'), uniqueName('right')]
  await log.createTopic(left, { partitions: 2 })
  await log.createTopic(right, { partitions: 3 })
  const key = (value: unknown): string => (value as { k: string }).k
  const pipeline = from(topic(left, { key }))
    .join(from(topic(right, { key })), within('1s'))
    .print()
  const { message } = await fails(log, pipeline, 'invalid-plan')
  assert.match(message, /2.*3|3.*2/)
})

kafkaTest('a record that is too large for its topic is a dead letter', async () => {
  const [name, out] = [uniqueName('in'), uniqueName('small')]
  await log.createTopic(name, { partitions: 1 })
  await log.createTopic(out, { partitions: 1, recordBytesMax: 100 })
  await give(log, name, [
    { key: 'a', value: 'x'.repeat(200) },
    { key: 'b', value: 'y' },
  ])
  const { run } = await start(log, from(topic(name)).to(topic(out)), { name: uniqueName('p') })
  await until('the small one', async () => (await texts(log, out)).length === 1)
  await run.stop()
  assert.equal((await texts(log, `${name}.dead`)).length, 1)
})

for (const outOfRange of ['earliest', 'latest', 'stop'] as const) {
  kafkaTest(`records that were deleted before they were read: ${outOfRange}`, async () => {
    const [name, out] = [uniqueName('in'), uniqueName('out')]
    await log.createTopic(name, { partitions: 1 })
    await log.createTopic(out, { partitions: 1 })
    const values = (first: number, last: number): { key: string; value: number }[] =>
      Array.from({ length: last - first + 1 }, (_, i) => ({ key: 'k', value: first + i }))
    await give(log, name, values(0, 9))
    const p = uniqueName('p')
    await log.commitGroup(p, [{ topic: name, partition: 0, offset: 2 }])
    await log.trim([{ topic: name, partition: 0, offset: 7 }])
    const own = await openLog({ outOfRange })
    const pipeline = from(topic(name)).to(topic(out))
    if (outOfRange === 'stop') {
      await assert.rejects(
        async () => await (await start(own, pipeline, { name: p, attemptsMax: 1 })).run.done,
        (thrown) => {
          assert.ok(thrown instanceof MillraceError)
          assert.equal(thrown.code, 'offset-out-of-range')
          assert.match(thrown.message, /^5 records from offset 2 on/)
          assert.match(thrown.hint ?? '', /earliest|latest/)
          return true
        },
      )
      return
    }
    const { run } = await start(own, pipeline, { name: p })
    const wanted = outOfRange === 'earliest' ? ['7', '8', '9', '10'] : ['10']
    await until('it has begun', () => run.status().some(({ state }) => state === 'running'))
    await give(log, name, values(10, 10))
    await until('the last record', async () => (await texts(log, out)).includes('10'))
    await run.stop()
    assert.deepEqual(await texts(log, out), wanted)
  })
}

kafkaTest('a changelog topic that was made by accident would lose state', async () => {
  const name = uniqueName('in')
  await log.createTopic(name, { partitions: 1 })
  await give(log, name, [{ key: 'a', value: { k: 'a' } }])
  const p = uniqueName('p')
  await log.createTopic(changelogTopic(p, 'main/all').topic, { partitions: 1, retentionMs: 60_000 })
  const pipeline = from(topic(name, { key: (value) => (value as { k: string }).k }))
    .aggregate({ n: count() })
    .to(topic(`${name}.out`))
  await assert.rejects(
    async () =>
      await (
        await start(log, pipeline, {
          name: p,
          attemptsMax: 1,
          notify: (e) => console.log(JSON.stringify(e)),
        })
      ).run.done,
    (thrown) => {
      assert.ok(thrown instanceof MillraceError)
      assert.equal(thrown.code, 'topic-exists')
      assert.match(thrown.message, /retention\.ms=60000, not -1/)
      return true
    },
  )
})

kafkaTest(
  'brokers that are away at the start are waited for, and it is said',
  async () => {
    const events: string[] = []
    const away = await openLog({ brokers: ['127.0.0.1:1'] })
    const ending = new AbortController()
    const starting = start(away, from(topic('t')).print(), {
      signal: ending.signal,
      notify: (event) => {
        if (event.kind !== 'waiting') return
        events.push(event.error instanceof MillraceError ? event.error.message : 'other')
        if (events.length === 3) ending.abort()
      },
    })
    await assert.rejects(starting)
    assert.equal(events.length, 3)
    assert.match(events[0] ?? '', /127\.0\.0\.1:1/)
  },
  60_000,
)

kafkaTest(
  'what a user may not do',
  async () => {
    const cluster = await KafkaCluster.start({
      settings: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': 'true',
      },
    })
    try {
      const own = await openLog({ brokers: cluster.brokers })
      for (const name of ['open', 'unread', 'unwritten']) await own.createTopic(name)
      await give(own, 'open', [{ key: 'a', value: 1 }])
      for (const [name, operation] of [
        ['unread', 'Read'],
        ['unwritten', 'Write'],
      ] as const) {
        const { status, stdout } = cluster.tool('org.apache.kafka.tools.AclCommand', [
          '--bootstrap-server',
          cluster.brokers.join(','),
          '--add',
          '--topic',
          name,
          '--deny-principal',
          'User:ANONYMOUS',
          '--operation',
          operation,
        ])
        assert.equal(status, 0, stdout)
      }
      const read = await fails(own, from(topic('unread')).print(), 'not-authorised')
      assert.match(read.message, /unread/)
      const write = from(topic('open')).to(topic('unwritten'))
      const written = await fails(own, write, 'not-authorised')
      assert.match(`${written.message} ${written.at.topic ?? ''}`, /unwritten/)
      await own.close()
    } finally {
      await cluster.stop()
    }
  },
  120_000,
)
