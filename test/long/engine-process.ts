/** The engine's process as the long run sees it: started, killed, ended, looked at. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('engine.ts', import.meta.url))

export class EngineProcess {
  readonly startedMs = Date.now()
  readonly #child: ChildProcess
  readonly #exit: Promise<string>
  #isExpected = false

  private constructor(dir: string, fail: (what: string) => void) {
    const flags = ['--disable-warning=ExperimentalWarning']
    this.#child = spawn(process.execPath, [...flags, program, dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#exit = once(this.#child, 'exit').then(([code, signal]) => String(code ?? signal))
    void this.#exit.then((how) => {
      if (!this.#isExpected) fail(`the engine's process ended by itself: ${how}`)
    })
  }

  /** Resolves when its pipelines run. */
  static async start(dir: string, fail: (what: string) => void): Promise<EngineProcess> {
    const engine = new EngineProcess(dir, fail)
    const running = once(engine.#child.stdout as NodeJS.ReadableStream, 'data')
    await Promise.race([running, engine.#exit])
    return engine
  }

  /** @returns how it ended: `0`, `SIGKILL` */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    this.#isExpected = true
    this.#child.kill(signal)
    return await this.#exit
  }

  get memoryBytes(): number {
    return memoryOf(this.#child.pid ?? process.pid)
  }

  /** Seconds of CPU time since its start. */
  get cpuSeconds(): number {
    const fields = textOf(`/proc/${this.#child.pid}/stat`).split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100
  }
}

/** Resident memory of a process; 0 when it has gone. */
export function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0) * 1024
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
