/**
 * Simulated processes on modelled Kafka brokers: each has a driver of its own, the real one, with
 * its membership, and reaches the brokers over a network that loses and delays. For the engine's
 * own tests: the driver is an optional part, which `millrace/testing` does not load.
 */
import type { Clock } from '../../../core/clock.ts'
import { seededRandom, type Random } from '../../../core/random.ts'
import { pipelineOfGroup } from '../../../log/kafka/admin/names.ts'
import { kafkaLogOn } from '../../../log/kafka/kafka-log.ts'
import { ModelBrokers } from '../../../log/kafka/model/model-brokers.ts'
import { modelCluster, type Mishap } from '../../../log/kafka/model/model-line.ts'
import type { ModelTopic } from '../../../log/kafka/model/model-topics.ts'
import type { Log } from '../../../log/log.ts'
import { leaseMs } from '../fault.ts'
import type { Committed, CommittedPartition, World, WorldRun } from '../world.ts'
import { BrokerTroubles } from './broker-troubles.ts'

/** What a seed decides about the brokers, beside their faults. */
interface Settings {
  readonly transactionVersion: 1 | 2
  readonly epochMax: number
  readonly transactionTimeoutMs: number
  readonly markerMsMax: number
  readonly delayMsMax: number
}

const usual: Settings = {
  transactionVersion: 2,
  epochMax: 32_766,
  transactionTimeoutMs: 60_000,
  markerMsMax: 10,
  delayMsMax: 2,
}

const heartbeatMs = 2_000

export class BrokerWorld implements World {
  readonly hasMembers = true
  readonly slowness = 20
  readonly committed: Committed
  readonly #run: WorldRun
  readonly #spoil: (brokers: ModelBrokers) => void
  readonly #random: Random
  readonly #settings: Settings
  #brokers: ModelBrokers | null = null
  #troubles: BrokerTroubles | null = null

  /** @param spoil makes the brokers wrong, for tests; default: they are right */
  constructor(run: WorldRun, spoil: (brokers: ModelBrokers) => void = () => {}) {
    this.#run = run
    this.#spoil = spoil
    this.#random = seededRandom(run.seed ?? 0)
    this.#settings = run.seed === null ? usual : drawSettings(this.#random)
    this.committed = committedOf(() => this.#known)
  }

  get #known(): ModelBrokers {
    if (this.#brokers === null) throw new Error('the world has not been opened')
    return this.#brokers
  }

  /** Whoever writes the input comes first: with a clock that never stands still. */
  open(process: number, clock: Clock): Log {
    const { transactionTimeoutMs, delayMsMax, ...settings } = this.#settings
    const random = this.#random
    const brokers = this.#brokers ?? new ModelBrokers({ clock, random, ...settings })
    if (this.#brokers === null) this.#spoil(brokers)
    this.#brokers = brokers
    if (process > 0 && this.#troubles === null && this.#run.seed !== null) {
      this.#troubles = new BrokerTroubles({ brokers, random, note: this.#run.note })
      this.#troubles.begin()
    }
    const meet = (name: string, node: number): Mishap | null =>
      process === 0 ? null : (this.#troubles?.meet(name, node) ?? null)
    return kafkaLogOn(
      modelCluster({ brokers, random, delayMsMax, meet }, { clock, random }),
      { sessionTimeoutMs: leaseMs, heartbeatMs, transactionTimeoutMs },
      random,
    )
  }

  /** The brokers hear nothing of it: the process's session runs out. */
  crashed(_process: number): void {}

  /** The processes' power: the brokers have their own. */
  powerLost(): void {}

  /** As the brokers know: the producer of the batch, whose transactional id names the task. */
  taskOf(topic: string, partition: number, offset: number): string {
    const { topics, transactions } = this.#known
    const producer = topics.at({ topic, partition })?.producerAt(offset) ?? -1
    const id = transactions.ownerOf(producer) ?? ''
    return id.slice(`${pipelineOfGroup(id)}##`.length)
  }
}

function drawSettings(random: Random): Settings {
  return {
    transactionVersion: random.int(3) === 0 ? 1 : 2,
    epochMax: random.int(3) === 0 ? 3 + random.int(8) : usual.epochMax,
    transactionTimeoutMs: random.int(3) === 0 ? 4_000 : usual.transactionTimeoutMs,
    markerMsMax: random.int(3) === 0 ? 200 : usual.markerMsMax,
    delayMsMax: random.int(4),
  }
}

function committedOf(brokers: () => ModelBrokers): Committed {
  return {
    topics: {
      get: (name) => {
        const topic = brokers().topics.get(name)
        return topic === undefined ? undefined : { partitions: partitionsOf(topic) }
      },
    },
    tasksOf: (pipeline) => {
      const { groups, topics } = brokers()
      const places = groups.names
        .filter((name) => pipelineOfGroup(name) === pipeline)
        .map((name) => ({ isTask: name !== pipeline, offsets: groups.offsetsOf(name).committed }))
      // Where tasks have committed an offset of their own, the pipeline's was only their start.
      const ofTasks = new Set(
        places.flatMap(({ isTask, offsets }) => (isTask ? offsets.map(keyOf) : [])),
      )
      return places.map(({ isTask, offsets }) => ({
        offsets: new Map(
          offsets.flatMap((one) => {
            const end = topics.at(one)?.recordsEnd ?? 0
            if (!isTask && ofTasks.has(keyOf(one))) return []
            // Behind the last record there are only markers.
            return [[keyOf(one), { offset: Math.min(one.offset, end) }] as const]
          }),
        ),
      }))
    },
  }
}

function partitionsOf({ partitions }: ModelTopic): CommittedPartition[] {
  return partitions.map((one, partition) => ({
    partition,
    startOffset: one.start,
    endOffset: one.recordsEnd,
    read: (offset) => one.committedFrom(offset),
  }))
}

function keyOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`
}
