/** From when a record was due to a read_committed consumer that has its result, at 5,000/s. */
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { Figure } from '../measure.ts'
import { pinNote, startEngine } from './engine-process.ts'
import { Load } from './load.ts'
import { outTopics } from './pipelines.ts'
import type { Setting } from './setting.ts'

const perSecond = 5_000
/** A broker that was just started is slow for its first minute, until its code is compiled. */
const warmUpMs = 60_000
const measuredMs = 20_000
const p50AimMs = 12
const p99AimMs = 50
const startMsMax = 120_000

export async function latency(setting: Setting): Promise<Figure[]> {
  const { log, cluster } = setting
  const engine = startEngine(cluster.brokers, 'filter-map', setting.fresh())
  const histogram = createHistogram()
  let firstMs = Infinity
  let load: Load | undefined
  try {
    load = await Load.start({
      log,
      outTopic: outTopics['filter-map'],
      perSecond,
      onOutput: (id, nowMs) => {
        const dueMs = load?.dueMs(id) ?? Infinity
        if (dueMs >= firstMs && dueMs < firstMs + measuredMs) {
          histogram.record(Math.max(1, Math.round((nowMs - dueMs) * 1000)))
        }
      },
    })
    // The engine reads what lay in the topic before, then what is due now.
    await load.reached(performance.now(), startMsMax)
    firstMs = performance.now() + warmUpMs
    await pause(warmUpMs + measuredMs)
    await load.stop()
  } catch (error) {
    await engine.kill()
    throw error
  }
  const use = await engine.stop()
  const ms = (percent: number): number => histogram.percentile(percent) / 1000
  const expected = (perSecond * measuredMs) / 1000
  return [
    {
      name: `latency due → read_committed consumer, ${perSecond}/s`,
      reached: `p50 ${ms(50).toFixed(1)} ms, p99 ${ms(99).toFixed(1)} ms`,
      score: ms(99),
      aim: `p50 ≤ ${p50AimMs} ms, p99 ≤ ${p99AimMs} ms`,
      met: ms(50) <= p50AimMs && ms(99) <= p99AimMs,
      cpuSecondsPerMillion: null,
      peakMiB: use.peakMiB,
      note:
        `max ${(histogram.max / 1000).toFixed(0)} ms; ${histogram.count} results of ` +
        `${expected} records; after ${warmUpMs / 1000} s of the same load; ${pinNote}`,
    },
  ]
}
