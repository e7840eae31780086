import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../test/kafka/broker.ts'
import { isCode } from '../core/error.ts'
import type { GroupMembership } from '../log/kafka/contracts.ts'
import { takeSlot } from '../log/kafka/group/slot.ts'
import { openKafkaLog } from '../log/kafka/kafka-log.ts'
import type { KafkaLogOptions } from '../log/kafka/kafka-log-options.ts'
import type { Log } from '../log/log.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { give, start, texts, until } from './conformance/engine-probe.ts'
import type { StartedProbe } from './conformance/engine-probe.ts'

const root = mkdtempSync(join(tmpdir(), 'kafka-state-'))
const opened: Log[] = []
let log: Log

async function openLog(options: Partial<KafkaLogOptions>): Promise<Log> {
  const one = await openKafkaLog({ brokers, sessionTimeoutMs: 6_000, ...options })
  opened.push(one)
  return one
}

beforeAll(async () => {
  log = await openLog({})
})
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()))
  rmSync(root, { recursive: true, force: true })
})

async function startProcess(
  name: string,
  options: Partial<KafkaLogOptions>,
): Promise<StartedProbe & { log: Log }> {
  const own = await openLog(options)
  const pipeline = from(topic(name, { key: (value) => (value as { k: string }).k }))
    .aggregate({ n: count() })
    .to(topic(`${name}.out`))
  return { ...(await start(own, pipeline, { name: `p-${name}` })), log: own }
}

/** Each key's numbers, without a gap and in order. */
async function countOn(name: string, before: number): Promise<void> {
  const keys = Array.from({ length: 70 }, (_, i) => `k${i % 7}`)
  await give(
    log,
    name,
    keys.map((k) => ({ key: k, value: { k } })),
  )
  const results = async (): Promise<string[]> => await texts(log, `${name}.out`)
  await until('all results', async () => (await results()).length >= before + 70)
  const seen = new Map<string, number>()
  for (const text of await results()) {
    const { key, n } = JSON.parse(text) as { key: string; n: number }
    assert.equal(n, (seen.get(key) ?? 0) + 1, `the number of ${key}`)
    seen.set(key, n)
  }
}

for (const membership of ['classic', 'streams'] as const) {
  kafkaTest(
    `${membership}: standbys lie with others; who takes over goes on with right state`,
    async () => {
      const name = uniqueName('in')
      await log.createTopic(name, { partitions: 2 })
      const stateDirectory = join(root, name)
      const options = { membership, stateDirectory, standbys: 1 }
      const one = await startProcess(name, options)
      await countOn(name, 0)
      const other = await startProcess(name, options)
      const has = (process: StartedProbe, tasks: number): boolean =>
        process.run.status().filter(({ state }) => state === 'running').length === tasks
      await until('they share the tasks', () => has(one, 1) && has(other, 1))
      await countOn(name, 70)
      // A place each, on one machine; the other's files are not touched.
      const ids = [0, 1].map((n) =>
        readFileSync(join(stateDirectory, `p-${name}`, `slot-${n}`, 'instance-id'), 'utf8'),
      )
      assert.notEqual(ids[0], ids[1])
      await one.run.stop()
      await until('one has all', () => has(other, 2))
      await countOn(name, 140)
      assert.ok(!one.events.concat(other.events).some(({ kind }) => kind === 'retrying'))
      const again = await startProcess(name, options)
      await until('they share the tasks again', () => has(again, 1) && has(other, 1))
      await countOn(name, 210)
      await Promise.all([again.run.stop(), other.run.stop()])
    },
    60_000,
  )
}

kafkaTest('a process has the id of its slot, and gives the slot up when it leaves', async () => {
  const pipeline = uniqueName('slots')
  const one = await openLog({ stateDirectory: root })
  const options = { pipeline, tasks: ['main/0'], takeOver: false }
  const member = (await one.join(options)) as GroupMembership
  const { instanceId } = member.ownership('main/0').identity() ?? {}
  assert.equal(instanceId, readFileSync(join(root, pipeline, 'slot-0', 'instance-id'), 'utf8'))
  const second = await takeSlot(root, pipeline)
  assert.ok(second.directory.endsWith('slot-1'))
  await second.release()
  await member.leave()
  const first = await takeSlot(root, pipeline)
  assert.equal(first.instanceId, instanceId)
  await first.release()
})

kafkaTest('standbys without a place for them are refused', async () => {
  for (const options of [{ standbys: 1 }, { standbys: -1, stateDirectory: root }]) {
    await assert.rejects(openLog(options), (thrown) => isCode(thrown, 'invalid-argument'))
  }
})
