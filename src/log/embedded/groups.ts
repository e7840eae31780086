/** Groups and how far they are. */
import type { GroupInfo, GroupOffset } from '../log.ts'
import type { Store } from './db.ts'
import { readRun } from './membership.ts'

interface OffsetRow extends GroupOffset {
  readonly grp: string
}

/** In order of name; offsets in order of topic and partition. */
export function readGroups(store: Store, dir: string): GroupInfo[] {
  // Two tasks may read one partition: the pipeline is as far as the slower one. What a task has
  // committed counts more than what `commitGroup` set, which was its start.
  const rows = store.all<OffsetRow>(
    `SELECT o.grp, t.name AS topic, p.partition,
       COALESCE(MIN(o.next) FILTER (WHERE o.task <> ''), MIN(o.next)) AS offset
     FROM offsets o JOIN partitions p ON p.id = o.part_id JOIN topics t ON t.id = p.topic_id
     GROUP BY o.grp, p.id ORDER BY o.grp, t.name, p.partition`,
  )
  const groups = new Map<string, GroupOffset[]>()
  for (const { grp, topic, partition, offset } of rows) {
    const offsets = groups.get(grp) ?? []
    groups.set(grp, offsets)
    offsets.push({ topic, partition, offset })
  }
  return [...groups].map(([group, offsets]) => ({
    group,
    offsets,
    owner: readRun(store, dir, group).owner,
  }))
}
