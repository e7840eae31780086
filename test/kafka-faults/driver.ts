/**
 * Writes the input at a steady rate, and writes down what was acknowledged. Arguments: brokers,
 * file for the acknowledged records, settings as JSON (`DriverSettings`). Says on standard output
 * how many records are acknowledged; ends, with records that move event time on, when standard
 * input does.
 *
 * Sales go as plain appends, a partition each; one whose outcome is not known is left alone: its
 * records may be in the input or not. Shipments go as numbered appends over all partitions, which
 * are repeated until they are acknowledged: each must be in the input, once.
 */
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { MillraceError, messageOf } from '../../src/core/error.ts'
import { BatchBuilder } from '../../src/index.ts'
import type { AppendBatch } from '../../src/index.ts'
import { kafka } from '../../src/kafka.ts'
import { partitionOfText } from '../../src/log/partitioner.ts'
import { Input } from './input.ts'
import type { Entry } from './input.ts'
import { partitions, salesTopic, shipmentsTopic } from './scenario.ts'
import { escaped } from './verify/dump-file.ts'

export interface DriverSettings {
  readonly seed: number
  /** When record 0 is due, ms since 1970. */
  readonly startMs: number
  readonly perSecond: number
}

const tickMs = 20
const tellEveryMs = 500
const retryMs = 100
const producer = 'driver'

const [brokers = '', file = '', text = '{}'] = process.argv.slice(2)
const settings = JSON.parse(text) as DriverSettings
const input = new Input(settings)
const log = await kafka({ brokers: brokers.split(',') }).openLog()
const acknowledgements = createWriteStream(file)
let acknowledged = 0
let isEnding = false
process.stdin.resume().once('end', () => (isEnding = true))

/** What goes to one topic over the given partitions: one append on its way, the rest waits. */
class Lane {
  readonly #topic: string
  /** Of each partition. */
  readonly #waiting: ReadonlyMap<number, Entry[]>
  readonly #isNumbered: boolean
  #sequence = 0
  #sending: Promise<void> | null = null

  constructor(topic: string, places: readonly number[], sending: 'plain' | 'numbered') {
    this.#topic = topic
    this.#waiting = new Map(places.map((partition) => [partition, []]))
    this.#isNumbered = sending === 'numbered'
  }

  add(entry: Entry, partition: number): void {
    this.#waiting.get(partition)?.push(entry)
  }

  /** Numbers are counted by partition: an append goes when there is something for each. */
  flush(): void {
    if (this.#sending !== null) return
    if ([...this.#waiting.values()].some((entries) => entries.length === 0)) return
    const entries = [...this.#waiting].map(([partition, all]) => {
      return [partition, all.splice(0)] as const
    })
    this.#sending = this.#send(entries).finally(() => {
      this.#sending = null
      this.flush()
    })
  }

  /** Resolves when nothing is on its way; the closing records bring something for each. */
  async settled(): Promise<void> {
    while (this.#sending !== null) await this.#sending
  }

  async #send(entries: readonly (readonly [number, readonly Entry[]])[]): Promise<void> {
    const sequence = this.#sequence
    this.#sequence += 1
    const stamp = this.#isNumbered ? { producer, sequence } : undefined
    for (;;) {
      try {
        await log.append(this.#blocks(entries), stamp)
        break
      } catch (error) {
        const places = entries.map(([partition]) => partition).join(',')
        complain(`${this.#topic}/${places} append ${sequence}: ${messageOf(error)}`)
        if (!(error instanceof MillraceError) || error.retry === 'never') throw error
        if (!this.#isNumbered && error.outcome !== 'not-applied') return
        await pause(retryMs)
      }
    }
    for (const [, list] of entries) for (const entry of list) acknowledge(entry)
  }

  #blocks(entries: readonly (readonly [number, readonly Entry[]])[]): AppendBatch[] {
    const builder = new BatchBuilder()
    const nowMs = Date.now()
    return entries.map(([partition, list]) => {
      for (const { key, value } of list) builder.add(key, JSON.stringify(value), nowMs)
      return { topic: this.#topic, partition, bytes: builder.finish() }
    })
  }
}

const places = Array.from({ length: partitions }, (_, partition) => partition)
const shipments = new Lane(shipmentsTopic, places, 'numbered')
const sales = places.map((partition) => new Lane(salesTopic, [partition], 'plain'))
const lanes = [shipments, ...sales]

let toldMs = 0
while (!isEnding) {
  const nowMs = Date.now()
  while (input.dueMs(input.nextId) <= nowMs) {
    const entry = input.next()
    add(entry, partitionOfText(entry.key, partitions))
  }
  for (const lane of lanes) lane.flush()
  if (nowMs - toldMs >= tellEveryMs) {
    process.stdout.write(`${acknowledged}\n`)
    toldMs = nowMs
  }
  await pause(tickMs)
}
for (const { partition, entry } of input.closing()) add(entry, partition)
for (const lane of lanes) {
  lane.flush()
  await lane.settled()
}
acknowledgements.end()
await once(acknowledgements, 'finish')
process.stdout.write(`${acknowledged}\n`)
await log.close()

function add(entry: Entry, partition: number): void {
  const lane = entry.topic === shipmentsTopic ? shipments : sales[partition]
  lane?.add(entry, partition)
}

function acknowledge({ topic, key, value }: Entry): void {
  acknowledged += 1
  const fields = [topic, key, JSON.stringify(value)].map(escaped)
  acknowledgements.write(`${fields.join('\t')}\n`)
}

function complain(what: string): void {
  process.stderr.write(`${new Date().toISOString()} ${what}\n`)
}
