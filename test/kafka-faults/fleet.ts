/** The worker processes: started, killed, paused, stopped; one that ends by itself is a failure. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { WorkerSettings, WorkerStatus } from './worker.ts'

const program = fileURLToPath(new URL('worker.ts', import.meta.url))
const stopMsMax = 30_000

export interface FleetOptions {
  readonly brokers: readonly string[]
  /** For logs. */
  readonly directory: string
  readonly settings: Omit<WorkerSettings, 'instanceId' | 'stateDirectory'>
  /** Told of a process that ended by itself or not in order. */
  readonly fail: (what: string) => void
}

export class Fleet {
  readonly #options: FleetOptions
  readonly #workers = new Map<number, Worker>()

  constructor(options: FleetOptions) {
    this.#options = options
    mkdirSync(join(options.directory, 'logs'), { recursive: true })
  }

  /** The worker of this number; its place in the group outlives its processes. */
  worker(number: number): Worker {
    const known = this.#workers.get(number)
    if (known !== undefined) return known
    const worker = new Worker(number, this.#options)
    this.#workers.set(number, worker)
    return worker
  }

  /** Tasks of all running workers with their lag; a task that two claim counts once. */
  tasks(): Map<string, number> {
    const all = [...this.#workers.values()].filter(({ isRunning }) => isRunning)
    return new Map(all.flatMap(({ status }) => status?.tasks ?? []))
  }

  /** All at once, as a deployment does that goes down. */
  async stop(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()))
  }

  killAll(): void {
    for (const worker of this.#workers.values()) void worker.kill()
  }
}

export class Worker {
  readonly name: string
  readonly #number: number
  readonly #options: FleetOptions
  #child: ChildProcess | null = null
  #ended: Promise<unknown> = Promise.resolve()
  /** What ends the process is wanted. */
  #isLeaving = false
  #lives = 0
  #status: WorkerStatus | null = null

  constructor(number: number, options: FleetOptions) {
    this.#number = number
    this.#options = options
    this.name = `worker ${number + 1}`
  }

  get isRunning(): boolean {
    return this.#child !== null
  }

  /** As it said last; null: it has not spoken since its start. */
  get status(): WorkerStatus | null {
    return this.#status
  }

  start(): void {
    if (this.#child !== null) throw new Error(`${this.name} runs already`)
    const { brokers, directory, settings } = this.#options
    this.#lives += 1
    const file = `worker-${this.#number + 1}.${this.#lives}.log`
    const log = openSync(join(directory, 'logs', file), 'a')
    const instanceId = `worker-${this.#number + 1}`
    const stateDirectory = join(directory, 'state')
    const all: WorkerSettings = { ...settings, instanceId, stateDirectory }
    const args = [brokers.join(','), JSON.stringify(all)]
    const flags = ['--disable-warning=ExperimentalWarning']
    const child = spawn(process.execPath, [...flags, program, ...args], {
      stdio: ['ignore', 'pipe', log],
    })
    closeSync(log)
    this.#child = child
    this.#isLeaving = false
    this.#status = null
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      if (this.#child === child) this.#status = JSON.parse(line) as WorkerStatus
    })
    this.#ended = once(child, 'exit').then(([code, signal]) => {
      this.#child = null
      if (this.#isLeaving) return
      this.#options.fail(`${this.name} ended by itself with ${code ?? signal}: see ${file}`)
    })
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#isLeaving = true
    this.#child?.kill('SIGKILL')
    await this.#ended
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  /**
   * SIGTERM. A process that does not end, or not with 0, is a failure; but one that is still
   * loading knows nothing of signals yet.
   */
  async stop(): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#isLeaving = true
    const isLoading = this.#status === null
    child.kill('SIGTERM')
    const isOver = await Promise.race([this.#ended.then(() => true), pause(stopMsMax, false)])
    if (!isOver) {
      this.#options.fail(`${this.name} did not end within ${stopMsMax} ms of SIGTERM`)
      await this.kill()
    } else if (child.exitCode !== 0 && !(isLoading && child.signalCode === 'SIGTERM')) {
      const how = String(child.exitCode ?? child.signalCode)
      this.#options.fail(`${this.name} was asked to end and ended with ${how}`)
    }
  }
}
