/**
 * The measured process: runs one pipeline and nothing else. Arguments: brokers, kind of pipeline,
 * settings as JSON (`EngineSettings`). Ends when it has read so many records, or at SIGTERM; prints
 * what it used as one line of JSON (`EngineUse`).
 */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { pipelineOf } from './pipelines.ts'
import type { PipelineKind } from './pipelines.ts'
import { loadPublished } from './published.ts'

export interface EngineSettings {
  readonly name: string
  readonly instanceId: string
  readonly sessionTimeoutMs: number
  /** Ends when so many are read and committed; null: at SIGTERM. */
  readonly records: number | null
}

export interface EngineUse {
  /** User and system time of the whole process, its start included. */
  readonly cpuSeconds: number
  /** Of it, before the pipeline ran. */
  readonly startCpuSeconds: number
  /** From the pipeline's start until everything was read and committed. */
  readonly seconds: number
  readonly peakMiB: number
}

const [brokers = '', kind = '', text = '{}'] = process.argv.slice(2)
const { name, records, ...options } = JSON.parse(text) as EngineSettings

const { millrace, door } = await loadPublished()
const startedMs = performance.now()
const startCpuSeconds = cpuSeconds()
const running = await millrace.run(pipelineOf(kind as PipelineKind, millrace), {
  name,
  log: door.kafka({ brokers: brokers.split(','), ...options }),
  tasks: 'per-partition',
})
if (records !== null) {
  const read = (): number =>
    running.status().reduce((all, { counters }) => all + counters.recordsIn, 0)
  while (read() < records) await Promise.race([pause(10), running.done])
  await running.stop() // with the last commit
}
await running.done
const use: EngineUse = {
  cpuSeconds: cpuSeconds(),
  startCpuSeconds,
  seconds: (performance.now() - startedMs) / 1000,
  peakMiB: peakMiB(),
}
process.stdout.write(`${JSON.stringify(use)}\n`)

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** The kernel's own figure where there is one: `maxRSS` may be that of whoever started this. */
function peakMiB(): number {
  if (process.platform !== 'linux') return Math.round(process.resourceUsage().maxRSS / 1024)
  const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return Math.round(Number(kib) / 1024)
}
