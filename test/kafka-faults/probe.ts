/** Kafka's own client (Probe.java) as a process beside this one. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { KafkaCluster } from '../kafka/cluster.ts'

const program = fileURLToPath(new URL('Probe.java', import.meta.url))

/** What a read_committed reader has been given of a partition at one time. */
export interface Seen {
  readonly topic: string
  readonly partition: number
  readonly count: number
  /** Largest `id` of the records; −1: they have none. */
  readonly id: number
}

export class Probe {
  readonly #cluster: KafkaCluster

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  async create(topics: readonly string[], partitions: number): Promise<void> {
    await this.#toEnd(['create', this.#brokers, String(partitions), ...topics])
  }

  /** Writes all records of the topics that fit to a file. @throws where a transaction stays open */
  async dump(file: string, pattern: string): Promise<void> {
    await this.#toEnd(['dump', this.#brokers, file, pattern])
  }

  /** Tells what can be read of the topics, from now until `stop`. */
  watch(topics: readonly string[], tell: (seen: Seen) => void): { stop: () => Promise<void> } {
    const child = this.#spawn(['watch', this.#brokers, ...topics], 'inherit')
    const ended = once(child, 'close')
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [topic = '', partition, count, id] = line.split('\t')
        tell({ topic, partition: Number(partition), count: Number(count), id: Number(id) })
      })
    }
    return {
      stop: async () => {
        child.stdin?.end()
        await ended
      },
    }
  }

  get #brokers(): string {
    return this.#cluster.brokers.join(',')
  }

  #spawn(args: readonly string[], stderr: 'inherit' | 'pipe'): ChildProcess {
    const [command, all] = this.#cluster.toolCommand(program, args)
    return spawn(command, ['-Xmx256m', '-XX:+UseSerialGC', ...all], {
      stdio: ['pipe', 'pipe', stderr],
    })
  }

  async #toEnd(args: readonly string[]): Promise<void> {
    const child = this.#spawn(args, 'pipe')
    let errors = ''
    child.stderr?.on('data', (text: Buffer) => (errors += text.toString()))
    child.stdout?.resume()
    const [status] = (await once(child, 'close')) as [number | null]
    if (status !== 0) throw new Error(`Probe ${args[0]} ended with ${status}: ${errors}`)
  }
}
