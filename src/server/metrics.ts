/** What can be measured, read from plain counters when somebody asks. */
import type { TaskStatus } from '../engine/task-status.ts'
import type { TopicInfo } from '../log/log.ts'
import type { Budget } from './budget.ts'
import type { Ingest } from './ingest.ts'
import { deliveryMetrics, sourceMetrics } from './connect-metrics.ts'
import { type Metric, metricsText, metricsType, type Sample } from './metrics-text.ts'
import type { RequestKeys } from './request-keys.ts'
import { type Route, route } from './route.ts'
import type { Served } from './served.ts'

export interface MeasuredServer {
  readonly served: Served
  readonly ingest: Ingest
  readonly budget: Budget
  readonly keys: RequestKeys
  /** Status → how many requests were answered with it. */
  readonly replies: ReadonlyMap<number, number>
}

export function metricsRoute(server: MeasuredServer): Route {
  return route({
    method: 'GET',
    path: '/metrics',
    name: 'metrics',
    summary: 'Counters and gauges for Prometheus',
    params: {},
    replies: {
      200: {
        description: 'Text format 0.0.4',
        content: { 'text/plain': { schema: { type: 'string' } } },
      },
    },
    handle: async () => ({
      status: 200,
      contentType: metricsType,
      body: metricsText(await metricsOf(server)),
    }),
  })
}

async function metricsOf(server: MeasuredServer): Promise<Metric[]> {
  const { log, run } = server.served
  // A broker that is away must not hide what else is known.
  const topics = await log.listTopics().catch(() => null)
  const tasks = run()?.status() ?? []
  return [
    gauge('millrace_log_up', 'Whether the log answers: 1 or 0', topics === null ? 0 : 1),
    ...serverMetrics(server),
    ...taskMetrics(tasks),
    ...inputMetrics(tasks),
    ...sourceMetrics(run()?.sources() ?? []),
    ...deliveryMetrics(run()?.deliveries() ?? []),
    ...topicMetrics(topics ?? []),
    ...processMetrics(server.served),
  ]
}

function serverMetrics({ ingest, budget, keys, replies }: MeasuredServer): Metric[] {
  const { requests, records, bytes, repeated } = ingest.counters
  return [
    {
      name: 'millrace_http_replies_total',
      kind: 'counter',
      help: 'HTTP requests answered, by status',
      samples: [...replies]
        .toSorted(([a], [b]) => a - b)
        .map(([status, value]) => ({ labels: { status: String(status) }, value })),
    },
    counter('millrace_ingest_requests_total', 'Requests whose records are on disk', requests),
    counter('millrace_ingest_records_total', 'Records appended by HTTP', records),
    counter('millrace_ingest_bytes_total', 'Bytes of the bodies that these came in', bytes),
    counter(
      'millrace_ingest_repeated_total',
      'Requests that came again with their idempotency key',
      repeated,
    ),
    gauge('millrace_ingest_in_flight_bytes', 'Bytes of bodies in memory', budget.bytes),
    gauge('millrace_ingest_in_flight_bytes_max', 'At which requests get 429', budget.bytesMax),
    gauge('millrace_idempotency_keys', 'Idempotency keys that are remembered', keys.count),
  ]
}

function taskMetrics(tasks: readonly TaskStatus[]): Metric[] {
  const of = (read: (task: TaskStatus) => number | null): Sample[] =>
    tasks.flatMap((task) => {
      const value = read(task)
      return value === null ? [] : [{ labels: taskLabels(task), value }]
    })
  const since = 'since the task was opened'
  return [
    {
      name: 'millrace_task_running',
      kind: 'gauge',
      help: 'Whether the task processes records: 1, or 0 while it restores or is closed',
      samples: of(({ state }) => (state === 'running' ? 1 : 0)),
    },
    ...(
      [
        ['records_in', 'Records read', (task) => task.counters.recordsIn],
        ['records_out', 'Records appended, letters included', (task) => task.counters.recordsOut],
        ['late', 'Records late for a step', (task) => task.counters.late],
        ['dead', 'Records that became dead letters', (task) => task.counters.dead],
        ['commits', 'Commits', (task) => task.counters.commits],
      ] as const satisfies readonly [string, string, (task: TaskStatus) => number][]
    ).map(([name, help, read]): Metric => ({
      name: `millrace_task_${name}_total`,
      kind: 'counter',
      help: `${help}, ${since}`,
      samples: of(read),
    })),
    {
      name: 'millrace_task_state_entries',
      kind: 'gauge',
      help: 'Entries of state in memory',
      samples: of(({ stateEntries }) => stateEntries),
    },
    {
      name: 'millrace_task_watermark_seconds',
      kind: 'gauge',
      help: 'Event time reached, since 1970',
      samples: of(({ watermarkMs }) => (watermarkMs === null ? null : watermarkMs / 1_000)),
    },
  ]
}

function inputMetrics(tasks: readonly TaskStatus[]): Metric[] {
  const inputs = (read: (input: TaskStatus['inputs'][number]) => number): Sample[] =>
    tasks.flatMap((task) =>
      task.inputs.map((input) => ({
        labels: {
          ...taskLabels(task),
          topic: input.topic,
          partition: String(input.partition),
        },
        value: read(input),
      })),
    )
  return [
    {
      name: 'millrace_input_lag_records',
      kind: 'gauge',
      help: 'Records not processed yet',
      samples: inputs(({ lag }) => lag),
    },
    {
      name: 'millrace_input_offset',
      kind: 'gauge',
      help: 'Offset of the next record to process',
      samples: inputs(({ offset }) => offset),
    },
  ]
}

function taskLabels({ pipeline, task }: TaskStatus): { pipeline: string; task: string } {
  return { pipeline, task }
}

function topicMetrics(topics: readonly TopicInfo[]): Metric[] {
  const of = (read: (part: TopicInfo['partitions'][number]) => number): Sample[] =>
    topics.flatMap(({ name, partitions }) =>
      partitions.map((part) => ({
        labels: { topic: name, partition: String(part.partition) },
        value: read(part),
      })),
    )
  return [
    {
      name: 'millrace_topic_start_offset',
      kind: 'gauge',
      help: 'Offset of the oldest record',
      samples: of(({ startOffset }) => startOffset),
    },
    {
      name: 'millrace_topic_end_offset',
      kind: 'gauge',
      help: 'Offset that the next record will get',
      samples: of(({ endOffset }) => endOffset),
    },
    {
      name: 'millrace_topic_bytes',
      kind: 'gauge',
      help: 'Bytes of kept batches',
      samples: of(({ bytes }) => bytes),
    },
  ]
}

function processMetrics({ clock }: Served): Metric[] {
  const { user, system } = process.cpuUsage()
  const memory = process.memoryUsage()
  const startedSeconds = clock.now() / 1_000 - process.uptime()
  return [
    counter('process_cpu_seconds_total', 'Processor time', (user + system) / 1e6),
    gauge('process_resident_memory_bytes', 'Memory in use', memory.rss),
    gauge('process_start_time_seconds', 'When the process began, since 1970', startedSeconds),
    gauge('nodejs_heap_size_used_bytes', 'Heap in use', memory.heapUsed),
    gauge('nodejs_external_memory_bytes', 'Memory beside the heap', memory.external),
  ]
}

function counter(name: string, help: string, value: number): Metric {
  return { name, kind: 'counter', help, samples: [{ value }] }
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, kind: 'gauge', help, samples: [{ value }] }
}
