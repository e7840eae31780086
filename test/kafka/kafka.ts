/** `npm run kafka:up` and `kafka:down`: a Kafka on this machine to try things on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { KafkaCluster, isCluster } from './cluster.ts'
import { kafkaVersion, whyNoKafka } from './jars.ts'

const usage = `usage:
       kafka.ts up [--nodes 1|3] [--version ${kafkaVersion}] [--port 9092] [--data DIR]
       kafka.ts down [--data DIR]
       kafka.ts tool [--data DIR] CLASS ARGUMENTS…    for instance ConsoleProducer
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: {
    nodes: { type: 'string', default: '1' },
    version: { type: 'string', default: kafkaVersion },
    port: { type: 'string', default: '9092' },
    data: { type: 'string' },
  },
})
const [command, ...rest] = positionals
const directory = resolve(
  typeof values.data === 'string' ? values.data : join('.millrace', 'kafka'),
)

async function up(): Promise<number> {
  const version = String(values.version)
  const why = whyNoKafka(version)
  if (why !== null) {
    process.stderr.write(`kafka:up needs Java and Maven: ${why}\n`)
    return 69
  }
  const nodes = Number(values.nodes)
  const port = Number(values.port)
  if (![1, 3].includes(nodes) || !Number.isInteger(port)) return wrongUse()
  const cluster = await KafkaCluster.start({ nodes, version, port, directory })
  const url = `kafka://${cluster.brokers.join(',')}`
  process.stdout.write(
    `Kafka ${cluster.version} runs, data in ${cluster.directory}\n` +
      `  millrace topics list --log ${url}\n  stop it: npm run kafka:down\n`,
  )
  return 0
}

async function down(): Promise<number> {
  if (!isCluster(directory)) {
    process.stderr.write(`there is no cluster in ${directory}\n`)
    return 1
  }
  await KafkaCluster.at(directory).stop()
  return 0
}

/** By their last name, as Kafka's own scripts are called. */
const tools = [
  'ConsoleProducer',
  'consumer.ConsoleConsumer',
  'consumer.group.ConsumerGroupCommand',
  'TopicCommand',
].map((name) => `org.apache.kafka.tools.${name}`)

/** Reads this terminal and writes to it. */
async function tool(): Promise<number> {
  const [name, ...args] = process.argv.slice(process.argv.indexOf(rest[0] ?? ''))
  if (name === undefined) return wrongUse()
  const fullName = tools.find((one) => one.endsWith(`.${name}`)) ?? name
  const [java, all] = KafkaCluster.at(directory).toolCommand(fullName, args)
  const child = spawn(java, all, { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

function wrongUse(): number {
  process.stderr.write(usage)
  return 2
}

const commands: Record<string, () => number | Promise<number>> = { up, down, tool }
process.exitCode = await (commands[command ?? ''] ?? wrongUse)()
