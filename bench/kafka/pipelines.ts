/** What the measured process runs. All read `purchases`, 200 bytes of JSON keyed by user. */
import type { Pipeline } from '../../src/index.ts'
import type { Purchase } from '../records.ts'
import type { Millrace } from './published.ts'

export const partitions = 4
export const inTopic = 'purchases'

export const outTopics = {
  'filter-map': 'mapped',
  'window-count': 'counted',
  running: 'running',
} as const

export type PipelineKind = keyof typeof outTopics

/** @param millrace the module that runs them */
export function pipelineOf(kind: PipelineKind, millrace: Millrace): Pipeline {
  const { count, from, json, last, topic, tumbling } = millrace
  const purchases = topic(inTopic, {
    codec: json<Purchase>(),
    key: (each) => each.user,
    time: (each) => each.at,
  })
  const out = topic(outTopics[kind], { codec: json(), partitions })
  switch (kind) {
    case 'filter-map':
      return from(purchases)
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
        .to(out)
    case 'window-count':
      return from(purchases).window(tumbling('10s')).aggregate({ purchases: count() }).to(out)
    // A result for each record, from state that a restart has to bring back.
    case 'running':
      return from(purchases)
        .aggregate({ purchases: count(), id: last((each) => each.id) })
        .to(out)
  }
}
