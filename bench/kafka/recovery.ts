/**
 * kill -9 under load of 5,000/s with state of 10,000 keys: until output of records that were due
 * after the kill has come from every partition.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Figure } from '../measure.ts'
import { startEngine } from './engine-process.ts'
import type { EngineProcess } from './engine-process.ts'
import { Load } from './load.ts'
import { outTopics } from './pipelines.ts'
import type { Setting } from './setting.ts'

const perSecond = 5_000
const restMs = 3_000
const timeoutMs = 60_000
const startMsMax = 240_000
const restartRounds = 5
const takeoverRounds = 3
const restartAimMs = 2_000

/** Restart at once in the same place. */
export async function restart(setting: Setting): Promise<Figure[]> {
  const settings = setting.fresh()
  const start = (): EngineProcess => startEngine(setting.cluster.brokers, 'running', settings)
  const measured = await underLoad(
    setting,
    [start()],
    async (load, engines) => {
      const killedMs = performance.now()
      await engines.shift()?.kill()
      engines.push(start())
      await load.reached(killedMs, timeoutMs)
      return performance.now() - killedMs
    },
    restartRounds,
  )
  return [figure('kill -9, restart → output again', measured, restartAimMs)]
}

/** Another member goes on; the killed one comes back only for the next round. */
export async function takeover(setting: Setting): Promise<Figure[]> {
  const settings = setting.fresh()
  const start = (instanceId: string): EngineProcess =>
    startEngine(setting.cluster.brokers, 'running', { ...settings, instanceId })
  const names = ['engine-1', 'engine-2']
  const measured = await underLoad(
    setting,
    names.map(start),
    async (load, engines) => {
      const killedMs = performance.now()
      await engines.shift()?.kill()
      await load.reached(killedMs, timeoutMs)
      const tookMs = performance.now() - killedMs
      const [name = ''] = names.splice(0, 1)
      names.push(name)
      const startedMs = performance.now()
      engines.push(start(name))
      await load.reached(startedMs, timeoutMs)
      return tookMs
    },
    takeoverRounds,
  )
  const aimMs = settings.sessionTimeoutMs + 1_000
  return [figure('kill -9, another member takes over → output again', measured, aimMs)]
}

interface Measured {
  readonly times: readonly number[]
  /** Of the processes that were not killed. */
  readonly peakMiB: number
}

async function underLoad(
  { log }: Setting,
  engines: EngineProcess[],
  round: (load: Load, engines: EngineProcess[]) => Promise<number>,
  rounds: number,
): Promise<Measured> {
  try {
    const load = await Load.start({ log, outTopic: outTopics.running, perSecond })
    await load.reached(performance.now(), startMsMax)
    const times: number[] = []
    for (let i = 0; i < rounds; i++) {
      await pause(restMs)
      times.push(await round(load, engines))
    }
    await load.stop()
    const uses = await Promise.all(engines.map((engine) => engine.stop()))
    return { times, peakMiB: Math.max(...uses.map((use) => use.peakMiB)) }
  } catch (error) {
    for (const engine of engines) await engine.kill()
    throw error
  }
}

function figure(name: string, { times, peakMiB }: Measured, aimMs: number): Figure {
  const sorted = times.toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(times.length / 2)] as number
  return {
    name,
    reached: `${Math.round(middle)} ms`,
    score: middle,
    aim: `≤ ${aimMs} ms`,
    met: middle <= aimMs,
    cpuSecondsPerMillion: null,
    peakMiB,
    note:
      `median of ${times.length}: ${sorted.map((ms) => Math.round(ms)).join(', ')} ms; ` +
      `${perSecond}/s, state of 10,000 keys`,
  }
}
