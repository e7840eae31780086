/** Starts the measured process, pinned to one core where the system can. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { canPin } from '../run-case.ts'
import type { EngineSettings, EngineUse } from './engine.ts'
import type { PipelineKind } from './pipelines.ts'

const program = fileURLToPath(new URL('engine.ts', import.meta.url))
const isPinned = canPin()

export const pinNote = isPinned ? 'engine on one core' : 'engine not pinned to a core'

export interface EngineProcess {
  /** What it used, when it has ended by itself or by `stop`. @throws where it failed */
  readonly use: Promise<EngineUse>
  /** SIGTERM. */
  stop(): Promise<EngineUse>
  /** kill -9. */
  kill(): Promise<void>
}

export function startEngine(
  brokers: readonly string[],
  kind: PipelineKind,
  settings: EngineSettings,
): EngineProcess {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', program]
  const args = [...node, brokers.join(','), kind, JSON.stringify(settings)]
  const [command = '', ...rest] = isPinned ? ['taskset', '-c', '0', ...args] : args
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (text: Buffer) => (output += text.toString()))
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  let isKilled = false
  const use = closed.then(([code, signal]) => {
    if (code === 0) return JSON.parse(output) as EngineUse
    if (isKilled) return { cpuSeconds: 0, startCpuSeconds: 0, seconds: 0, peakMiB: 0 }
    throw new Error(`the engine of ${settings.name} ended with ${code ?? signal}`)
  })
  use.catch(() => {}) // whoever asks for it gets it; until then it must not end this process
  return {
    use,
    stop: async () => {
      child.kill('SIGTERM')
      return await use
    },
    kill: async () => {
      isKilled = true
      child.kill('SIGKILL')
      await closed
    },
  }
}
