/** What a reader of the log has seen, and whoever acted on it: no power cut may take it back. */
import assert from 'node:assert/strict'
import type { Log } from '../../src/log/log.ts'

export interface Seen {
  /** End of each partition, by `topic/partition`. */
  readonly ends: Readonly<Record<string, number>>
  /** Committed offsets, by `group topic/partition`. */
  readonly offsets: Readonly<Record<string, number>>
}

export async function seenIn(log: Log): Promise<Seen> {
  const topics = await log.listTopics()
  const ends = topics.flatMap(({ name, partitions }) =>
    partitions.map((one): [string, number] => [`${name}/${one.partition}`, one.endOffset]),
  )
  const offsets = (await log.groups()).flatMap((group) =>
    group.offsets.map((one): [string, number] => {
      return [`${group.group} ${one.topic}/${one.partition}`, one.offset]
    }),
  )
  return { ends: Object.fromEntries(ends), offsets: Object.fromEntries(offsets) }
}

/** Records that topics were given in all. */
export function recordsIn({ ends }: Seen, topics: readonly string[]): number {
  return Object.entries(ends)
    .filter(([place]) => topics.some((topic) => place.startsWith(`${topic}/`)))
    .reduce((sum, [, end]) => sum + end, 0)
}

/** @throws an assertion error where something that was seen is not there */
export function expectKept(before: Seen, now: Seen, place: string): void {
  for (const [where, end] of Object.entries(before.ends)) {
    const found = now.ends[where] ?? 0
    assert.ok(found >= end, `${place}: ${where} ended at ${end} and ends at ${found} now`)
  }
  for (const [where, offset] of Object.entries(before.offsets)) {
    const found = now.offsets[where] ?? 0
    assert.ok(found >= offset, `${place}: offset ${offset} of ${where} was committed, is ${found}`)
  }
}
