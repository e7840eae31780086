/**
 * A real Apache Kafka (KRaft) of one or three brokers on the loopback address: for tests,
 * benchmarks, and to try Millrace on. Each broker is a process of its own that can be killed,
 * paused and started again.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { SpawnSyncReturns } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fetchJars, kafkaVersion } from './jars.ts'

const logging = fileURLToPath(new URL('log4j2.properties', import.meta.url))
const startMsMax = 90_000
const stopMsMax = 20_000

export interface ClusterOptions {
  /** 1 or 3. Default 1. */
  readonly nodes?: number
  /** Where its data lies; default a new one in the temporary directory, removed by `stop`. */
  readonly directory?: string
  /** Default `kafkaVersion`. */
  readonly version?: string
  /**
   * First port: broker N listens on `port + 2N`, its controller on the next. Default: free ones.
   */
  readonly port?: number
  /** Megabytes of heap of each broker. Default 512. */
  readonly heapMb?: number
  /** Further lines for `server.properties`; they win over the usual ones. */
  readonly settings?: Readonly<Record<string, string>>
}

interface Node {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
}

/** What is written down of a cluster, so that another process can go on with it. */
interface Description {
  readonly version: string
  readonly heapMb: number
  readonly nodes: readonly Node[]
}

export class KafkaCluster {
  readonly directory: string
  readonly version: string
  /** `127.0.0.1:port`, one a broker. */
  readonly brokers: readonly string[]
  readonly #description: Description
  readonly #jars: string
  readonly #isOwn: boolean

  private constructor(directory: string, description: Description, isOwn: boolean) {
    this.directory = directory
    this.version = description.version
    this.brokers = description.nodes.map(({ port }) => `127.0.0.1:${port}`)
    this.#description = description
    this.#jars = fetchJars(description.version)
    this.#isOwn = isOwn
  }

  /**
   * Makes a cluster, or goes on with the one in `directory`: brokers that run are left alone.
   * Resolves when all brokers answer.
   */
  static async start(options: ClusterOptions = {}): Promise<KafkaCluster> {
    const isOwn = options.directory === undefined
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
    const cluster = KafkaCluster.#exists(directory)
      ? KafkaCluster.at(directory)
      : await KafkaCluster.#make(directory, isOwn, options)
    const idle = cluster.nodes.filter((node) => !cluster.isRunning(node))
    await Promise.all(idle.map((node) => cluster.restart(node)))
    return cluster
  }

  /** A cluster that was made before, as it stands. */
  static at(directory: string): KafkaCluster {
    const text = readFileSync(join(directory, 'cluster.json'), 'utf8')
    return new KafkaCluster(directory, JSON.parse(text) as Description, false)
  }

  static #exists(directory: string): boolean {
    return existsSync(join(directory, 'cluster.json'))
  }

  static async #make(
    directory: string,
    isOwn: boolean,
    options: ClusterOptions,
  ): Promise<KafkaCluster> {
    const { nodes: count = 1, version = kafkaVersion, heapMb = 512, port } = options
    mkdirSync(directory, { recursive: true })
    const nodes: Node[] = []
    for (let id = 1; id <= count; id++) {
      const [first, second] =
        port === undefined ? await freePorts(2) : [port + 2 * (id - 1), port + 2 * (id - 1) + 1]
      nodes.push({ id, port: first ?? 0, controllerPort: second ?? 0 })
    }
    const description: Description = { version, heapMb, nodes }
    const cluster = new KafkaCluster(directory, description, isOwn)
    const id = clusterId()
    for (const node of nodes) {
      const file = cluster.#file(node.id, 'properties')
      mkdirSync(cluster.#data(node.id), { recursive: true })
      writeFileSync(file, settingsOf(node, nodes, cluster.#data(node.id), options.settings ?? {}))
      const format = cluster.#java(['kafka.tools.StorageTool', 'format', '-t', id, '-c', file])
      if (format.status !== 0)
        throw new Error(`formatting failed: ${format.stdout}${format.stderr}`)
    }
    writeFileSync(join(directory, 'cluster.json'), JSON.stringify(description))
    return cluster
  }

  get nodes(): number[] {
    return this.#description.nodes.map(({ id }) => id)
  }

  /** Starts a broker that does not run, and waits until it answers. */
  async restart(node: number): Promise<void> {
    const { port } = this.#node(node)
    const out = openSync(this.#file(node, 'log'), 'a')
    const broker = spawn(
      'java',
      [
        '-Xms128m',
        `-Xmx${this.#description.heapMb}m`,
        '-XX:+UseG1GC',
        ...javaFlags,
        `-Dkafka.logs.dir=${join(this.directory, 'logs')}`,
        '-cp',
        join(this.#jars, '*'),
        'kafka.Kafka',
        this.#file(node, 'properties'),
      ],
      { stdio: ['ignore', out, out], detached: true },
    )
    closeSync(out)
    broker.unref()
    writeFileSync(this.#file(node, 'pid'), String(broker.pid))
    let ended = false
    broker.once('exit', () => (ended = true))
    const endMs = performance.now() + startMsMax
    while (!(await answers(port))) {
      if (ended || performance.now() > endMs) {
        const log = readFileSync(this.#file(node, 'log'), 'utf8').split('\n').slice(-40).join('\n')
        throw new Error(`broker ${node} does not answer on port ${port}:\n${log}`)
      }
      await pause(50)
    }
  }

  /** kill -9. */
  kill(node: number): void {
    this.#signal(node, 'SIGKILL')
  }

  /** SIGSTOP: it holds its connections and answers nothing. */
  pause(node: number): void {
    this.#signal(node, 'SIGSTOP')
  }

  resume(node: number): void {
    this.#signal(node, 'SIGCONT')
  }

  /** Stops all brokers in order; removes the data where `start` made the directory. */
  async stop(): Promise<void> {
    for (const node of this.nodes) this.#signal(node, 'SIGCONT')
    for (const node of this.nodes) this.#signal(node, this.#isOwn ? 'SIGKILL' : 'SIGTERM')
    const endMs = performance.now() + stopMsMax
    for (const node of this.nodes) {
      while (this.isRunning(node) && performance.now() < endMs) await pause(50)
      if (this.isRunning(node)) this.kill(node)
      rmSync(this.#file(node, 'pid'), { force: true })
    }
    if (this.#isOwn) rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }

  isRunning(node: number): boolean {
    return this.#signal(node, 0)
  }

  /** Runs one of Kafka's own tools to its end, e.g. `org.apache.kafka.tools.TopicCommand`. */
  tool(name: string, args: readonly string[], input = ''): { stdout: string; status: number } {
    const { stdout, stderr, status } = this.#java([name, ...args], input)
    if (status !== 0) appendFileSync(join(this.directory, 'tools.log'), `${name}\n${stderr}`)
    return { stdout: `${stdout}${status === 0 ? '' : stderr}`, status: status ?? 1 }
  }

  /** The command that starts one of Kafka's tools, for those that run on beside others. */
  toolCommand(name: string, args: readonly string[]): [string, string[]] {
    return ['java', [...javaFlags, '-cp', join(this.#jars, '*'), name, ...args]]
  }

  #java(args: readonly string[], input = ''): SpawnSyncReturns<string> {
    const [name = '', ...rest] = args
    const [java, all] = this.toolCommand(name, rest)
    return spawnSync(java, all, { encoding: 'utf8', input, maxBuffer: 1 << 28 })
  }

  #signal(node: number, signal: NodeJS.Signals | 0): boolean {
    const file = this.#file(node, 'pid')
    if (!existsSync(file)) return false
    const pid = Number(readFileSync(file, 'utf8'))
    if (!isBroker(pid, this.#file(node, 'properties'))) return false
    try {
      return process.kill(pid, signal)
    } catch {
      return false
    }
  }

  #node(id: number): Node {
    const node = this.#description.nodes.find((one) => one.id === id)
    if (node === undefined) throw new Error(`there is no broker ${id}`)
    return node
  }

  #data(node: number): string {
    return join(this.directory, String(node))
  }

  #file(node: number, suffix: string): string {
    return join(this.directory, `${node}.${suffix}`)
  }
}

const javaFlags = ['-Djava.awt.headless=true', `-Dlog4j2.configurationFile=file:${logging}`]

/** A UUID in base64; not with a dash in front, which the tool would take for an option. */
function clusterId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = (bytes[0] ?? 0) & 0x7f
  return Buffer.from(bytes).toString('base64url')
}

/** A pid may have been given to another process since it was written down. */
function isBroker(pid: number, properties: string): boolean {
  if (!(pid > 1)) return false
  const file = `/proc/${pid}/cmdline`
  if (!existsSync('/proc/self/cmdline')) return true // no way to look
  return existsSync(file) && readFileSync(file, 'utf8').includes(properties)
}

function settingsOf(
  node: Node,
  nodes: readonly Node[],
  data: string,
  more: Readonly<Record<string, string>>,
): string {
  const voters = nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`)
  const replicas = String(nodes.length)
  const inSync = nodes.length > 1 ? '2' : '1'
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.voters': voters.join(','),
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': data,
    'num.partitions': '1',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'unclean.leader.election.enable': 'false',
    'auto.create.topics.enable': 'false',
    // Taken in one piece at the start: the default of 128 MiB does not always fit a small heap.
    'log.cleaner.dedupe.buffer.size': String(8 << 20),
    ...more,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => {
            const address = server.address()
            resolve(typeof address === 'object' && address !== null ? address.port : 0)
          })
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** The clusters in the directories of `parent`, for `kafka:down`. */
export function isCluster(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).includes('cluster.json')
}
