/** Whether a simulated run has read its input. */
import type { Subject } from './subject.ts'
import type { Committed } from './world.ts'

/** Every task has committed all that there is for it. */
export function isAllRead(subject: Subject, committed: Committed): boolean {
  const { places, name } = subject
  const tasks = committed.tasksOf(name)
  return places.every((topic) =>
    (committed.topics.get(topic)?.partitions ?? []).every(({ partition, endOffset }) => {
      const key = `${topic}/${partition}`
      const readers = tasks.flatMap(({ offsets }) => offsets.get(key) ?? [])
      // Of a partition without records there is nothing to commit, but where to begin.
      const isBegun = subject.startAt === 'earliest' || !subject.sources.has(topic)
      if (endOffset === 0 && isBegun) return true
      return readers.length > 0 && readers.every(({ offset }) => offset === endOffset)
    }),
  )
}
