/**
 * Delays of US flights, hour by hour and airport by airport, from records that come out of order: a
 * flight belongs to the hour it was scheduled for, but is known only when it has left. `millrace
 * start` fills the topic `flights` with a recording of real ones.
 *
 * Look at it without running it: millrace plan <this file>
 */
import { collect, count, from, json, max, mean, pipeline, topic, tumbling } from '../index.ts'
import type { Flight } from './flights-recording.ts'

/** A week, or 256 MB: an example that is forgotten does not fill the disk. */
const retention = { time: '7d', bytes: 256 * 2 ** 20 } as const

export const flights = topic('flights', {
  codec: json<Flight>(),
  key: (flight) => flight.origin,
  time: (flight) => new Date(flight.scheduled),
  outOfOrder: '1h', // a window closes one hour after its end
  idleAfter: '1m',
  idle: 'wait', // a recording that stands still leaves event time where it is
  partitions: 1,
  retention,
})

/**
 * Who comes within three hours more changes a result that is out already; one in a hundred is later
 * still: `flights.late`.
 */
const byAirport = from(flights)
  .window(tumbling('1h'), { lateness: '3h' })
  .aggregate({
    flights: count(),
    meanDelay: mean((flight) => flight.delay),
    maxDelay: max((flight) => flight.delay),
  })
  .named('by-airport')

/**
 * Of each hour the five airports with the longest mean delay, among those with five flights or
 * more.
 */
const worst = byAirport
  .filter((airport) => airport.flights >= 5 && airport.window.revision === undefined)
  .keyBy(() => 'all')
  .window(tumbling('1h'))
  .aggregate({ airports: collect() })
  .named('worst')
  .map(({ window, airports }) => ({
    window,
    airports: airports
      .toSorted((a, b) => b.meanDelay - a.meanDelay)
      .slice(0, 5)
      .map(({ key, flights: departures, meanDelay }) => ({ key, flights: departures, meanDelay })),
  }))

export default pipeline(
  'flights',
  byAirport.to(topic('flights-by-airport', { retention })),
  worst.to(topic('flights-worst', { retention })),
)
