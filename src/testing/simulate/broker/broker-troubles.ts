/**
 * What goes wrong between a run's processes and the brokers, and with the brokers: drawn from one
 * seed, some kinds off entirely, so that others get room; after a number of them all goes well.
 */
import type { Random } from '../../../core/random.ts'
import type { ModelBrokers } from '../../../log/kafka/model/model-brokers.ts'
import type { Mishap } from '../../../log/kafka/model/model-line.ts'

const mishapKinds = ['request-lost', 'answer-lost', 'late-request', 'late-answer'] as const
/** One request in so many; of those that write something, so much oftener. */
const rates = [12, 40, 120, 400]
const oftener = 6
const writing: ReadonlySet<string> = new Set([
  'InitProducerId',
  'AddPartitionsToTxn',
  'AddOffsetsToTxn',
  'Produce',
  'TxnOffsetCommit',
  'EndTxn',
  'JoinGroup',
  'SyncGroup',
])
/** Of one run. */
const mishapsMax = 40
const changesMax = 5
/** In which changes of the brokers happen, virtual ms. */
const changesWithinMs = 4_000
const downMsMax = 3_000
const lateMsMax = 60
/** Now and then, virtual ms: longer than the lease and a request's time-out. */
const veryLateMsMax = 15_000

export interface TroublesOptions {
  readonly brokers: ModelBrokers
  readonly random: Random
  readonly note: (text: string) => void
}

export class BrokerTroubles {
  readonly #options: TroublesOptions
  readonly #kinds: readonly (typeof mishapKinds)[number][]
  readonly #oneIn: number
  #left = mishapsMax

  constructor(options: TroublesOptions) {
    const { random } = options
    this.#options = options
    this.#kinds = mishapKinds.filter(() => random.int(2) === 0)
    this.#oneIn = rates[random.int(rates.length)] ?? 0
  }

  /** What the next request of a process meets. */
  meet(name: string, node: number): Mishap | null {
    const { random, note } = this.#options
    if (this.#left === 0 || this.#kinds.length === 0) return null
    const oneIn = writing.has(name) ? Math.ceil(this.#oneIn / oftener) : this.#oneIn
    if (random.int(oneIn) > 0) return null
    const kind = this.#kinds[random.int(this.#kinds.length)] ?? 'answer-lost'
    this.#left -= 1
    if (kind === 'request-lost' || kind === 'answer-lost') {
      note(`${name} to broker ${node}: ${kind}`)
      return { kind }
    }
    const ms = 1 + random.int(random.int(10) === 0 ? veryLateMsMax : lateMsMax)
    note(`${name} to broker ${node}: ${kind}, ${ms} ms`)
    return { kind, ms }
  }

  /** Leaders and coordinators move and brokers go down, from now on. */
  begin(): void {
    const { random, brokers } = this.#options
    for (let left = random.int(changesMax + 1); left > 0; left--) {
      const change = random.int(4)
      const place = random.int(2 ** 20)
      brokers.clock.after(1 + random.int(changesWithinMs), () => this.#change(change, place))
    }
  }

  #change(change: number, place: number): void {
    const { brokers, note } = this.#options
    const { topics, placement } = brokers
    if (change === 0) {
      const places = topics.all.flatMap(({ name, partitions }) =>
        partitions.map((_, partition) => ({ name, partition })),
      )
      const found = places[place % Math.max(1, places.length)]
      if (found === undefined) return
      note(`another broker leads ${found.name}/${found.partition}`)
      brokers.moveLeader(found.name, found.partition)
    } else if (change === 3) {
      const node = placement.nodes[place % placement.nodes.length] ?? 0
      const ms = 1 + (place % downMsMax)
      note(`broker ${node} is down for ${ms} ms`)
      brokers.kill(node, ms)
    } else {
      const kind = change === 1 ? 'group' : 'transaction'
      note(`another broker coordinates part ${place % 5} (${kind})`)
      brokers.moveCoordinator(kind, place)
    }
  }
}
