/**
 * Brokers forget offsets (`offsets.retention.minutes`): all of a group that nobody is in, and those
 * of topics that its members do not read, as changelogs are, while it runs. Neither may make a
 * pipeline count from zero.
 */
import assert from 'node:assert/strict'
import { afterAll, beforeAll } from 'vitest'
import { brokers, kafkaTest } from '../kafka/broker.ts'
import { KafkaCluster } from '../kafka/cluster.ts'
import { systemClock } from '../../src/core/clock.ts'
import { MillraceError } from '../../src/core/error.ts'
import { committedOffsets } from '../../src/log/kafka/admin/committed-offsets.ts'
import { changelogTopic } from '../../src/log/kafka/admin/names.ts'
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts'
import { connectCluster } from '../../src/log/kafka/wire/connect-cluster.ts'
import type { Log } from '../../src/log/log.ts'
import { count } from '../../src/pipeline/aggregators/count.ts'
import { from } from '../../src/pipeline/from.ts'
import { topic } from '../../src/pipeline/topic.ts'
import { give, start, texts, until } from '../../src/engine/conformance/engine-probe.ts'
import type { StartedProbe } from '../../src/engine/conformance/engine-probe.ts'
import { Workspace } from './command.ts'

/** A minute, the broker's looks after it, and the time of a busy machine. */
const forgetMsMax = 150_000

let cluster: KafkaCluster | null = null
const opened: Log[] = []

async function openLog(membership: 'classic' | 'streams' = 'classic'): Promise<Log> {
  const one = await openKafkaLog({ brokers: cluster?.brokers ?? [], membership })
  opened.push(one)
  return one
}

beforeAll(async () => {
  if (brokers.length === 0) return
  const settings = {
    'offsets.retention.minutes': '1',
    'offsets.retention.check.interval.ms': '1000',
  }
  cluster = await KafkaCluster.start({ settings })
}, 120_000)
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()))
  await cluster?.stop()
}, 60_000)

interface Value {
  readonly k: string
}

/** Counts the records of `<name>.in`, as pipeline `name`. */
function counting(log: Log, name: string): Promise<StartedProbe> {
  const pipeline = from(topic(`${name}.in`, { key: (value) => (value as Value).k }))
    .aggregate({ n: count() })
    .to(topic(`${name}.out`))
  return start(log, pipeline, { name, attemptsMax: 1 })
}

async function giveTo(log: Log, name: string, records: number): Promise<void> {
  const values = Array.from({ length: records }, () => ({ key: 'a', value: { k: 'a' } }))
  await give(log, `${name}.in`, values)
}

async function counted(log: Log, name: string, records: number): Promise<void> {
  const seen = (): Promise<string[]> => texts(log, `${name}.out`)
  await until(`${records} results of ${name}`, async () => (await seen()).length >= records)
  const numbers = (await seen()).map((text) => (JSON.parse(text) as { n: number }).n)
  const wanted = Array.from({ length: records }, (_, i) => i + 1)
  assert.deepEqual(numbers, wanted)
}

/** Waits until the brokers have forgotten what they are to forget. */
async function forgotten(groups: Readonly<Record<string, 'input' | 'changelog'>>): Promise<void> {
  const wire = await connectCluster({ brokers: cluster?.brokers ?? [], clock: systemClock })
  const isForgotten = async ([name, kind]: [string, string]): Promise<boolean> => {
    const input = { topic: `${name}.in`, partition: 0 }
    const place = kind === 'input' ? input : changelogTopic(name, 'main/all')
    return (await committedOffsets(wire, name, [place]))[0] === null
  }
  const endMs = systemClock.monotonic() + forgetMsMax
  for (;;) {
    const left: string[] = []
    for (const one of Object.entries(groups)) if (!(await isForgotten(one))) left.push(one[0])
    if (left.length === 0) break
    assert.ok(systemClock.monotonic() < endMs, `not forgotten: ${left.join(', ')}`)
    await new Promise<void>((resolve) => systemClock.after(500, resolve))
  }
  await wire.close()
}

async function stateLost(name: string): Promise<void> {
  await assert.rejects(
    async () => await (await counting(await openLog(), name)).run.done,
    (thrown) => {
      assert.ok(thrown instanceof MillraceError, String(thrown))
      assert.equal(thrown.code, 'state-lost')
      assert.match(thrown.message, /^task main\/all has state but no offsets: the brokers have/)
      assert.match(thrown.message, new RegExp(`'${name}'.*offsets\\.retention\\.minutes`))
      assert.match(thrown.hint ?? '', new RegExp(`millrace groups delete ${name}`))
      return true
    },
  )
}

kafkaTest(
  'a forgotten offset of a changelog is not missed; forgotten offsets of inputs are told',
  async () => {
    const log = await openLog()
    const running = new Map<string, StartedProbe>()
    for (const name of ['idle', 'idle-streams', 'stopped', 'kept']) {
      await log.createTopic(`${name}.in`, { partitions: 1 })
      const own = await openLog(name === 'idle-streams' ? 'streams' : 'classic')
      running.set(name, await counting(own, name))
      await giveTo(log, name, 5)
      await counted(log, name, 5)
    }
    for (const name of ['stopped', 'kept']) await running.get(name)?.run.stop()
    await forgotten({
      idle: 'changelog',
      'idle-streams': 'changelog',
      stopped: 'input',
      kept: 'input',
    })

    for (const name of ['idle', 'idle-streams']) {
      await running.get(name)?.run.stop()
      const own = await openLog(name === 'idle-streams' ? 'streams' : 'classic')
      const again = await counting(own, name)
      await giveTo(log, name, 5)
      await counted(log, name, 10)
      await again.run.stop()
    }

    // Offsets that were set by hand go with the state that is there.
    await stateLost('kept')
    await log.commitGroup('kept', [{ topic: 'kept.in', partition: 0, offset: 5 }])
    const kept = await counting(await openLog(), 'kept')
    await giveTo(log, 'kept', 2)
    await counted(log, 'kept', 7)
    await kept.run.stop()

    await stateLost('stopped')
    await counted(log, 'stopped', 5)
    using space = new Workspace({ limitMs: 60_000 })
    await space.ok(`groups delete stopped --yes --log kafka://${cluster?.brokers.join(',')}`)
    const anew = await counting(await openLog(), 'stopped')
    await until('all again', async () => (await texts(log, 'stopped.out')).length === 10)
    await anew.run.stop()
  },
  400_000,
)
