/** Writes the input of the long run at a steady rate, and tells what must come of it. */
import { seededRandom } from '../../src/core/random.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import type { AppendBatch, Log } from '../../src/log/log.ts'
import { partitionOfText } from '../../src/log/partitioner.ts'
import { closingKey, type Expected } from './expected.ts'
import { disorderMs, inputTopics, joinMs, partitions } from './pipeline.ts'
import type { Click, InputTopic, Order, Payment } from './pipeline.ts'

/** Of 20 records: 13 clicks, 4 orders, and payments for 3 of these. */
const cycle = 20
const clicksOfCycle = 13
const ordersOfCycle = 17
/** Far more than disorder, lateness and how far partitions may be apart. */
const lateByMs = 120_000
const closingMs = 3_600_000
const customers = 1_000
const pages = 50
/** Users come and go, so that keys do: so many are there, and so many new ones come in a second. */
const usersAtOnce = 2_000
const newUsersPerSecond = 50
/** Records of one append. */
const recordsMax = 5_000

export class Feed {
  /** Records written and acknowledged, duplicates included. */
  written = 0
  late = 0
  dead = 0
  duplicates = 0
  readonly #log: Log
  readonly #expected: Expected
  readonly #random
  readonly #stepMs: number
  readonly #startMs: number
  readonly #builders = new Map<InputTopic, BatchBuilder[]>()
  /** Orders that will be paid, by the time they are. */
  readonly #unpaid: { readonly order: Order; readonly dueMs: number }[] = []
  readonly #repeats: Click[] = []
  #next = 0

  constructor(options: {
    readonly log: Log
    readonly expected: Expected
    readonly seed: number
    readonly perSecond: number
    readonly startMs: number
  }) {
    this.#log = options.log
    this.#expected = options.expected
    this.#random = seededRandom(options.seed)
    this.#stepMs = 1000 / options.perSecond
    this.#startMs = options.startMs
    for (const topic of inputTopics)
      this.#builders.set(
        topic,
        Array.from({ length: partitions }, () => new BatchBuilder()),
      )
  }

  /** Writes what is due at `nowMs`, or as much of it as fits one append. */
  async write(nowMs: number): Promise<void> {
    const due = Math.floor((nowMs - this.#startMs) / this.#stepMs)
    const end = Math.min(due, this.#next + recordsMax)
    for (; this.#next < end; this.#next++) this.#record(this.#next, nowMs)
    await this.#flush()
  }

  /** Records far in the future in each partition: every window before them closes. */
  async close(): Promise<void> {
    const at = this.#dueMs(this.#next) + closingMs
    for (let partition = 0; partition < partitions; partition++) {
      const click: Click = { id: -1, user: closingKey, page: closingKey, value: 0, at }
      const order: Order = { id: -1, customer: closingKey, cents: 0, at }
      const payment: Payment = { order: -2, cents: 0, at }
      this.#builder('clicks', partition).add(closingKey, JSON.stringify(click), at)
      this.#builder('orders', partition).add('-1', JSON.stringify(order), at)
      this.#builder('payments', partition).add('-2', JSON.stringify(payment), at)
    }
    await this.#flush()
  }

  #dueMs(index: number): number {
    return Math.floor(this.#startMs + index * this.#stepMs)
  }

  #record(index: number, nowMs: number): void {
    const place = index % cycle
    const dueMs = this.#dueMs(index)
    const at = dueMs - this.#random.int(disorderMs)
    if (place < clicksOfCycle) this.#click(index, dueMs, at)
    else if (place < ordersOfCycle) this.#order(index, dueMs, at)
    else this.#payment(dueMs, at, nowMs)
  }

  #click(id: number, dueMs: number, at: number): void {
    const random = this.#random
    const first = Math.floor((dueMs - this.#startMs) / 1000) * newUsersPerSecond
    const user = `user-${first + random.int(usersAtOnce)}`
    const click: Click = {
      id,
      user,
      page: `page-${random.int(pages)}`,
      value: random.int(1000),
      at,
    }
    const chance = random.int(1000)
    if (chance < 5 && dueMs - this.#startMs > 2 * lateByMs) {
      this.late += 1
      this.#expected.letter('clicks.late')
      return this.#add('clicks', user, JSON.stringify({ ...click, at: at - lateByMs }), dueMs)
    }
    if (chance === 5) {
      this.dead += 1
      this.#expected.letter('clicks.dead')
      return this.#add('clicks', user, `{"id":${id},"user":`, dueMs)
    }
    if (chance > 994) this.#repeats.push(click)
    this.#expected.click(click)
    this.#add('clicks', user, JSON.stringify(click), dueMs)
    // One that was there already, a little later.
    if (this.#repeats.length < 20) return
    const again = this.#repeats.shift() as Click
    this.duplicates += 1
    this.#add('clicks', again.user, JSON.stringify(again), dueMs)
  }

  #order(id: number, dueMs: number, at: number): void {
    const random = this.#random
    const customer = `customer-${random.int(customers)}`
    const order: Order = { id, customer, cents: random.int(100_000), at }
    this.#expected.order(customer, order.cents)
    this.#add('orders', String(id), JSON.stringify(order), dueMs)
    // A little less than payments have room for: the queue stays short.
    if (random.int(10) < 7) this.#unpaid.push({ order, dueMs: dueMs + 2 * disorderMs })
  }

  /** Of the order that waits longest, or one that is far too late and meets nothing. */
  #payment(dueMs: number, at: number, nowMs: number): void {
    if (this.#random.int(200) === 0 && dueMs - this.#startMs > 2 * lateByMs) {
      const late: Payment = { order: -3, cents: 0, at: at - lateByMs }
      this.late += 1
      this.#expected.letter('payments.late')
      return this.#add('payments', '-3', JSON.stringify(late), dueMs)
    }
    const oldest = this.#unpaid[0]
    if (oldest === undefined || oldest.dueMs > dueMs) return
    this.#unpaid.shift()
    const { id, cents, at: orderedAt } = oldest.order
    const payment: Payment = { order: id, cents, at }
    if (at - orderedAt <= joinMs) this.#expected.payment(payment, nowMs)
    this.#add('payments', String(id), JSON.stringify(payment), dueMs)
  }

  #add(topic: InputTopic, key: string, value: string, timeMs: number): void {
    this.#builder(topic, partitionOfText(key, partitions)).add(key, value, timeMs)
  }

  #builder(topic: InputTopic, partition: number): BatchBuilder {
    return this.#builders.get(topic)?.[partition] as BatchBuilder
  }

  async #flush(): Promise<void> {
    const batches: AppendBatch[] = []
    let records = 0
    for (const [topic, builders] of this.#builders) {
      for (const [partition, builder] of builders.entries()) {
        if (builder.count === 0) continue
        records += builder.count
        batches.push({ topic, partition, bytes: builder.finish() })
      }
    }
    if (batches.length > 0) await this.#log.append(batches)
    this.written += records
  }
}
