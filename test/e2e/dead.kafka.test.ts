/** Replays by the command line on Kafka: killed in the middle, and two at once. */
import { expect } from 'vitest'
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts'
import { brokers, kafkaTest, uniqueName } from '../kafka/broker.ts'
import { refuse, replayedIn } from '../letters/settle-cases.ts'
import { Workspace } from './command.ts'

const letterCount = 6_000
const rounds = 4

kafkaTest(
  'kafka: replays killed with -9, two at once: each letter once',
  async () => {
    using workspace = new Workspace({
      limitMs: 60_000,
      env: { MILLRACE_LOG: `kafka://${brokers.join(',')}` },
    })
    const topic = uniqueName('dead')
    const log = await openKafkaLog({ brokers })
    await refuse(log, topic, { count: letterCount })
    const appended = async (): Promise<number> => {
      const { partitions } = await log.describeTopic(topic)
      return partitions.reduce((sum, { endOffset }) => sum + endOffset, 0) - letterCount
    }
    let atWork = 0
    for (let round = 0; round < rounds; round++) {
      const before = await appended()
      const running = [0, 1].slice(0, 1 + (round % 2)).map(() => {
        return workspace.start('dead', 'replay', topic)
      })
      const isAlive = (): boolean => running.some(({ child }) => child.exitCode === null)
      while ((await appended()) <= before && isAlive()) {
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      if (isAlive()) atWork += 1
      await Promise.all(running.map((one) => one.kill('SIGKILL')))
    }
    const replay = async (): Promise<{ settled: number }> =>
      JSON.parse((await workspace.ok(`dead replay ${topic} --json`)).stdout) as { settled: number }
    const done = await Promise.all([replay(), replay()])
    expect(done.reduce((sum, { settled }) => sum + settled, 0)).toBeLessThan(letterCount)
    const keys = (await replayedIn(log, topic)).map(({ key }) => key)
    expect([keys.length, new Set(keys).size]).toEqual([letterCount, letterCount])
    expect(atWork, `of ${rounds} rounds`).toBeGreaterThan(0)
    const list = (await workspace.ok('dead list')).stdout
    expect(list).toMatch(new RegExp(`^${topic} +dead +0 +6,000 +0$`, 'm'))
    await log.close()
  },
  180_000,
)
