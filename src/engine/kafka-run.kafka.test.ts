import assert from 'node:assert/strict'
import { beforeAll, afterAll } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../test/kafka/broker.ts'
import { isCode } from '../core/error.ts'
import { changelogTopic } from '../log/kafka/admin/names.ts'
import { openKafkaLog } from '../log/kafka/kafka-log.ts'
import type { Log } from '../log/log.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { give, start, texts, until } from './conformance/engine-probe.ts'
import type { StartedProbe } from './conformance/engine-probe.ts'

const partitions = 3
let log: Log
const opened: Log[] = []

async function openLog(): Promise<Log> {
  const one = await openKafkaLog({ brokers, sessionTimeoutMs: 3_000 })
  opened.push(one)
  return one
}

beforeAll(async () => {
  log = await openLog()
})
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()))
})

interface Value {
  readonly k: string
}

function numbered(name: string) {
  return from(topic(name, { key: (value) => (value as Value).k }))
    .aggregate({ n: count() })
    .to(topic(`${name}.out`))
}

/** A process of its own, as far as the brokers can tell. */
async function startProcess(name: string): Promise<StartedProbe & { log: Log }> {
  const own = await openLog()
  return { ...(await start(own, numbered(name), { name: `p-${name}` })), log: own }
}

async function giveTo(name: string, records: number, first: number): Promise<void> {
  const values = Array.from({ length: records }, (_, i) => `k${(first + i) % 7}`)
  await give(
    log,
    name,
    values.map((k) => ({ key: k, value: { k } })),
  )
}

/** Each key's numbers, without a gap and in order, however often its task moved. */
async function expectEach(name: string, records: number): Promise<void> {
  const out = `${name}.out`
  await until(`${records} results`, async () => (await texts(log, out)).length >= records)
  const seen = new Map<string, number>()
  const results = (await texts(log, out)).map(
    (text) => JSON.parse(text) as { key: string; n: number },
  )
  for (const { key, n } of results) {
    assert.equal(n, (seen.get(key) ?? 0) + 1, `the number of ${key}`)
    seen.set(key, n)
  }
  assert.equal(results.length, records)
}

kafkaTest(
  'processes share the tasks; one joins, one leaves, one is lost; each counts once',
  async () => {
    const name = uniqueName('in')
    await log.createTopic(name, { partitions })
    await giveTo(name, 500, 0)
    const first = await startProcess(name)
    await expectEach(name, 500)
    const second = await startProcess(name)
    await giveTo(name, 500, 500)
    await expectEach(name, 1000)
    await until('both have tasks', () => second.run.status().length > 0)
    const tasks = [first, second].flatMap(({ run }) => run.status().map(({ task }) => task))
    assert.deepEqual(tasks.toSorted(), ['main/0', 'main/1', 'main/2'])
    await first.run.stop()
    await giveTo(name, 500, 1000)
    await expectEach(name, 1500)
    const third = await startProcess(name)
    await until('it has a task', () => third.run.status().length > 0)
    // Gone without a word: its connections end, its session has to run out.
    await second.log.close()
    await giveTo(name, 500, 1500)
    await expectEach(name, 2000)
    await third.run.stop()
    await second.run.stop()
    const groups = await log.groups()
    const offsets = groups.find(({ group }) => group === `p-${name}`)?.offsets ?? []
    assert.deepEqual(
      offsets.map(({ topic: one }) => one),
      [name, name, name],
    )
  },
)

kafkaTest('a task that is opened by somebody else is given up, and looked up anew', async () => {
  const name = uniqueName('in')
  await log.createTopic(name, { partitions })
  const one = await startProcess(name)
  await giveTo(name, 100, 0)
  await expectEach(name, 100)
  const inputs = [{ topic: name, partition: 1 }]
  const spec = { pipeline: `p-${name}`, task: 'main/1', inputs, startAt: ['earliest'] as const }
  await (await log.open(spec)).close()
  await until('it is told', () => one.events.some(({ kind }) => kind === 'fenced'))
  await giveTo(name, 100, 100)
  await expectEach(name, 200)
  await one.run.stop()
})

kafkaTest('state that is gone is not taken for state that never was', async () => {
  const name = uniqueName('in')
  await log.createTopic(name, { partitions: 1 })
  const one = await startProcess(name)
  await giveTo(name, 10, 0)
  await expectEach(name, 10)
  await one.run.stop()
  await log.deleteTopic(changelogTopic(`p-${name}`, 'main/all').topic)
  const again = await startProcess(name)
  await assert.rejects(again.run.done, (thrown) => isCode(thrown, 'state-lost'))
  await log.deleteGroup(`p-${name}`)
})

kafkaTest(
  'records that were deleted before they were read stop a task, with their number',
  async () => {
    const name = uniqueName('in')
    await log.createTopic(name, { partitions: 1 })
    const spec = {
      pipeline: `q-${name}`,
      task: 'main/all',
      inputs: [{ topic: name, partition: 0 }],
      startAt: ['earliest'] as const,
    }
    await giveTo(name, 10, 0)
    const session = await log.open(spec)
    await session.commit({ offsets: [2], appends: [], changelog: null })
    await session.close()
    await log.trim([{ topic: name, partition: 0, offset: 7 }])
    await assert.rejects(log.open(spec), (thrown) => {
      assert.ok(isCode(thrown, 'offset-out-of-range'))
      return thrown.message.startsWith('5 records from offset 2 on')
    })
  },
)
