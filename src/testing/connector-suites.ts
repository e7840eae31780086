/** The suites for sources and sinks of one's own, on logs in memory. */
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { MemoryStore } from '../log/memory/memory-store.ts'
import { defineSinkConformance } from '../connect/sink.conformance.ts'
import type { SinkSubject } from '../connect/sink.conformance.ts'
import { defineSourceConformance } from '../connect/source.conformance.ts'
import type { SourceSubject, TestFunction } from '../connect/source.conformance.ts'

/** A source as the suite needs it. One subject is one outside world, the same at each opening. */
export type TestedSource<P> = Omit<SourceSubject<P>, 'openLog'>

/** A sink as the suite needs it. One subject is one destination, which stays over a case. */
export type TestedSink = Omit<SinkSubject, 'newLog'>

/**
 * Makes a test of each case that a source has to pass: its positions, its end, its bounds, and that
 * each record is in the topic once, wherever a run was cut. Virtual time.
 * @param test of Vitest, `node:test`, or what has `test(title, run)` and `test.skip` like them
 * @example
 * import { test } from 'node:test'
 * suiteOfSource(test, {
 *   name: 'numbers',
 *   source: () => generator({ name: 'numbers', rate: 100, seed: 1, value: (i) => i }),
 *   compare: (a, b) => a.count - b.count,
 *   stepMs: 100,
 *   batchesMax: 20,
 * })
 */
export function suiteOfSource<P>(test: TestFunction, subject: TestedSource<P>): void {
  defineSourceConformance(test, { ...subject, openLog: openMemoryLog })
}

/**
 * Makes a test of each case that a sink has to pass: what was delivered is there, in order,
 * whatever fails; what it cannot do is skipped, the title says why. Real time, as the destination
 * may be.
 * @param test as for `suiteOfSource`
 * @example
 * import { test } from 'node:test'
 * let arrived: { n: number; key: string }[] = []
 * const options = { retries: 2, backoff: '10ms', backoffMax: '50ms', timeout: '2s' } as const
 * suiteOfSink(test, {
 *   name: 'an array',
 *   sink: () => action('s', (value: { n: number; key: string }) => arrived.push(value), options),
 *   begin: async () => {
 *     arrived = []
 *   },
 *   arrived: async () => arrived,
 *   outage: null,
 *   refuses: false,
 *   knowsIds: false,
 * })
 */
export function suiteOfSink(test: TestFunction, subject: TestedSink): void {
  const newLog = (): (() => ReturnType<typeof openMemoryLog>) => {
    const store = new MemoryStore()
    return () => openMemoryLog({ store })
  }
  defineSinkConformance(test, { ...subject, newLog })
}

export type { Arrived } from '../connect/sink.conformance.ts'
export type { TestFunction } from '../connect/source.conformance.ts'
