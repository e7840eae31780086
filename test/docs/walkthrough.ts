/**
 * Types a page's walk-through in, in a folder of its own. Directives on the line above a block:
 *
 *   <!-- docs: run -->                 `sh`: typed in the terminal; waits for its end
 *   <!-- docs: run after "TEXT" -->    the same, once the program in the background has shown TEXT
 *   <!-- docs: start -->               `sh`: one command, left running in another terminal
 *   <!-- docs: output -->              `text`: what the last `run` block has shown
 *   <!-- docs: stop -->                `text`: all that the running program has shown, after Ctrl-C
 *   <!-- docs: file NAME -->           any: the content of a file
 *   <!-- docs: export -->              `sh`: variables that all blocks from here on have
 *
 * Shown is what goes to standard output and standard error, in the order in which it comes.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'
import { root } from './blocks.ts'
import type { Block } from './blocks.ts'

const limitMs = 20_000

/** A script that was typed in. */
interface Typed {
  readonly child: ChildProcess
  readonly shown: () => string
  readonly exit: Promise<number | null>
}

/** Where something else was shown than the page says. */
export interface Difference {
  readonly place: string
  readonly expected: string
  readonly shown: string
}

/** `npx millrace` and `npm run kafka:…` are those of this tree. */
const commands = (exec: '' | 'exec '): string => `
npx() { shift; ${exec}"$NODE" "$MILLRACE" "$@"; }
npm() {
  while [[ $1 != kafka:* ]]; do shift; done
  local command=\${1#kafka:}; shift
  [[ $1 != -- ]] || shift
  [[ $command != up ]] || set -- "$@" --port "$KAFKA_PORT"
  "$NODE" "$KAFKA" "$command" "$@"
}`

const kafkaPort = 9092

export class Walkthrough {
  readonly #folder: string
  readonly #kafkaPort: number
  readonly #variables: Record<string, string> = {}
  readonly differences: Difference[] = []
  /** Blocks that were typed in or compared. */
  steps = 0
  #lastShown = ''
  #background: Typed | null = null

  /** @param port where Kafka shall listen in place of the page's 9092 */
  constructor(folder: string, port = kafkaPort) {
    this.#folder = folder
    this.#kafkaPort = port
  }

  /** @throws Error for an unknown directive, a command that fails, a wait that is too long */
  async take(block: Block): Promise<void> {
    const { directive, text } = block
    const file = /^file (\S+)$/.exec(directive)?.[1]
    const after = /^run after "(.+)"$/.exec(directive)?.[1]
    this.steps += 1
    if (file !== undefined) writeFileSync(join(this.#folder, file), `${text}\n`)
    else if (directive === 'run' || after !== undefined) {
      if (after !== undefined) await this.#until(after)
      await this.#run(block)
    } else if (directive === 'start') this.#start(text)
    else if (directive === 'export') this.#export(text)
    else if (directive === 'output') this.#compare(block, this.#lastShown)
    else if (directive === 'stop') await this.#stop(block)
    else throw new Error(`${block.path}:${block.line}: no directive 'docs: ${directive}'`)
  }

  /** Ends what is still running. Idempotent. */
  close(): void {
    this.#background?.child.kill('SIGKILL')
    this.#background = null
  }

  async #run({ path, line, text }: Block): Promise<void> {
    const { shown, exit } = this.#spawn(`${commands('')}\nset -eo pipefail\n${text}`)
    const code = await exit
    this.#lastShown = shown()
    if (code !== 0) throw new Error(`${path}:${line}: ended with ${code}:\n${shown()}`)
  }

  #export(text: string): void {
    for (const [, name = '', value = ''] of text.matchAll(/^export (\w+)=(\S+)$/gm)) {
      this.#variables[name] = this.#typed(value)
    }
  }

  #typed(text: string): string {
    return text.replaceAll(`:${kafkaPort}`, `:${this.#kafkaPort}`)
  }

  #start(text: string): void {
    this.#background = this.#spawn(`${commands('exec ')}\n${text}`)
  }

  async #stop(block: Block): Promise<void> {
    const lines = block.text.split('\n').filter((line) => line !== '' && line !== '^C')
    const beforeLast = lines.at(-2) ?? ''
    await this.#until(beforeLast)
    const { child, shown, exit } = this.#running()
    child.kill('SIGINT')
    const code = await exit
    this.#background = null
    this.#compare({ ...block, text: block.text.replace(/^\^C\n/m, '') }, shown())
    if (code !== 0) throw new Error(`${block.path}:${block.line}: Ctrl-C ended it with ${code}`)
  }

  /** Waits until the program in the background has shown a text. */
  async #until(text: string): Promise<void> {
    const { shown, child } = this.#running()
    const endMs = systemClock.monotonic() + limitMs
    while (!shown().includes(text)) {
      if (child.exitCode !== null || systemClock.monotonic() > endMs) {
        throw new Error(`'${text}' was awaited; shown was:\n${shown()}`)
      }
      await new Promise<void>((resolve) => systemClock.after(5, resolve))
    }
  }

  #running(): Typed {
    if (this.#background === null) throw new Error('nothing runs in the background')
    return this.#background
  }

  #spawn(script: string): Typed {
    const child = spawn('bash', ['-c', `exec 2>&1\n${this.#typed(script)}`], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        NODE: process.execPath,
        MILLRACE: join(root, 'bin', 'millrace.js'),
        KAFKA: join(root, 'test', 'kafka', 'kafka.ts'),
        KAFKA_PORT: String(this.#kafkaPort),
        ...this.#variables,
      },
    })
    let shown = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      shown += String(chunk)
    })
    const exit = new Promise<number | null>((resolve) => child.on('close', resolve))
    return { child, shown: () => shown, exit }
  }

  #compare({ path, line, text }: Block, shown: string): void {
    const expected = normalized(text)
    const there = shown
      .replaceAll(this.#folder, '~/tour')
      .replaceAll(`:${this.#kafkaPort}`, `:${kafkaPort}`)
    const found = normalized(there)
    if (expected !== found) {
      this.differences.push({ place: `${path}:${line}`, expected, shown: found })
    }
  }
}

/** What differs from run to run is put the same: times, sizes, the width of columns. */
export function normalized(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+Z)?/g, 'TIME')
    .replaceAll(/"time":\d{13}/g, '"time":MS')
    .replaceAll(/\d[\d.]* (?:B|KiB|MiB)\b/g, 'SIZE')
    .replaceAll(/[ \t]+/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .trim()
}
