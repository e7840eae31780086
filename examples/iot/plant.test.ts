/** The same pipeline in simulated time: no broker, no database, no waiting. */
import { testPipeline } from 'millrace/testing'
import { topic } from 'millrace'
import { expect, test } from 'vitest'
import { alerts, devices, hours, judged, minutes, readings, verdicts } from './plant.ts'
import { readRecording } from './recording.ts'

const startMs = Date.UTC(2010, 4, 10)
const out = [
  verdicts.to(judged),
  minutes.to(topic('minutes')),
  hours.to(topic('hours')),
  alerts.to(topic('alerts')),
]

function start() {
  const run = testPipeline(out)
  run.push(devices, { place: 'indoor' }, { key: 'a' })
  run.push(devices, { place: 'outdoor' }, { key: 'b' })
  run.idle() // nothing more comes of these: event time goes on with the readings
  let n = 0
  /** A reading every 5 s. */
  const read = (mote: string, temperature: number, humidity: number): void => {
    n += 1
    run.push(readings, { mote, n, at: startMs + n * 5_000, temperature, humidity })
  }
  return { run, read }
}

test('steam: each reading of it is unusual, one alert opens and ends', () => {
  const { run, read } = start()
  for (let i = 0; i < 40; i++) read('a', 25 + (i % 2) / 10, 50 + (i % 3) / 10)
  for (let i = 0; i < 6; i++) read('a', 25, 80)
  for (let i = 0; i < 40; i++) read('a', 25 + (i % 2) / 10, 50 + (i % 3) / 10)
  const faults = run.outputs(judged).map(({ fault }) => fault)
  expect(faults.map((fault, i) => (fault === null ? -1 : i)).filter((i) => i >= 0)).toEqual([
    40, 41, 42, 43, 44, 45,
  ])
  expect(run.outputs(judged)[40]).toMatchObject({ place: 'indoor', fault: 'unusual' })
  expect(run.outputs('alerts')).toMatchObject([
    { status: 'firing', key: 'a', notification: 1, value: { humidity: 80 } },
    { status: 'resolved', key: 'a', notification: 2 },
  ])
})

test('a sensor that says the same for two minutes is frozen', () => {
  const { run, read } = start()
  for (let i = 0; i < 30; i++) read('b', 20, 60)
  const faults = run.outputs(judged).map(({ fault }) => fault)
  expect(faults.indexOf('frozen')).toBe(24)
  expect(run.outputs('alerts')).toMatchObject([{ status: 'firing', key: 'b' }])
})

test('minutes and hours, with their faults', () => {
  const { run, read } = start()
  for (let i = 0; i < 900; i++) read('a', 25 + (i % 2), 50 + (i % 2))
  const [first] = run.outputs('minutes') as Record<string, unknown>[]
  expect(first).toMatchObject({ key: 'a', readings: 11, faults: 0, hottest: 26 })
  expect(run.outputs('hours')).toMatchObject([{ key: 'a', readings: 719 }])
})

test('the recording: nearly every labelled reading is found, and nothing else', () => {
  const recording = readRecording()
  expect(recording).not.toBeNull()
  if (recording === null) return
  const run = testPipeline([verdicts.to(judged)])
  for (const [mote, device] of recording.devices) run.push(devices, device, { key: mote })
  for (const { mote, n, at, humidity, temperature } of recording.readings) {
    run.push(readings, { mote, n, at, humidity, temperature })
  }
  const found = run.outputs(judged)
  expect(found).toHaveLength(recording.readings.length)
  const flagged = new Set(
    found.filter(({ fault }) => fault === 'unusual').map(({ mote, n }) => `${mote} ${n}`),
  )
  const labelled = recording.readings.filter(({ isEvent }) => isEvent)
  const right = labelled.filter(({ mote, n }) => flagged.has(`${mote} ${n}`)).length
  expect(right / flagged.size).toBeGreaterThan(0.98)
  expect(right / labelled.length).toBeGreaterThan(0.98)
})
