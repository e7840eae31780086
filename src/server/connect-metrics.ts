/** What sources and deliveries have done, for Prometheus. */
import type { DeliveryStatus } from '../connect/delivery/deliver.ts'
import type { SourceStatus } from '../connect/source-runner.ts'
import type { Metric } from './metrics-text.ts'

type Read<S> = (status: S) => number

const sourceCounters: readonly [string, string, Read<SourceStatus<unknown>>][] = [
  ['records', 'Records committed', ({ recordCount }) => recordCount],
  ['commits', 'Commits', ({ commitCount }) => commitCount],
  ['refused', 'What came in and could be no record', ({ refusedCount }) => refusedCount],
]

const deliveryCounters: readonly [string, string, Read<DeliveryStatus>][] = [
  ['records', 'Records delivered', ({ delivered }) => delivered],
  ['failures', 'Tries that failed', ({ failures }) => failures],
  ['dead', 'Records that were given up', ({ dead }) => dead],
]

const deliveryGauges: readonly [string, string, Read<DeliveryStatus>][] = [
  ['backlog_records', 'Records neither delivered nor given up', ({ backlog }) => backlog],
  ['in_flight', 'Tries under way', ({ inFlight }) => inFlight],
  ['up', '1, or 0 while the destination is away', ({ state }) => (state === 'away' ? 0 : 1)],
]

export function sourceMetrics(sources: readonly SourceStatus<unknown>[]): Metric[] {
  const labels = ({ source, topic }: SourceStatus<unknown>): Record<string, string> => ({
    source,
    topic,
  })
  const isUp: Read<SourceStatus<unknown>> = ({ state }) => (state === 'running' ? 1 : 0)
  return [
    ...sourceCounters.map(([name, help, read]): Metric => ({
      name: `millrace_source_${name}_total`,
      kind: 'counter',
      help: `${help}, since the run began`,
      samples: sources.map((each) => ({ labels: labels(each), value: read(each) })),
    })),
    {
      name: 'millrace_source_up',
      kind: 'gauge',
      help: '1 while it is read, or 0 while it is away, at its end or read by another process',
      samples: sources.map((each) => ({ labels: labels(each), value: isUp(each) })),
    },
  ]
}

export function deliveryMetrics(deliveries: readonly DeliveryStatus[]): Metric[] {
  const labels = ({ pipeline, sink }: DeliveryStatus): Record<string, string> => ({
    pipeline,
    sink,
  })
  return [
    ...deliveryCounters.map(([name, help, read]): Metric => ({
      name: `millrace_delivery_${name}_total`,
      kind: 'counter',
      help: `${help}, since the run began`,
      samples: deliveries.map((each) => ({ labels: labels(each), value: read(each) })),
    })),
    ...deliveryGauges.map(([name, help, read]): Metric => ({
      name: `millrace_delivery_${name}`,
      kind: 'gauge',
      help,
      samples: deliveries.map((each) => ({ labels: labels(each), value: read(each) })),
    })),
  ]
}
