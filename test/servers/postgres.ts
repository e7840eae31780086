/** A PostgreSQL of a test's own, on loopback, its data in a folder that goes away with it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { freePort } from './mosquitto.ts'
import { programOf } from './programs.ts'

const startMsMax = 20_000

export class PostgresServer {
  readonly port: number
  readonly #folder: string
  readonly #program: string
  #child: ChildProcess | null = null
  #said = ''

  readonly #fsync: boolean

  private constructor(program: string, port: number, folder: string, fsync: boolean) {
    this.#fsync = fsync
    this.#program = program
    this.port = port
    this.#folder = folder
  }

  /** @param options `fsync`: whether what is committed outlives a power cut */
  static async start({ fsync = false } = {}): Promise<PostgresServer> {
    const program = programOf('postgres')
    if (program === null) throw new Error('postgresql is not installed')
    const folder = mkdtempSync(join(tmpdir(), 'millrace-postgres-'))
    const server = new PostgresServer(program, await freePort(), folder, fsync)
    if (asOther.length > 0) {
      const ids = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'postgres']).stdout))
      chownSync(folder, ids[0] ?? 0, ids[1] ?? 0)
    }
    const made = spawnSync(
      'env',
      [
        ...asOther,
        join(dirname(program), 'initdb'),
        '-D',
        server.#data,
        '-A',
        'trust',
        '-U',
        'postgres',
        '--no-sync',
      ],
      { cwd: '/', encoding: 'utf8' },
    )
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
    await server.up()
    return server
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }

  /** Starts it again after `down` or `kill`. What was committed is there. */
  async up(): Promise<void> {
    const options = ['-D', this.#data, '-p', String(this.port), '-h', '127.0.0.1', '-k', '']
    const settings = [
      '-c',
      'wal_level=logical',
      '-c',
      `fsync=${this.#fsync ? 'on' : 'off'}`,
      '-c',
      'log_min_messages=fatal',
    ]
    const child = spawn('env', [...asOther, this.#program, ...options, ...settings], {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    const end = (): unknown => child.kill('SIGKILL')
    process.once('exit', end)
    child.once('exit', () => process.removeListener('exit', end))
    const hear = (bytes: Buffer): void => {
      this.#said += bytes.toString()
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    const endMs = Date.now() + startMsMax
    while (!(await this.#answers())) {
      if (child.exitCode !== null || Date.now() > endMs)
        throw new Error(`postgres did not start: ${this.#said}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Ends it; connections are cut. */
  down(): Promise<void> {
    return this.#end('SIGINT')
  }

  /** Ends it without any care. */
  kill(): Promise<void> {
    return this.#end('SIGQUIT')
  }

  async stop(): Promise<void> {
    await this.down()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  /** A connection of the test's own. */
  async query<R extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<R[]> {
    const client = new pg.Client({ connectionString: this.url })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<R>(text, values)).rows
    } finally {
      await client.end()
    }
  }

  async #answers(): Promise<boolean> {
    try {
      await this.query('SELECT 1')
      return true
    } catch {
      return false
    }
  }

  async #end(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }
}

/** It refuses to run as root: then it is started as the user that Debian makes for it. */
const asOther =
  process.getuid?.() === 0
    ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups']
    : []
