/** The records that the driver writes: all of them follow from the seed. */
import { seededRandom } from '../../src/core/random.ts'
import type { Random } from '../../src/core/random.ts'
import { partitionOfText } from '../../src/log/partitioner.ts'
import { disorderMs, partitions, salesTopic, shipmentsTopic } from './scenario.ts'
import type { Sale, Shipment } from './scenario.ts'

/** Which of the topics a record belongs to, and what it says. */
export type Entry =
  | { readonly topic: typeof salesTopic; readonly key: string; readonly value: Sale }
  | { readonly topic: typeof shipmentsTopic; readonly key: string; readonly value: Shipment }

const shops = 60
const trucks = 30
const categories = 40
/** So many ids after each other share ten orders: about two sales and a shipment each. */
const idsOfOrders = 30
/** Of the last records, which move event time on: past every window and every join. */
const closingMs = 30_000

/** Makes the records one after the other, from id 0. */
export class Input {
  readonly #random: Random
  readonly #startMs: number
  readonly #stepMs: number
  readonly #numbers = new Map<string, number>()
  #next = 0

  /** @param startMs event time of id 0 @param perSecond ids in a second of event time */
  constructor(options: { seed: number; startMs: number; perSecond: number }) {
    this.#random = seededRandom(options.seed)
    this.#startMs = options.startMs
    this.#stepMs = 1000 / options.perSecond
  }

  /** Id of the record that comes next. */
  get nextId(): number {
    return this.#next
  }

  /** When a record is due, in event time without disorder. */
  dueMs(id: number): number {
    return this.#startMs + id * this.#stepMs
  }

  next(): Entry {
    const random = this.#random
    const id = this.#next
    this.#next += 1
    const at = Math.floor(this.dueMs(id)) - random.int(disorderMs)
    const order = `order-${Math.floor(id / idsOfOrders) * 10 + random.int(10)}`
    if (id % 3 === 2) {
      const truck = `truck-${random.int(trucks)}`
      const value = { id, truck, n: this.#number(truck), order, weight: random.int(500), at }
      return { topic: shipmentsTopic, key: truck, value }
    }
    const shop = `shop-${random.int(shops)}`
    const category = `category-${random.int(categories)}`
    const amount = random.int(10_000)
    const value = { id, shop, n: this.#number(shop), category, order, amount, at }
    return { topic: salesTopic, key: shop, value }
  }

  /** A record for each partition of both topics, behind all others in event time. */
  closing(): readonly { readonly partition: number; readonly entry: Entry }[] {
    const at = Math.floor(this.dueMs(this.#next)) + closingMs
    return Array.from({ length: partitions }, (_, partition) => {
      const order = `closing-${partition}`
      const shop = keyIn(partition, 'closing-shop')
      const truck = keyIn(partition, 'closing-truck')
      const sale = { id: this.#id(), shop, n: 0, category: order, order, amount: 1, at }
      const shipment = { id: this.#id(), truck, n: 0, order, weight: 1, at }
      return [
        { partition, entry: { topic: salesTopic, key: shop, value: sale } },
        { partition, entry: { topic: shipmentsTopic, key: truck, value: shipment } },
      ] as const
    }).flat()
  }

  #id(): number {
    this.#next += 1
    return this.#next - 1
  }

  #number(key: string): number {
    const number = this.#numbers.get(key) ?? 0
    this.#numbers.set(key, number + 1)
    return number
  }
}

/** A key that the partitioner sends to the partition. */
function keyIn(partition: number, name: string): string {
  let number = 0
  while (partitionOfText(`${name}-${number}`, partitions) !== partition) number += 1
  return `${name}-${number}`
}
