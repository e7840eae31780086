/** Groups and pipelines: how far they have read, as tables. */
import type { GroupState } from '../log/group-states.ts'
import { table } from './table.ts'
import { formatCount } from './text-format.ts'

export function groupTable(states: readonly GroupState[]): string {
  return table(
    [{ title: 'GROUP' }, { title: 'TOPICS' }, { title: 'LAG', align: 'right' }, { title: 'OWNER' }],
    states.map((state) => [
      state.group,
      [...new Set(state.offsets.map(({ topic }) => topic))].join(', '),
      formatCount(state.lag),
      state.owner ?? '-',
    ]),
  )
}

/** One line a partition. */
export function groupDetails(state: GroupState): string {
  const rows = state.offsets.map((place) => [
    place.topic,
    String(place.partition),
    formatCount(place.offset),
    formatCount(place.endOffset),
    formatCount(place.lag),
  ])
  const columns = table(
    [
      { title: 'TOPIC' },
      { title: 'PARTITION', align: 'right' },
      { title: 'OFFSET', align: 'right' },
      { title: 'END', align: 'right' },
      { title: 'LAG', align: 'right' },
    ],
    rows,
  )
  const owner = state.owner ?? '-'
  const head = `group   ${state.group}\nowner   ${owner}\nlag     ${formatCount(state.lag)}\n`
  return `${head}\n${columns}`
}
