import assert from 'node:assert/strict'
import { test } from 'vitest'
import { testPipeline } from '../testing.ts'
import flightsPipeline, { flights } from './flights.ts'
import type { Flight } from './flights-recording.ts'

let row = 0
function flight(time: string, delay: number, origin = 'ORD'): Flight {
  row += 1
  const scheduled = `2001-01-01T${time}:00.000Z`
  return { row, scheduled, delay, distance: 100, origin, destination: 'LAX' }
}

const hour = (n: number): number => Date.UTC(2001, 0, 1, n)

test('delays by airport and hour, when an hour is over and one more', () => {
  const driver = testPipeline(flightsPipeline)
  driver.push(flights, flight('00:10', 10))
  driver.push(flights, flight('01:59', 0))
  driver.push(flights, flight('00:20', 30)) // out of order, in time
  assert.deepEqual(driver.outputs('flights-by-airport'), [])
  driver.push(flights, flight('02:00', 0))
  assert.deepEqual(driver.outputs('flights-by-airport'), [
    {
      key: 'ORD',
      window: { start: hour(0), end: hour(1) },
      flights: 2,
      meanDelay: 20,
      maxDelay: 30,
    },
  ])
})

test('known three hours after that a flight changes its hour, later it is late', () => {
  const driver = testPipeline(flightsPipeline)
  driver.push(flights, flight('00:10', 10))
  driver.push(flights, flight('04:59', 0))
  driver.push(flights, flight('00:30', 200))
  const results = driver.outputs('flights-by-airport') as { flights: number; window: object }[]
  assert.deepEqual(results.at(-1), {
    key: 'ORD',
    window: { start: hour(0), end: hour(1), revision: 1 },
    flights: 2,
    meanDelay: 105,
    maxDelay: 200,
  })
  driver.push(flights, flight('05:00', 0))
  driver.push(flights, flight('00:40', 260))
  const late = driver.late(flights)
  assert.deepEqual(
    late.map(({ reason, step }) => [reason, step]),
    [['late', 'by-airport']],
  )
  assert.match(late[0]?.value ?? '', /"delay":260/)
  assert.equal((driver.outputs('flights-by-airport') as unknown[]).length, 2)
})

test('the worst airports of an hour: five, with five flights or more, by mean delay', () => {
  const driver = testPipeline(flightsPipeline)
  for (const [i, airport] of ['AAA', 'BBB', 'CCC', 'DDD', 'EEE', 'FFF'].entries()) {
    for (let n = 0; n < 5; n++) driver.push(flights, flight('00:10', i * 10, airport))
  }
  for (let n = 0; n < 4; n++) driver.push(flights, flight('00:10', 500, 'FEW'))
  driver.push(flights, flight('02:00', 0))
  const [worst] = driver.outputs('flights-worst') as {
    window: object
    airports: { key: string; flights: number; meanDelay: number }[]
  }[]
  assert.deepEqual(worst?.window, { start: hour(0), end: hour(1) })
  assert.deepEqual(worst.airports, [
    { key: 'FFF', flights: 5, meanDelay: 50 },
    { key: 'EEE', flights: 5, meanDelay: 40 },
    { key: 'DDD', flights: 5, meanDelay: 30 },
    { key: 'CCC', flights: 5, meanDelay: 20 },
    { key: 'BBB', flights: 5, meanDelay: 10 },
  ])
  assert.deepEqual(driver.deadLetters(), [])
})
