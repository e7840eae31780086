/** A mosquitto of a test's own, on loopback, its data in a folder that goes away with it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programOf } from './programs.ts'

export interface MosquittoOptions {
  /** Lines of its configuration beside the listener. */
  readonly settings?: readonly string[]
  /** Who may come in; absent: anybody. */
  readonly user?: { readonly name: string; readonly password: string }
}

const startMsMax = 10_000

export class Mosquitto {
  readonly port: number
  readonly #folder: string
  readonly #program: string
  #child: ChildProcess | null = null
  #said = ''

  private constructor(program: string, port: number, folder: string) {
    this.#program = program
    this.port = port
    this.#folder = folder
  }

  static async start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const program = programOf('mosquitto')
    if (program === null) throw new Error('mosquitto is not installed')
    const folder = mkdtempSync(join(tmpdir(), 'millrace-mosquitto-'))
    chmodSync(folder, 0o777) // started by root, it goes on as another user
    const broker = new Mosquitto(program, await freePort(), folder)
    await broker.#configure(options)
    await broker.up()
    return broker
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  /** What it has written about clients and packets. */
  get log(): string {
    return this.#said
  }

  /** Starts it again after `down` or `kill`; what it keeps is as it was. */
  async up(): Promise<void> {
    const child = spawn(this.#program, ['-c', join(this.#folder, 'mosquitto.conf')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    // Also where a test is cut off.
    const end = (): unknown => child.kill('SIGKILL')
    process.once('exit', end)
    child.once('exit', () => process.removeListener('exit', end))
    const hear = (bytes: Buffer): void => {
      this.#said += bytes.toString()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    const endMs = Date.now() + startMsMax
    while (!(await answers(this.port))) {
      if (child.exitCode !== null || Date.now() > endMs)
        throw new Error(`mosquitto did not start: ${this.#said}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Ends it; sessions and waiting messages are written to disk. */
  down(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async stop(): Promise<void> {
    await this.down()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #end(signal: 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }

  async #configure({ settings = [], user }: MosquittoOptions): Promise<void> {
    const passwords = join(this.#folder, 'passwords')
    if (user !== undefined) {
      writeFileSync(passwords, '')
      const made = spawn('mosquitto_passwd', ['-b', passwords, user.name, user.password])
      await new Promise((resolve) => made.once('exit', resolve))
      chmodSync(passwords, 0o644)
    }
    const access =
      user === undefined
        ? ['allow_anonymous true']
        : ['allow_anonymous false', `password_file ${passwords}`]
    const lines = [
      'per_listener_settings false',
      `listener ${this.port} 127.0.0.1`,
      ...access,
      'persistence true',
      `persistence_location ${this.#folder}/`,
      'log_dest stderr',
      'log_type all',
      ...settings,
    ]
    writeFileSync(join(this.#folder, 'mosquitto.conf'), `${lines.join('\n')}\n`)
  }
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
