/** What the measured process runs. All read `purchases`, 200 bytes of JSON keyed by user. */
import { count, from, json, last, topic, tumbling } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import type { Purchase } from '../records.ts'

export const partitions = 4
export const inTopic = 'purchases'

const purchases = topic(inTopic, {
  codec: json<Purchase>(),
  key: (each) => each.user,
  time: (each) => each.at,
})

export const outTopics = {
  'filter-map': 'mapped',
  'window-count': 'counted',
  running: 'running',
} as const

export type PipelineKind = keyof typeof outTopics

const out = (kind: PipelineKind) => topic(outTopics[kind], { codec: json(), partitions })

export const pipelines: Readonly<Record<PipelineKind, Pipeline>> = {
  'filter-map': from(purchases)
    .filter((each) => each.amount >= 1)
    .map(({ id, user, at, amount, currency, country, device, session, note }) => ({
      id,
      user,
      at,
      total: Math.round(amount * 119) / 100,
      currency,
      country,
      device,
      session,
      note,
    }))
    .to(out('filter-map')),
  'window-count': from(purchases)
    .window(tumbling('10s'))
    .aggregate({ purchases: count() })
    .to(out('window-count')),
  /** A result for each record, from state that a restart has to bring back. */
  running: from(purchases)
    .aggregate({ purchases: count(), id: last((each) => each.id) })
    .to(out('running')),
}
