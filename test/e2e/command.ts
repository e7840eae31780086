/** The real `millrace` command in a directory of its own, for tests. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url))
/** Far more than most tests take; then they fail with what was printed so far. */
const limitMsUsual = 15_000

export interface Result {
  /** null: ended by a signal. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly bytes: Buffer
}

interface ProcessOptions {
  /** For the command, and for each wait. */
  readonly limitMs: number
  /** Further variables of the environment. */
  readonly env: Readonly<Record<string, string>>
}

/** A command that is running. */
export class Process {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Result>
  readonly #chunks: Buffer[] = []
  readonly #limitMs: number
  #stderr = ''

  constructor(args: readonly string[], cwd: string, { limitMs, env: more }: ProcessOptions) {
    this.#limitMs = limitMs
    const env = { ...process.env }
    for (const name of Object.keys(env)) if (name.startsWith('MILLRACE_')) delete env[name]
    Object.assign(env, more)
    this.child = spawn(process.execPath, [bin, ...args], { cwd, env, stdio: 'pipe' })
    this.child.stdin.on('error', () => {}) // the command may end before it has read all
    this.child.stdout.on('data', (chunk: Buffer) => this.#chunks.push(chunk))
    this.child.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    const closed = new Promise<Result>((resolve) => {
      this.child.on('close', (code) => {
        const bytes = Buffer.concat(this.#chunks)
        resolve({ code, bytes, stdout: bytes.toString(), stderr: this.#stderr })
      })
    })
    this.ended = this.#limited(closed, `millrace ${args.join(' ')} did not end`)
  }

  get stdout(): string {
    return Buffer.concat(this.#chunks).toString()
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Resolves as soon as `holds` does, looked at after every output. */
  async until(holds: (process: Process) => boolean, what: string): Promise<void> {
    const seen = new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (holds(this)) resolve()
      }
      this.child.stdout.on('data', look)
      this.child.stderr.on('data', look)
      this.child.on('close', () => {
        if (holds(this)) resolve()
        else reject(new Error(`ended before ${what}\n${this.stdout}${this.stderr}`))
      })
      look()
    })
    await this.#limited(seen, `waited in vain for ${what}`)
  }

  kill(signal: NodeJS.Signals): Promise<Result> {
    this.child.kill(signal)
    return this.ended
  }

  #limited<R>(promise: Promise<R>, what: string): Promise<R> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.child.kill('SIGKILL')
        reject(new Error(`${what}\n${this.stdout}${this.stderr}`))
      }, this.#limitMs)
    })
    return Promise.race([promise, late]).finally(() => clearTimeout(timer))
  }
}

/** A directory in which commands run. Use with `using`. */
export class Workspace {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  readonly #started: Process[] = []
  readonly #options: ProcessOptions

  constructor({ limitMs = limitMsUsual, env = {} }: Partial<ProcessOptions> = {}) {
    this.#options = { limitMs, env }
  }

  start(...args: string[]): Process {
    const started = new Process(args, this.dir, this.#options)
    this.#started.push(started)
    started.ended.catch(() => {}) // told to whoever awaits it
    return started
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], input: string | Buffer = ''): Promise<Result> {
    const running = this.start(...args)
    running.child.stdin.end(input)
    return await running.ended
  }

  /** Runs a command line without quotes, which must succeed. */
  async ok(line: string, input: string | Buffer = ''): Promise<Result> {
    const result = await this.run(line.split(' '), input)
    if (result.code !== 0) throw new Error(`millrace ${line} → ${result.code}\n${result.stderr}`)
    return result
  }

  write(name: string, text: string): string {
    const path = join(this.dir, name)
    writeFileSync(path, text)
    return path
  }

  [Symbol.dispose](): void {
    for (const { child } of this.#started) child.kill('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}
