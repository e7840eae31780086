/**
 * `npm run kafka:up`, `kafka:down` and `kafka:tool`: a Kafka on this machine to try things on, and
 * Kafka's own tools beside it.
 */
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { KafkaCluster, isCluster } from './cluster.ts'
import { kafkaVersion, whyNoKafka } from './jars.ts'

const usage = `usage:
       kafka.ts up [--nodes 1|3] [--version ${kafkaVersion}] [--port 9092] [--data DIR]
       kafka.ts down [--data DIR]
       kafka.ts tool [--data DIR] TOOL ARGUMENTS…
TOOL is console-producer, console-consumer, topics, consumer-groups, or a class of Kafka's.
`

/** By the names of the scripts of Kafka's own `bin`. */
const tools: Readonly<Record<string, string>> = {
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  topics: 'org.apache.kafka.tools.TopicCommand',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
}

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
  if (!isCluster(directory)) return noCluster()
  await KafkaCluster.at(directory).stop()
  return 0
}

/** In the terminal it was started in: what is typed goes to the tool, Ctrl-C ends it. */
async function tool(): Promise<number> {
  const [name, ...args] = process.argv.slice(process.argv.indexOf(rest[0] ?? ''))
  if (rest[0] === undefined || name === undefined) return wrongUse()
  if (!isCluster(directory)) return noCluster()
  const cluster = KafkaCluster.at(directory)
  const isNamed = args.includes('--bootstrap-server')
  const address = isNamed ? [] : ['--bootstrap-server', cluster.brokers.join(',')]
  const [java, all] = cluster.toolCommand(tools[name] ?? name, [...address, ...args])
  const child = spawn(java, all, { stdio: 'inherit' })
  process.on('SIGINT', () => {}) // the terminal has told the tool already
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

function noCluster(): number {
  process.stderr.write(`there is no cluster in ${directory}: npm run kafka:up\n`)
  return 1
}

function wrongUse(): number {
  process.stderr.write(usage)
  return 2
}

const commands: Record<string, () => number | Promise<number>> = { up, down, tool }
process.exitCode = await (commands[command ?? ''] ?? wrongUse)()
