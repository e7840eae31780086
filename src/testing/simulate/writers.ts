/** Which task wrote which records: those of one task are in order, those of several are not. */
import type { Appended, TaskSpec, TopicPartition } from '../../log/log.ts'
import { offsetKey } from '../../log/memory/memory-store.ts'
import type { Writer } from './outcome.ts'
import type { Committed } from './world.ts'

interface Append {
  readonly from: number
  readonly task: string
}

export class Writers {
  /** Who wrote from which offset on: topic/partition → its appends in order. */
  readonly #appends = new Map<string, Append[]>()

  wrote({ task }: TaskSpec, appended: readonly Appended[]): void {
    for (const append of appended) this.#add(append, { from: append.baseOffset, task })
  }

  /**
   * From the ends on, as they are now. Whoever writes there instead is told of later.
   * @returns takes it back: it did not write
   */
  mayWrite(
    { task }: TaskSpec,
    appends: readonly TopicPartition[],
    { topics }: Committed,
  ): () => void {
    const added = new Set<Append>()
    for (const place of appends) {
      const from = topics.get(place.topic)?.partitions[place.partition]?.endOffset
      if (from === undefined) continue
      const append = { from, task }
      added.add(append)
      this.#add(place, append)
    }
    return () => {
      for (const [place, list] of this.#appends) {
        this.#appends.set(
          place,
          list.filter((append) => !added.has(append)),
        )
      }
    }
  }

  #add(place: TopicPartition, append: Append): void {
    const list = this.#appends.get(offsetKey(place)) ?? []
    this.#appends.set(offsetKey(place), list)
    // A commit may be heard of after the one behind it; of two at one offset the later counts.
    list.splice(list.findLastIndex(({ from }) => from <= append.from) + 1, 0, append)
  }

  writerOf(topic: string, partition: number, offset: number): Writer {
    const list = this.#appends.get(offsetKey({ topic, partition })) ?? []
    return writerNamed(list.findLast(({ from }) => from <= offset)?.task ?? 'nobody')
  }
}

/** Tasks behind a repartition share a topic's records out by key: one name for all of them. */
export function writerNamed(task: string): Writer {
  const isOrdered = task.startsWith('main/')
  return { name: isOrdered ? task : 'a task behind a repartition', isOrdered }
}
