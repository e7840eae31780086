/** From the start of the process to the first committed result that a reader has. */
import type { Figure } from '../measure.ts'
import { startEngine } from './engine-process.ts'
import type { EngineProcess } from './engine-process.ts'
import type { EngineSettings } from './engine.ts'
import { fill } from './fill.ts'
import { outTopics, partitions } from './pipelines.ts'
import type { Setting } from './setting.ts'

const runs = 5
const aimMs = 700
/** Appended before each start, so that there is something to do. */
const recordsBefore = 1_000
const timeoutMs = 60_000

export async function firstOutput(setting: Setting): Promise<Figure[]> {
  await setting.empty()
  const first: number[] = []
  const again: number[] = []
  let peakMiB = 0
  for (let run = 0; run < runs; run++) {
    const settings = setting.fresh()
    for (const times of [first, again]) {
      // The second one finds its group, its topics and its place.
      const { ms, engine } = await measureStart(setting, settings)
      times.push(ms)
      peakMiB = Math.max(peakMiB, (await engine.stop()).peakMiB)
    }
  }
  return [
    figure('start to first output, never run before', first, peakMiB),
    figure('start to first output, run before', again, peakMiB),
  ]
}

async function measureStart(
  { log, cluster }: Setting,
  settings: EngineSettings,
): Promise<{ ms: number; engine: EngineProcess }> {
  const topic = outTopics['filter-map']
  await fill(log, recordsBefore)
  const { partitions: found } = await log.describeTopic(topic)
  const reader = await log.openReader(
    found.map(({ partition, endOffset }) => ({ topic, partition, offset: endOffset })),
  )
  const startedMs = performance.now()
  const engine = startEngine(cluster.brokers, 'filter-map', settings)
  try {
    const hasOutput = (): boolean => {
      for (let input = 0; input < partitions; input++) {
        for (let batch = reader.poll(input); batch !== null; batch = reader.poll(input)) {
          if (batch.count > batch.first) return true
        }
      }
      return false
    }
    while (!hasOutput()) {
      if (performance.now() - startedMs > timeoutMs) throw new Error('no first output')
      await reader.wait(100)
    }
    return { ms: performance.now() - startedMs, engine }
  } catch (error) {
    await engine.kill()
    throw error
  } finally {
    await reader.close()
  }
}

function figure(name: string, times: readonly number[], peakMiB: number): Figure {
  const sorted = times.toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(times.length / 2)] as number
  const range = `${Math.round(sorted[0] ?? 0)} to ${Math.round(sorted.at(-1) ?? 0)} ms`
  return {
    name,
    reached: `${Math.round(middle)} ms`,
    score: middle,
    aim: `≤ ${aimMs} ms`,
    met: middle <= aimMs,
    cpuSecondsPerMillion: null,
    peakMiB,
    note: `median of ${times.length}, ${range}; process start included`,
  }
}
