/**
 * Wireless sensors, whole: readings come by MQTT, are joined with what is known of their device,
 * judged one by one (a value far from the device's own usual, a sensor that is frozen), and go on
 * as alerts to a webhook, as minutes to PostgreSQL and as hours to files.
 */
import {
  alert,
  count,
  files,
  from,
  json,
  max,
  mean,
  output,
  pipeline,
  sum,
  table,
  topic,
  tumbling,
  valueState,
  webhook,
} from 'millrace'
import { mqttSource } from 'millrace/mqtt'
import { postgres } from 'millrace/postgres'

export interface Reading {
  readonly mote: string
  /** Number of the reading, as the device counts. */
  readonly n: number
  readonly at: number
  readonly humidity: number
  readonly temperature: number
}

export interface Device {
  readonly place: 'indoor' | 'outdoor'
}

export interface Judged extends Reading {
  readonly place: string
  /** What is wrong with it; null: nothing. */
  readonly fault: 'unusual' | 'frozen' | null
  /** How many standard deviations it is from the device's usual. */
  readonly z: number
}

/** What a device's readings have been like: means and variances that forget. */
interface Usual {
  readonly means: readonly [number, number]
  readonly variances: readonly [number, number]
  readonly last: readonly [number, number]
  /** Readings in a row that were the same to the last digit. */
  readonly same: number
}

/** How much of a reading goes into its device's usual. */
const weight = 0.1
/** From here on a reading is unusual. */
const zMax = 6
/** What the sensors move by themselves: percent of humidity, degrees Celsius. */
const noise = [0.5, 0.2] as const
/** Two minutes at one reading in 5 s. */
const frozenAfter = 24

export const readings = topic('readings', {
  codec: json<Reading>(),
  key: (reading) => reading.mote,
  time: (reading) => reading.at,
  // Played a thousand times as fast, a moment on the way is minutes of the recording.
  outOfOrder: '10m',
  idleAfter: '5s',
  partitions: 2,
})
export const devices = topic('devices', {
  codec: json<Device>(),
  key: 'record',
  partitions: 2,
  compact: true,
})
export const judged = topic('judged', {
  codec: json<Judged>(),
  key: (reading) => reading.mote,
  time: (reading) => reading.at,
})

const located = from(readings)
  .join(table(devices), { asOf: 'latest', type: 'left' })
  .map(({ left, right }) => ({ ...left, place: right?.place ?? 'unknown' }))

/** Each reading beside what is usual for its device. What is unusual does not become usual. */
export const verdicts = located
  .process({
    state: { usual: valueState<Usual>() },
    emits: output<Judged>(),
    ttl: '7d',
    onRecord(reading, { state, emit }) {
      const values = [reading.humidity, reading.temperature] as const
      const usual = state.usual.get() ?? {
        means: values,
        variances: [0, 0],
        last: [NaN, NaN],
        same: 0,
      }
      const z = Math.max(...values.map((value, i) => distance(value, usual, i as 0 | 1)))
      const same = values.every((value, i) => value === usual.last[i]) ? usual.same + 1 : 0
      const fault = z > zMax ? 'unusual' : same >= frozenAfter ? 'frozen' : null
      emit({ ...reading, fault, z: Math.round(z * 10) / 10 })
      const learned = fault === 'unusual' ? usual : learn(usual, values)
      state.usual.set({ ...learned, last: values, same })
    },
  })
  .named('judge')

function distance(value: number, { means, variances }: Usual, i: 0 | 1): number {
  return Math.abs(value - means[i]) / Math.max(Math.sqrt(variances[i]), noise[i])
}

function learn(usual: Usual, values: readonly [number, number]): Usual {
  const next = ([0, 1] as const).map((i) => {
    const delta = values[i] - usual.means[i]
    const mean = usual.means[i] + weight * delta
    return [mean, (1 - weight) * (usual.variances[i] + weight * delta * delta)] as const
  }) as [readonly [number, number], readonly [number, number]]
  const [[humidity, wide], [temperature, spread]] = next
  return { ...usual, means: [humidity, temperature], variances: [wide, spread] }
}

const summary = {
  readings: count(),
  humidity: mean((reading: Judged) => reading.humidity),
  temperature: mean((reading: Judged) => reading.temperature),
  hottest: max((reading: Judged) => reading.temperature),
  faults: sum((reading: Judged) => (reading.fault === null ? 0 : 1)),
}
export const minutes = verdicts.window(tumbling('1m')).aggregate(summary).named('per-minute')
export const hours = verdicts.window(tumbling('1h')).aggregate(summary).named('per-hour')

/** Opens with the first fault of a device; a minute without any ends it. */
export const alerts = verdicts
  .process(
    alert<Judged, string>('device', {
      when: ({ fault }) => fault !== null,
      until: () => false,
      resolveAfter: '1m',
      repeatEvery: '10m',
    }),
  )
  .named('alerts')

export interface Places {
  /** null: readings are appended to the topic by somebody else. */
  readonly mqttUrl: string | null
  readonly webhookUrl: string
  /** null: minutes go to a topic. */
  readonly postgresUrl: string | null
  readonly dir: string
}

export function plant({ mqttUrl, webhookUrl, postgresUrl, dir }: Places) {
  const feeds =
    mqttUrl === null
      ? []
      : [
          from(
            mqttSource({
              url: mqttUrl,
              topics: 'plant/+',
              clientId: 'millrace-plant',
              key: ({ topic: at }) => at.split('/')[1] ?? null,
              id: ({ topic: at, payload }) => `${at} ${(JSON.parse(String(payload)) as Reading).n}`,
            }),
            { dedupe: { within: '1h' } },
          ).to(readings),
        ]
  const stored =
    postgresUrl === null
      ? minutes.to(topic('minutes'))
      : minutes.to(
          postgres('minutes', {
            url: postgresUrl,
            table: 'minutes',
            mode: 'upsert',
            key: ['mote', 'minute'],
            row: ({ window, key, ...figures }) => {
              return { mote: key, minute: new Date(window.start), ...figures }
            },
          }),
        )
  return pipeline(
    'plant',
    ...feeds,
    verdicts.to(judged),
    alerts.to(webhook('pager', { url: webhookUrl })),
    stored,
    hours.to(files('hours', { dir, format: 'ndjson', every: '1h' })),
  )
}
