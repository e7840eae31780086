/**
 * How a pipeline is tested: real operators, virtual time, no log. Works the same in any test
 * runner.
 */
import { testPipeline } from 'millrace/testing'
import { expect, test } from 'vitest'
import overheating, { alerts, readings } from './overheating.ts'

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second))

test('a minute with a reading above 90 degrees gives one alert, when the minute is over', () => {
  const run = testPipeline(overheating)
  run.push(readings, { device: 'pump', celsius: 95, at: at(10) })
  run.push(readings, { device: 'fan', celsius: 40, at: at(20) })
  expect(run.outputs(alerts)).toEqual([])
  run.push(readings, { device: 'fan', celsius: 41, at: at(70) })
  expect(run.outputs(alerts)).toEqual([{ key: 'pump', peak: 95, readings: 1 }])
})

test('the last minute closes by itself when no more readings come', () => {
  const run = testPipeline(overheating)
  run.push(readings, { device: 'pump', celsius: 95, at: at(10) })
  run.advance('2m')
  expect(run.outputs(alerts)).toHaveLength(1)
})

test('what is no reading, or comes too late, is kept', () => {
  const run = testPipeline(overheating)
  run.pushBytes(readings, '{"device":"pump"}')
  run.push(readings, { device: 'fan', celsius: 40, at: at(200) })
  run.push(readings, { device: 'pump', celsius: 99, at: at(10) })
  expect(run.deadLetters().map((letter) => letter.reason)).toEqual(['validation-failed'])
  expect(run.late().map((letter) => letter.step)).toEqual(['readings.aggregate-1m'])
})
