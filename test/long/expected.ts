/**
 * What must come out: kept while the input is written, and taken away by what comes out. Shares no
 * code with the engine. What is left in the end was lost; what is not there came twice or is wrong.
 */
import assert from 'node:assert/strict'
import type { Click, OutputTopic, Payment } from './pipeline.ts'
import { sessionGapMs, slideMs, windowMs } from './pipeline.ts'

export type LetterTopic = Extract<OutputTopic, `${string}.late` | `${string}.dead`>

interface Amounts {
  n: number
  sum: number
  max: number
}
interface Keyed {
  readonly key: string
  readonly n: number
  readonly sum: number
}
interface Windowed extends Keyed {
  readonly window: { readonly start: number; readonly end: number }
}
interface Paid {
  readonly left: { readonly id: number; readonly cents: number }
  readonly right: Payment
}

/** The key of the records that only move event time on. */
export const closingKey = 'closing'

export class Expected {
  /** Of the last results of the join: ms from the append of its payment. */
  latenciesMs: number[] = []
  readonly #perUser = new Map<string, Amounts>()
  readonly #perPage = new Map<string, Amounts>()
  /** Of each user: what is not in a session that came out, and where the last of those ended. */
  readonly #users = new Map<string, { n: number; sum: number; endMs: number }>()
  readonly #paid = new Map<number, { readonly cents: number; readonly atMs: number }>()
  readonly #spent = new Map<
    string,
    { fed: number; seen: number; fedCents: number; cents: number }
  >()
  readonly #letters: Record<LetterTopic, number> = {
    'clicks.late': 0,
    'clicks.dead': 0,
    'payments.late': 0,
  }

  /** How many results are still to come. */
  get waiting(): number {
    const letters = Object.values(this.#letters).reduce((all, count) => all + count)
    const spent = [...this.#spent.values()].reduce((all, { fed, seen }) => all + fed - seen, 0)
    const windows = this.#perUser.size + this.#perPage.size + this.#users.size
    return windows + this.#paid.size + spent + letters
  }

  click({ user, page, value, at }: Click): void {
    const start = Math.floor(at / windowMs) * windowMs
    add(this.#perUser, `${user} ${start}`, value)
    for (let earlier = start - slideMs + windowMs; earlier <= start; earlier += windowMs)
      add(this.#perPage, `${page} ${earlier}`, value)
    const left = this.#users.get(user) ?? { n: 0, sum: 0, endMs: 0 }
    this.#users.set(user, left)
    left.n += 1
    left.sum += value
  }

  order(customer: string, cents: number): void {
    const row = this.#spent.get(customer) ?? { fed: 0, seen: 0, fedCents: 0, cents: 0 }
    this.#spent.set(customer, row)
    row.fed += 1
    row.fedCents += cents
  }

  payment({ order, cents }: Payment, atMs: number): void {
    this.#paid.set(order, { cents, atMs })
  }

  letter(topic: LetterTopic): void {
    this.#letters[topic] += 1
  }

  /** @throws an assertion error when this must not come */
  take(topic: OutputTopic, text: string, nowMs: number): void {
    switch (topic) {
      case 'per-user':
        return this.#takeWindow(this.#perUser, JSON.parse(text) as Windowed, text)
      case 'per-page':
        return this.#takeWindow(this.#perPage, JSON.parse(text) as Windowed, text)
      case 'sessions':
        return this.#takeSession(JSON.parse(text) as Windowed, text)
      case 'paid':
        return this.#takePaid(JSON.parse(text) as Paid, text, nowMs)
      case 'spent':
        return this.#takeSpent(JSON.parse(text) as { key: string; n: number; cents: number }, text)
      case 'clicks.late':
      case 'clicks.dead':
      case 'payments.late':
        this.#letters[topic] -= 1
        assert.ok(this.#letters[topic] >= 0, `${topic} has a record too many: ${text}`)
        return
      default:
        assert.fail(`nobody writes to ${String(topic satisfies never)}`)
    }
  }

  /** What never came, a few of each kind. */
  missing(): string[] {
    const some = (name: string, map: ReadonlyMap<unknown, unknown>): string[] =>
      [...map].slice(0, 3).map(([key, value]) => `${name} ${String(key)}: ${JSON.stringify(value)}`)
    const spent = [...this.#spent].filter(([, { fed, seen }]) => fed !== seen)
    return [
      ...some('per-user', this.#perUser),
      ...some('per-page', this.#perPage),
      ...some('sessions', this.#users),
      ...some('paid', this.#paid),
      ...some('spent', new Map(spent)),
      ...some('letters', new Map(Object.entries(this.#letters).filter(([, left]) => left > 0))),
    ]
  }

  #takeWindow(rows: Map<string, Amounts>, result: Windowed, text: string): void {
    const key = `${result.key} ${result.window.start}`
    const row = rows.get(key)
    assert.ok(row !== undefined, `twice, or never expected: ${text}`)
    rows.delete(key)
    const { n, sum } = result
    const max = 'max' in result ? result.max : row.max
    assert.deepEqual({ n, sum, max }, row, text)
  }

  /** The sessions of a user lie apart, and hold all that there was of the user. */
  #takeSession({ key, window, n, sum }: Windowed, text: string): void {
    const row = this.#users.get(key)
    assert.ok(row !== undefined, `twice, or never expected: ${text}`)
    assert.ok(window.start >= row.endMs, `sessions overlap: ${text}`)
    assert.ok(window.end - window.start >= sessionGapMs, `shorter than the gap: ${text}`)
    row.endMs = window.end
    row.n -= n
    row.sum -= sum
    assert.ok(row.n >= 0, `too much in the sessions of a user: ${text}`)
    if (row.n > 0) return
    assert.equal(row.sum, 0, text)
    this.#users.delete(key)
  }

  #takePaid({ left, right }: Paid, text: string, nowMs: number): void {
    const payment = this.#paid.get(left.id)
    assert.ok(payment !== undefined, `twice, or never expected: ${text}`)
    this.#paid.delete(left.id)
    assert.deepEqual([right.order, right.cents], [left.id, payment.cents], text)
    this.latenciesMs.push(nowMs - payment.atMs)
  }

  #takeSpent({ key, n, cents }: { key: string; n: number; cents: number }, text: string): void {
    if (key === closingKey) return
    const row = this.#spent.get(key)
    assert.ok(row !== undefined && row.seen < row.fed, `more than there was: ${text}`)
    row.seen += 1
    assert.equal(n, row.seen, `lost, twice or out of order: ${text}`)
    if (row.seen === row.fed) assert.equal(cents, row.fedCents, text)
  }
}

function add(rows: Map<string, Amounts>, key: string, value: number): void {
  const row = rows.get(key)
  if (row === undefined) {
    rows.set(key, { n: 1, sum: value, max: value })
    return
  }
  row.n += 1
  row.sum += value
  if (value > row.max) row.max = value
}
