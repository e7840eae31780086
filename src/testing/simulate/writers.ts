/** Which task wrote which records: those of one task are in order, those of several are not. */
import type { Appended, TaskSpec, TopicPartition } from '../../log/log.ts'
import { offsetKey } from '../../log/memory/memory-store.ts'
import type { Writer } from './outcome.ts'
import type { Committed } from './world.ts'

export class Writers {
  /** Who wrote from which offset on: topic/partition → its appends in order. */
  readonly #appends = new Map<string, { readonly from: number; readonly task: string }[]>()

  wrote({ task }: TaskSpec, appended: readonly Omit<Appended, 'recordCount'>[]): void {
    for (const append of appended) {
      const list = this.#appends.get(offsetKey(append)) ?? []
      this.#appends.set(offsetKey(append), list)
      // A commit may be heard of after the one behind it; of two at one offset the later counts.
      const from = append.baseOffset
      list.splice(list.findLastIndex((before) => before.from <= from) + 1, 0, { from, task })
    }
  }

  /** From the ends on, as they are now. Whoever writes there instead is told of later. */
  mayHaveWritten(spec: TaskSpec, appends: readonly TopicPartition[], { topics }: Committed): void {
    for (const { topic, partition } of appends) {
      const baseOffset = topics.get(topic)?.partitions[partition]?.endOffset
      if (baseOffset !== undefined) this.wrote(spec, [{ topic, partition, baseOffset }])
    }
  }

  writerOf(topic: string, partition: number, offset: number): Writer {
    const list = this.#appends.get(offsetKey({ topic, partition })) ?? []
    const task = list.findLast(({ from }) => from <= offset)?.task ?? 'nobody'
    const isOrdered = task.startsWith('main/')
    // Tasks behind a repartition share a topic's records out by key: one name for all of them.
    return { name: isOrdered ? task : 'a task behind a repartition', isOrdered }
  }
}
