/**
 * This machine's vital signs, second by second and ten by ten, with an alert when the processors
 * stay busy. `millrace start` fills the topic `vitals` with a sample every 250 ms.
 *
 * Look at it without running it: millrace plan <this file>
 */
import { count, from, json, max, mean, pipeline, topic, tumbling } from '../index.ts'
import type { Vitals } from '../connect/sources/vitals.ts'

/** A week, or 256 MB: an example that is forgotten does not fill the disk. */
const retention = { time: '7d', bytes: 256 * 2 ** 20 } as const

export const vitals = topic('vitals', {
  codec: json<Vitals>(),
  key: (sample) => sample.host,
  time: (sample) => new Date(sample.at),
  idleAfter: '2s',
  partitions: 1,
  retention,
})

const measured = {
  samples: count(),
  cpu: mean((sample: Vitals) => sample.cpu),
  cpuMax: max((sample: Vitals) => sample.cpu),
  memory: max((sample: Vitals) => sample.memory),
  load: max((sample: Vitals) => sample.load),
  loopDelayMaxMs: max((sample: Vitals) => sample.loopDelayMaxMs),
}

const samples = from(vitals)
const perSecond = samples.window(tumbling('1s')).aggregate(measured).named('per-second')
const perTenSeconds = samples.window(tumbling('10s')).aggregate(measured).named('per-10s')

const busyFrom = 0.8
const alertSeconds = 5

/** Busy seconds that have come to their end. */
interface Stretch {
  readonly at: number
  readonly seconds: number
}

/**
 * Says when the processors were over 80 % for five seconds in a row, and when that is over.
 * `reduce` keeps how long they have been busy: a small state machine for each host. Seconds that
 * nobody measured, because the program did not run, end it too.
 */
const alerts = perSecond
  .map(({ window, cpu }) => {
    return { at: window.end, cpu, seconds: cpu > busyFrom ? 1 : 0, ended: null as Stretch | null }
  })
  .reduce((soFar, now) => {
    const goesOn = now.seconds > 0 && now.at - soFar.at === 1000
    return goesOn
      ? { ...now, seconds: soFar.seconds + 1 }
      : { ...now, ended: { at: soFar.at, seconds: soFar.seconds } }
  })
  .named('busy-seconds')
  .toStream()
  .flatMap(({ key, value: { at, cpu, seconds, ended } }) => [
    ...(ended !== null && ended.seconds >= alertSeconds ? [alertOf('over', key, ended, cpu)] : []),
    ...(seconds === alertSeconds ? [alertOf('busy', key, { at, seconds }, cpu)] : []),
  ])

function alertOf(alert: 'busy' | 'over', host: string, { at, seconds }: Stretch, cpu: number) {
  return { alert, host, at: new Date(at).toISOString(), seconds, cpu }
}

export default pipeline(
  'vitals',
  perSecond.to(topic('vitals-1s', { retention })),
  perTenSeconds.to(topic('vitals-10s', { retention })),
  alerts.to(topic('vitals-alerts', { retention })),
)
