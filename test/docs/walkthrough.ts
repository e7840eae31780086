/**
 * Types a page's walk-through in, in a folder of its own. Directives on the line above a block:
 *
 *   <!-- docs: run -->                 `sh`: typed in the terminal; waits for its end
 *   <!-- docs: run after "TEXT" -->    the same, once a program in the background has shown TEXT
 *   <!-- docs: start -->               `sh`: one command, left running in another terminal
 *   <!-- docs: start NAME -->          the same, where several run at a time
 *   <!-- docs: output -->              `text`: what the last `run` block has shown
 *   <!-- docs: stop -->                `text`: all that the running program shows until Ctrl-C;
 *                                      NAME: which one
 *   <!-- docs: file NAME -->           any: the content of a file
 *   <!-- docs: every terminal -->      `sh`: typed first in every terminal from here on
 *
 * `start` and `stop` take `after`, too, and `after` several texts: all must have been shown.
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

/** `npx millrace` is the command of this tree. */
const millrace = (exec: '' | 'exec '): string => `npx() { shift; ${exec}"$NODE" "$MILLRACE" "$@"; }`

export interface WalkthroughOptions {
  /** Typed before every block: functions in place of commands. Default: nothing. */
  readonly head?: string
  /** What the page says, and what it is here. Default: nothing. */
  readonly insteadOf?: Readonly<Record<string, string>>
  /** Two texts are the same when this makes them equal. Default `normalized`. */
  readonly normalize?: (text: string) => string
}

export class Walkthrough {
  readonly #folder: string
  readonly #insteadOf: readonly (readonly [string, string])[]
  readonly #normalize: (text: string) => string
  #head: string
  readonly differences: Difference[] = []
  /** What programs in the background have shown, each up to its end. */
  readonly ended: string[] = []
  /** Blocks that were typed in or compared. */
  steps = 0
  #lastShown = ''
  readonly #background = new Map<string, Typed>()

  constructor(folder: string, options: WalkthroughOptions = {}) {
    this.#folder = folder
    this.#head = options.head ?? ''
    this.#insteadOf = Object.entries(options.insteadOf ?? {})
    this.#normalize = options.normalize ?? normalized
  }

  /** @throws Error for an unknown directive, a command that fails, a wait that is too long */
  async take(block: Block): Promise<void> {
    const { directive, text } = block
    const [what = '', name = ''] = directive.replace(/ ?after .*$/, '').split(' ')
    const after = / after (".+")$/.exec(directive)?.[1] ?? ''
    this.steps += 1
    for (const [, shown = ''] of after.matchAll(/"([^"]+)"/g)) await this.#until(shown)
    if (what === 'file') writeFileSync(join(this.#folder, name), `${text}\n`)
    else if (directive === 'every terminal') this.#head += `\n${text}`
    else if (what === 'run' && name === '') await this.#run(block)
    else if (what === 'start') this.#start(text, name)
    else if (directive === 'output') this.#compare(block, this.#lastShown)
    else if (what === 'stop') await this.#stop(block, { name, isAwaited: after !== '' })
    else throw new Error(`${block.path}:${block.line}: no directive 'docs: ${directive}'`)
  }

  /** Ends what is still running. Idempotent. */
  close(): void {
    for (const { child } of this.#background.values()) child.kill('SIGKILL')
    this.#background.clear()
  }

  async #run({ path, line, text }: Block): Promise<void> {
    const { shown, exit } = this.#spawn(`${millrace('')}\n${this.#head}\nset -eo pipefail\n${text}`)
    const code = await exit
    this.#lastShown = shown()
    if (code !== 0) throw new Error(`${path}:${line}: ended with ${code}:\n${shown()}`)
  }

  #start(text: string, name: string): void {
    this.#background.set(name, this.#spawn(`${millrace('exec ')}\n${this.#head}\n${text}`))
  }

  async #stop(block: Block, which: { name: string; isAwaited: boolean }): Promise<void> {
    const lines = block.text.split('\n').filter((line) => line !== '' && line !== '^C')
    const beforeLast = lines.at(-2) ?? ''
    if (!which.isAwaited) await this.#until(beforeLast)
    const program = this.#background.get(which.name)
    if (program === undefined) throw new Error(`nothing runs in the background: ${which.name}`)
    const { child, shown, exit } = program
    child.kill('SIGINT')
    const code = await exit
    this.#background.delete(which.name)
    this.ended.push(shown())
    this.#compare({ ...block, text: block.text.replace(/^\^C\n/m, '') }, shown())
    if (code !== 0) throw new Error(`${block.path}:${block.line}: Ctrl-C ended it with ${code}`)
  }

  /** Waits until a program in the background has shown a text. */
  async #until(text: string): Promise<void> {
    const programs = [...this.#background.values()]
    if (programs.length === 0) throw new Error('nothing runs in the background')
    const endMs = systemClock.monotonic() + limitMs
    while (!programs.some(({ shown }) => shown().includes(text))) {
      const hasEnded = programs.every(({ child }) => child.exitCode !== null)
      if (hasEnded || systemClock.monotonic() > endMs) {
        const all = programs.map(({ shown }) => shown()).join('\n')
        throw new Error(`'${text}' was awaited; shown was:\n${all}`)
      }
      await new Promise<void>((resolve) => systemClock.after(5, resolve))
    }
  }

  #spawn(script: string): Typed {
    const typed = this.#insteadOf.reduce(
      (text, [page, here]) => text.replaceAll(page, here),
      script,
    )
    const child = spawn('bash', ['-c', `exec 2>&1\n${typed}`], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        NODE: process.execPath,
        MILLRACE: join(root, 'bin', 'millrace.js'),
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
    const asOnPage = this.#insteadOf.reduce(
      (all, [page, here]) => all.replaceAll(here, page),
      shown,
    )
    const expected = this.#normalize(text)
    const found = this.#normalize(asOnPage.replaceAll(this.#folder, '~/tour'))
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
