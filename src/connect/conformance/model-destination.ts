/**
 * A destination in memory, and sinks that give to it: for the tests of delivery. It fails as it is
 * told to, and notices what no sink may see: two tries of one key at a time, too many tries.
 */
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import type { DeliveryOptions } from '../delivery/delivery-options.ts'
import { pause } from '../pause.ts'
import { deliverySpec } from '../delivery/delivery-options.ts'
import type {
  Attempt,
  DeliveringSink,
  OutboxPlace,
  SinkPartition,
  SinkRecord,
  TransactionalSink,
} from '../sink.ts'

/** What a try meets. `after`: the destination has taken the records, and nobody learns of it. */
export type DestinationFault =
  | { readonly kind: 'fails'; readonly when: 'before' | 'after' }
  | { readonly kind: 'hangs' }
  | { readonly kind: 'slow'; readonly ms: number }

export interface DestinationPlan {
  /** For the next try; null: all is well. */
  next(): DestinationFault | null
  /** Records that it does not want. */
  refuses(record: SinkRecord): boolean
}

export interface Receipt {
  readonly id: string
  readonly key: unknown
  readonly value: unknown
  readonly offset: number
  readonly partition: number
}

const noFaults: DestinationPlan = { next: () => null, refuses: () => false }

export class ModelDestination {
  /** In the order in which they came, repeats included. */
  readonly received: Receipt[] = []
  /** What delivery did that its contract forbids. */
  readonly violations: string[] = []
  /** Nobody can reach it. */
  isAway = false
  tryCount = 0
  inFlightMax = 0
  readonly #clock: Clock
  readonly #plan: DestinationPlan
  readonly #rows = new Map<string, { epoch: number; position: number | null }>()
  #inFlight = 0

  constructor(clock: Clock, plan: DestinationPlan = noFaults) {
    this.#clock = clock
    this.#plan = plan
  }

  /** A sink of its own for each process, as there is in life. */
  sink(name: string, options: DeliveryOptions = {}): DeliveringSink {
    const busy = new Set<string>()
    return {
      ...partsOf(name, options),
      guarantee: 'at-least-once',
      open: async () => {
        this.#reach()
        return {
          deliver: async (records, attempt) => await this.#deliver(records, attempt, busy),
          close: async () => {},
        }
      },
    }
  }

  transactional(name: string, options: DeliveryOptions = {}): TransactionalSink {
    return {
      ...partsOf(name, { batch: 4, ...options }),
      guarantee: 'exactly-once',
      open: async () => {
        this.#reach()
        return { take: async (place) => await this.#take(place), close: async () => {} }
      },
    }
  }

  /** It is as it was when it had received so many; positions too. */
  restore(receivedCount: number): void {
    this.received.length = receivedCount
    for (const [place, row] of this.#rows) {
      const partition = Number(place.split('/')[1])
      const last = this.received.findLast((one) => one.partition === partition)
      row.position = last === undefined ? null : last.offset + 1
    }
  }

  async #deliver(
    records: readonly SinkRecord[],
    attempt: Attempt,
    busy: Set<string>,
  ): Promise<void> {
    const keys = new Set(records.flatMap(({ key }) => (typeof key === 'string' ? key : [])))
    for (const key of keys) {
      if (busy.has(key)) this.violations.push(`two tries of key ${key} at a time`)
      busy.add(key)
    }
    try {
      await this.#meet(attempt, () => {
        for (const record of records) this.#check(record)
        for (const record of records) this.#receive(record)
      })
    } finally {
      for (const key of keys) busy.delete(key)
    }
  }

  async #take({ topic, partition, epoch }: OutboxPlace): Promise<SinkPartition> {
    this.#reach()
    const place = `${topic}/${partition}`
    const row = this.#rows.get(place) ?? { epoch: -1, position: null }
    if (row.epoch > epoch) throw fenced(place)
    row.epoch = epoch
    this.#rows.set(place, row)
    return {
      position: row.position,
      write: async (records, nextOffset, attempt) =>
        await this.#meet(attempt, () => {
          if (row.epoch !== epoch) throw fenced(place)
          const first = records[0]?.offset ?? nextOffset
          if (first < (row.position ?? 0)) this.violations.push(`${place}@${first} comes again`)
          for (const record of records) this.#check(record)
          for (const record of records) this.#receive(record)
          row.position = nextOffset
        }),
    }
  }

  /** `apply` happens at once, or not at all. */
  async #meet({ signal }: Attempt, apply: () => void): Promise<void> {
    this.tryCount += 1
    this.#inFlight += 1
    this.inFlightMax = Math.max(this.inFlightMax, this.#inFlight)
    try {
      const fault = this.#plan.next()
      if (fault?.kind === 'slow') await pause(this.#clock, fault.ms, signal)
      if (fault?.kind === 'hangs') await pause(this.#clock, Number.MAX_SAFE_INTEGER, signal)
      this.#reach()
      signal.throwIfAborted()
      if (fault?.kind === 'fails' && fault.when === 'before') throw new Error('no')
      apply()
      if (fault?.kind === 'fails') throw new Error('nobody knows')
    } finally {
      this.#inFlight -= 1
    }
  }

  #reach(): void {
    if (this.isAway) throw new MillraceError('sink-unavailable', 'the destination is away')
  }

  #check(record: SinkRecord): void {
    if (this.#plan.refuses(record))
      throw new MillraceError('sink-refused', `record ${record.id} is not wanted`)
  }

  #receive({ id, key, value, offset, partition }: SinkRecord): void {
    this.received.push({ id, key, value, offset, partition })
  }
}

function partsOf(name: string, options: DeliveryOptions) {
  return {
    kind: 'sink',
    name,
    type: 'model',
    codec: null,
    keep: options.keep ?? false,
    delivery: deliverySpec(name, options),
  } as const
}

function fenced(place: string): MillraceError {
  return new MillraceError('task-fenced', `${place} has another owner`)
}
