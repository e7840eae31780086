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

const index = new URL('../../src/index.ts', import.meta.url).pathname

kafkaTest(
  'kafka: a fault, its letters, the fix, a replay for that pipeline alone',
  async () => {
    using workspace = new Workspace({
      limitMs: 60_000,
      env: { MILLRACE_LOG: `kafka://${brokers.join(',')}` },
    })
    const topic = uniqueName('readings')
    const write = (name: string, step: string): void => {
      workspace.write(
        `${name}.ts`,
        `import { from, json, string, topic } from '${index}'
const readings = topic('${topic}', { codec: json(), key: (r) => r.id, partitions: 2 })
export default from(readings).map((r) => { ${step} })
  .to(topic('${topic}-${name}', { codec: string() }))`,
      )
    }
    const values = async (name: string, count: number): Promise<Set<string>> => {
      const { stdout } = await workspace.ok(`consume ${topic}-${name} --follow --max ${count}`)
      return new Set(stdout.trimEnd().split('\n'))
    }
    const [good, bad] = [uniqueName('good'), uniqueName('bad')]
    write(good, 'return r.id')
    write(bad, "if (r.id === 'c') throw new Error('no c'); return r.id")
    await workspace.ok(`topics create ${topic} --partitions 2`)
    const start = async (name: string) => {
      const running = workspace.start('run', `${name}.ts`)
      await running.until(({ stderr }) => stderr.includes('runs on'), 'its start')
      return running
    }
    const one = await start(good)
    const two = await start(bad)
    const lines = ['a', 'b', 'c', 'd'].map((id) => `{"id":"${id}"}\n`).join('')
    await workspace.ok(`produce ${topic} --key id`, lines)
    await values(good, 4)
    await values(bad, 3)
    await workspace.ok(`consume ${topic}.dead --follow --max 1`)
    await two.kill('SIGINT')
    write(bad, 'return r.id')
    const three = await start(bad)
    const replayed = (await workspace.ok(`dead replay ${topic}`)).stderr
    expect(replayed).toBe(`1 letter replayed into ${topic}, for '${bad}'\n`)
    await workspace.ok(`produce ${topic} --key id`, '{"id":"e"}\n')
    expect(await values(bad, 5)).toEqual(new Set(['a', 'b', 'c', 'd', 'e']))
    expect(await values(good, 5)).toEqual(new Set(['a', 'b', 'c', 'd', 'e']))
    await Promise.all([one.kill('SIGINT'), three.kill('SIGINT')])
  },
  180_000,
)
