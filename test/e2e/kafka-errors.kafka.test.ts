/** What goes wrong on Kafka is told with what happened, where, and what to do about it. */
import assert from 'node:assert/strict'
import { brokers, kafkaTest, uniqueName } from '../kafka/broker.ts'
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts'
import { Workspace } from './command.ts'

const log = `kafka://${brokers.join(',')}`
const limits = { limitMs: 60_000 }

/** A pipeline from `input` to `output`. */
function copying(input: string, output: string, step = '(one) => one'): string {
  return `
import { from, string, topic } from 'millrace'
export default from(topic('${input}', { codec: string() })).map(${step}).to(topic('${output}'))
`
}

/** Runs a file until it ends by an error. @returns what the terminal shows of it */
async function failing(space: Workspace, text: string, ...more: string[]): Promise<string> {
  const name = uniqueName('kerr')
  const { code, stderr } = await space.run(['run', space.write(`${name}.ts`, text), ...more])
  assert.equal(code, 1, stderr)
  return stderr
}

kafkaTest('a topic that is missing is told with the command that makes it', async () => {
  using space = new Workspace(limits)
  const topic = uniqueName('kerr-missing')
  const told = await failing(space, copying(topic, 'kerr-never'), '--log', log)
  assert.match(told, new RegExp(`topic '${topic}' does not exist`))
  assert.match(told, new RegExp(`millrace topics create ${topic} --partitions 1`))
})

kafkaTest('topics read together with unequal partition counts are refused', async () => {
  using space = new Workspace(limits)
  const [left, right] = [uniqueName('kerr-left'), uniqueName('kerr-right')]
  await space.ok(`topics create ${left} --partitions 2 --log ${log}`)
  await space.ok(`topics create ${right} --partitions 3 --log ${log}`)
  const text = `
import { from, json, topic, within } from 'millrace'
const key = (one: { k: string }): string => one.k
const left = from(topic('${left}', { codec: json<{ k: string }>(), key }))
const right = from(topic('${right}', { codec: json<{ k: string }>(), key }))
export default left.join(right, within('1m')).print()
`
  const told = await failing(space, text, '--log', log)
  assert.ok(
    told.includes(`topics '${left}' and '${right}' are read together but have 2 and 3 partitions`),
    told,
  )
  assert.match(told, /give both as many partitions/)
  await space.ok(`topics delete ${left} --yes --log ${log}`)
  await space.ok(`topics delete ${right} --yes --log ${log}`)
})

kafkaTest('a record that the topic does not take is kept with its size and the limit', async () => {
  using space = new Workspace(limits)
  const [input, output] = [uniqueName('kerr-in'), uniqueName('kerr-out')]
  const admin = await openKafkaLog({ brokers })
  await admin.createTopic(input, { partitions: 1 })
  await admin.createTopic(output, { partitions: 1, recordBytesMax: 1_000 })
  await space.ok(`produce ${input} --log ${log}`, 'short\n')
  const text = copying(input, output, "(one) => one + 'x'.repeat(2_000)")
  const running = space.start('run', space.write('large.ts', text), '--log', log)
  await running.until(({ stderr }) => stderr.includes('runs on'), 'its start')
  const dead = await space.ok(`consume ${input}.dead --follow --max 1 --json --log ${log}`)
  assert.match(dead.stdout, /"millrace-reason","value":"record-too-large"/)
  assert.match(dead.stdout, /a record of 2007 bytes is over the topic's 1000/)
  const { stderr } = await running.kill('SIGINT')
  assert.match(stderr, new RegExp(`1 dead \\(kept in ${input}.dead\\)`))
  for (const topic of [input, output, `${input}.dead`]) await admin.deleteTopic(topic)
  await admin.close()
})

kafkaTest('records deleted before they were read stop the run, unless told otherwise', async () => {
  using space = new Workspace(limits)
  const input = uniqueName('kerr-gap')
  const text = `
import { from, string, topic } from 'millrace'
export default from(topic('${input}', { codec: string() })).print()
`
  const name = uniqueName('kerr-reader')
  const admin = await openKafkaLog({ brokers })
  await admin.createTopic(input, { partitions: 1 })
  await space.ok(`produce ${input} --log ${log}`, 'a\nb\nc\nd\ne\n')
  await admin.commitGroup(name, [{ topic: input, partition: 0, offset: 1 }])
  await admin.trim([{ topic: input, partition: 0, offset: 4 }])
  const told = await failing(space, text, '--name', name, '--log', log)
  assert.match(told, /3 records from offset 1 on were deleted before they were read/)
  assert.match(told, new RegExp(`${input}/0`))
  assert.match(told, /outOfRange 'earliest'.* or 'latest'/)
  const file = space.write('on.ts', text)
  const going = space.start('run', file, '--name', name, '--log', `${log}?out-of-range=earliest`)
  await going.until(({ stdout }) => stdout.includes('e\n'), 'the last record')
  assert.ok(!going.stdout.includes('d\n'.padStart(4, 'c')))
  assert.equal((await going.kill('SIGINT')).code, 0)
  await admin.deleteGroup(name)
  await admin.deleteTopic(input)
  await admin.close()
})
