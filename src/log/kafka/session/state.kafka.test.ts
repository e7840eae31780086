import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { systemClock } from '../../../core/clock.ts'
import type { ChangelogWrite } from '../../log.ts'
import { createAdmin } from '../admin/admin.ts'
import { changelogTopic } from '../admin/names.ts'
import type { Fetcher } from '../contracts.ts'
import { createFetcher } from '../fetch/fetcher.ts'
import { openTransactionalProducer } from '../produce/transactional-producer.ts'
import type { Cluster } from '../wire/cluster.ts'
import { connectCluster } from '../wire/connect-cluster.ts'
import { openSession, type KafkaSession } from './kafka-session.ts'
import { ProcessState } from './process-state.ts'
import { RestoreGate } from './restore-gate.ts'

const root = mkdtempSync(join(tmpdir(), 'state-kafka-'))
let cluster: Cluster
const states: ProcessState[] = []

beforeAll(async () => {
  cluster = await connectCluster({ brokers, clock: systemClock })
})
afterAll(async () => {
  await Promise.all(states.map((state) => state.close()))
  await cluster.close()
  rmSync(root, { recursive: true, force: true })
})

/** One process, as far as its disk can tell, which counts what it reads of changelogs. */
class TestProcess {
  blobs = 0
  readonly state: ProcessState
  readonly pipeline: string

  private constructor(state: ProcessState, pipeline: string) {
    this.state = state
    this.pipeline = pipeline
  }

  static async start(pipeline: string, directory: string): Promise<TestProcess> {
    const state = await ProcessState.open({
      cluster,
      fetcher: createFetcher(cluster),
      directory: join(root, directory),
      pipeline,
      infos: [{ task: 'main/0', part: 'main', index: 0, inputs: [], isStateful: true }],
      instanceId: null,
      notify: ({ text }) => assert.fail(text),
    })
    states.push(state)
    return new TestProcess(state, pipeline)
  }

  async open(): Promise<{ session: KafkaSession; restored: string[] }> {
    const admin = createAdmin({ cluster, clock: systemClock })
    const limits = (topic: string): ReturnType<typeof admin.limits> => admin.limits(topic)
    const session = await openSession({
      cluster,
      admin,
      fetcher: this.#counting(createFetcher(cluster)),
      spec: { pipeline: this.pipeline, task: 'main/0', inputs: [], startAt: [] },
      tasks: [],
      outOfRange: 'stop',
      ownership: null,
      openCopy: (from) => this.state.openCopy('main/0', from),
      gate: new RestoreGate(1 << 20),
      openProducer: (transactionalId) =>
        openTransactionalProducer({
          cluster,
          compression: 'none',
          limits,
          transactionalId,
          waitFor: 'markers',
        }),
      onClose: () => {},
    })
    const restored: string[] = []
    this.blobs = 0
    for await (const blob of session.restore()) restored.push(Buffer.from(blob).toString())
    return { session, restored }
  }

  #counting(fetcher: Fetcher): Fetcher {
    return {
      open: (inputs, options) => {
        const set = fetcher.open(inputs, options)
        const isChangelog = inputs[0]?.topic.endsWith('-changelog') === true
        const poll = set.poll.bind(set)
        set.poll = (input) => {
          const batch = poll(input)
          if (isChangelog) this.blobs += (batch?.count ?? 0) - (batch?.first ?? 0)
          return batch
        }
        return set
      },
      close: () => fetcher.close(),
    }
  }
}

async function commit(session: KafkaSession, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    const changelog: ChangelogWrite = {
      bytes: Buffer.from(text),
      startsRound: text.startsWith('<'),
      endsRound: text.endsWith('>'),
    }
    await session.commit({ offsets: [], appends: [], changelog })
  }
}

kafkaTest('a restart reads the tail from Kafka, and the rest from its disk', async () => {
  const pipeline = uniqueName('state')
  const one = await TestProcess.start(pipeline, 'a')
  const first = await one.open()
  assert.deepEqual(first.restored, [])
  const early = Array.from({ length: 30 }, (_, i) => `e${i}`)
  await commit(first.session, '<0', '0>', ...early)
  await first.session.close()
  await one.state.close()

  // Started again on the same disk, it takes the slot that it had.
  const again = await TestProcess.start(pipeline, 'a')
  assert.equal(again.state.instanceId, one.state.instanceId)
  assert.deepEqual(again.state.warm(), ['main/0'])
  const second = await again.open()
  assert.deepEqual(second.restored, ['<0', '0>', ...early])
  assert.equal(again.blobs, 1, 'only the last one, to compare')
  assert.equal(second.session.restoredShare, 1)
  await commit(second.session, 'own')
  await second.session.close()

  // Meanwhile another process has it.
  const other = await TestProcess.start(pipeline, 'b')
  const third = await other.open()
  assert.equal(other.blobs, 33, 'it has no copy')
  await commit(third.session, 'x', 'y')
  await third.session.close()

  const fourth = await again.open()
  assert.deepEqual(fourth.restored, ['<0', '0>', ...early, 'own', 'x', 'y'])
  assert.equal(again.blobs, 3, 'the last one, and two that are new')
  await commit(fourth.session, '<1', '1>', 'z')
  await fourth.session.close()

  // Its own copy now begins too early: what it has is of no use any more.
  const fifth = await other.open()
  assert.deepEqual(fifth.restored, ['<1', '1>', 'z'])
  assert.equal(other.blobs, 3)
  await fifth.session.close()
})

kafkaTest('a standby copy makes a takeover short; a large blob stays whole in it', async () => {
  const pipeline = uniqueName('state')
  const [one, other] = await Promise.all([
    TestProcess.start(pipeline, 'c'),
    TestProcess.start(pipeline, 'd'),
  ])
  other.state.setStandbys(['main/0']) // before there is any state
  const first = await one.open()
  const large = 'large'.repeat(400_000)
  await commit(first.session, '<0', large, '0>', ...Array.from({ length: 20 }, (_, i) => `e${i}`))
  const limit = systemClock.monotonic() + 15_000
  while (!other.state.warm().includes('main/0') && systemClock.monotonic() < limit) {
    await new Promise<void>((resolve) => systemClock.after(50, resolve))
  }
  assert.deepEqual(other.state.warm(), ['main/0'])
  await commit(first.session, 'f', 'g')
  await first.session.close()
  const second = await other.open()
  assert.equal(second.restored.length, 25)
  assert.equal(second.restored[1], large)
  assert.deepEqual(second.restored.slice(-2), ['f', 'g'])
  assert.ok(other.blobs <= 3, `${other.blobs} read at the takeover`)
  // And the other way round: who had it follows now.
  one.state.setStandbys(['main/0'])
  await commit(second.session, 'h')
  await second.session.close()
  await one.state.close()
  await other.state.close()
  assert.equal(changelogTopic(pipeline, 'main/0').partition, 0)
})
