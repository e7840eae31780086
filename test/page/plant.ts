/** A pipeline with a bit of everything, for the page to show. */
import { setTimeout as pause } from 'node:timers/promises'
import { action } from '../../src/connect/sinks/action.ts'
import type { Source } from '../../src/connect/source.ts'
import { json } from '../../src/core/codec.ts'
import { MillraceError } from '../../src/core/error.ts'
import { run, type Running } from '../../src/host/run.ts'
import type { Log } from '../../src/log/log.ts'
import { openMemoryLog } from '../../src/log/memory/memory-log.ts'
import { count } from '../../src/pipeline/aggregators/count.ts'
import { mean } from '../../src/pipeline/aggregators/sum.ts'
import { from } from '../../src/pipeline/from.ts'
import { topic } from '../../src/pipeline/topic.ts'
import { tumbling } from '../../src/pipeline/window.ts'

interface Reading {
  readonly device: string
  readonly celsius: number
  readonly at: number
}

const devices = ['kiln', 'press', 'oven', 'dryer']
/** Event time of the first reading. */
const startMs = Date.UTC(2024, 0, 1)

const readings = topic('readings', {
  codec: json<Reading>(),
  key: (reading) => reading.device,
  time: (reading) => reading.at,
  partitions: 2,
  idleAfter: '1h',
})
const checked = from(readings)
  .map((reading) => {
    if (Number.isFinite(reading.celsius)) return reading
    throw new Error(`celsius is '${String(reading.celsius)}'`)
  })
  .named('checked')
const perSecond = checked
  .window(tumbling('1s'))
  .aggregate({ samples: count(), celsius: mean((reading: Reading) => reading.celsius) })
  .named('per-second')

/** Ten readings every 20 ms, ten of them a second of event time. Some are no numbers, some late. */
const plant: Source<number> = {
  kind: 'source',
  name: 'plant',
  type: 'custom',
  replayable: true,
  async *open(position, { signal }) {
    for (let n = position ?? 0; !signal.aborted;) {
      const records = Array.from({ length: 10 }, () => {
        n += 1
        const device = devices[n % devices.length] as string
        const at = startMs + n * 100 - (n % 90 === 0 ? 60_000 : 0)
        const celsius = n % 70 === 0 ? 'broken' : 20 + (n % 17)
        return { key: device, value: JSON.stringify({ device, celsius, at }), time: at }
      })
      yield { records, position: n }
      await pause(20, undefined, { signal }).catch(() => {})
    }
  },
}

export interface Plant {
  readonly log: Log
  readonly running: Running
  readonly url: string
  /** Whether the destination of warnings is away. */
  away: boolean
}

export async function startPlant(): Promise<Plant> {
  const log = openMemoryLog()
  const state = { away: false }
  const warn = action('warn', () => {
    if (state.away) throw new MillraceError('sink-unavailable', 'the pager is off')
  })
  const running = await run(
    [
      from(plant).to(readings),
      perSecond.to(topic('per-second')),
      checked
        .filter((reading: Reading) => reading.celsius > 30)
        .named('hot')
        .to(warn),
    ],
    { log, http: { port: 0, ui: true }, notify: () => {}, signals: false },
  )
  return Object.assign(state, { log, running, url: running.httpUrl ?? '' })
}
