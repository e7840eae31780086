/**
 * Where records were written, by the log's receipts: offsets rise, those of one append follow each
 * other, and in a dense log they are the numbers of the records.
 */
import assert from 'node:assert/strict'
import type { Appended } from '../log.ts'
import type { CaseHarness } from './log-case.ts'

/** What an append to one partition should be acknowledged as. */
export type Wanted = readonly [topic: string, partition: number, recordCount: number]

export class Written {
  readonly #isDense: boolean
  readonly #offsets = new Map<string, number[]>()

  constructor({ isDense }: Pick<CaseHarness, 'isDense'>) {
    this.#isDense = isDense
  }

  /** Takes the receipts of an append or a commit. */
  take(appended: readonly Appended[], wanted: readonly Wanted[]): void {
    assert.deepEqual(
      appended.map(({ topic, partition, recordCount }) => [topic, partition, recordCount]),
      wanted,
    )
    for (const { topic, partition, baseOffset, recordCount } of appended) {
      const offsets = this.of(topic, partition)
      const least = this.end(topic, partition)
      assert.ok(Number.isSafeInteger(baseOffset) && baseOffset >= least, `${baseOffset}, ${least}`)
      if (this.#isDense) assert.equal(baseOffset, least, 'no holes')
      for (let i = 0; i < recordCount; i++) offsets.push(baseOffset + i)
    }
  }

  /** Of the records of a partition, in order. */
  of(topic: string, partition: number): number[] {
    const key = `${topic}/${partition}`
    const known = this.#offsets.get(key)
    if (known !== undefined) return known
    const offsets: number[] = []
    this.#offsets.set(key, offsets)
    return offsets
  }

  /** After the last record. */
  end(topic: string, partition: number): number {
    return (this.of(topic, partition).at(-1) ?? -1) + 1
  }
}
