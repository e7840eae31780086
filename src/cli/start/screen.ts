/** Draws the board in place on a terminal, or writes a line now and then where there is none. */
import { stripVTControlCharacters } from 'node:util'
import { boardLines, colourStyle, plainStyle, statusLine } from './board.ts'
import type { Style } from './board.ts'
import type { Snapshot } from './snapshot.ts'

/** What is needed of standard output. */
export interface ScreenOutput {
  write(text: string): Promise<unknown>
}

export interface ScreenOptions {
  readonly isTerminal: boolean
  readonly colours: boolean
  /** Of the terminal, asked at each drawing. */
  readonly size: () => { readonly columns: number; readonly rows: number }
}

export interface Screen {
  /** How often it wants a snapshot, ms. */
  readonly everyMs: number
  /** Left out while an earlier one is still being taken by who reads. */
  show(snapshot: Snapshot): void
  /** Writes lines above what changes. */
  say(text: string): void
  /**
   * Leaves the last state of things standing, and the cursor below it. Resolves when all is
   * written. Idempotent.
   */
  end(): Promise<void>
}

export function openScreen(output: ScreenOutput, options: ScreenOptions): Screen {
  return options.isTerminal ? new BoardScreen(output, options) : new LineScreen(output)
}

/** Writes in order; knows whether all was taken. */
class Writes {
  readonly #output: ScreenOutput
  #last: Promise<unknown> = Promise.resolve()
  #pendingCount = 0

  constructor(output: ScreenOutput) {
    this.#output = output
  }

  get isBusy(): boolean {
    return this.#pendingCount > 0
  }

  add(text: string): void {
    this.#pendingCount += 1
    const done = (): void => {
      this.#pendingCount -= 1
    }
    // A screen that cannot be written to must not end the work behind it.
    this.#last = this.#output.write(text).then(done, done)
  }

  async drained(): Promise<void> {
    await this.#last
  }
}

class LineScreen implements Screen {
  readonly everyMs = 1_000
  readonly #writes: Writes

  constructor(output: ScreenOutput) {
    this.#writes = new Writes(output)
  }

  show(snapshot: Snapshot): void {
    if (!this.#writes.isBusy) this.#writes.add(`${statusLine(snapshot)}\n`)
  }

  say(text: string): void {
    this.#writes.add(`${text}\n`)
  }

  end(): Promise<void> {
    return this.#writes.drained()
  }
}

const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
const clearToEnd = '\u001b[K'
const clearBelow = '\u001b[J'

class BoardScreen implements Screen {
  readonly everyMs = 500
  readonly #writes: Writes
  readonly #size: ScreenOptions['size']
  readonly #style: Style
  #lineCount = 0
  #last: Snapshot | null = null

  constructor(output: ScreenOutput, { colours, size }: ScreenOptions) {
    this.#writes = new Writes(output)
    this.#size = size
    this.#style = colours ? colourStyle : plainStyle
  }

  show(snapshot: Snapshot): void {
    this.#last = snapshot
    if (!this.#writes.isBusy) this.#draw('')
  }

  say(text: string): void {
    this.#draw(
      text
        .split('\n')
        .map((line) => `${line}${clearToEnd}\n`)
        .join(''),
    )
  }

  end(): Promise<void> {
    if (this.#lineCount > 0) this.#writes.add(`\r${clearToEnd}${showCursor}`)
    this.#lineCount = 0
    this.#last = null
    return this.#writes.drained()
  }

  /** In one write, over the lines drawn before, so that nothing flickers. */
  #draw(above: string): void {
    if (this.#last === null) {
      this.#writes.add(above)
      return
    }
    const back = this.#lineCount === 0 ? hideCursor : `\u001b[${this.#lineCount}A\r`
    const lines = this.#fit(boardLines(this.#last, this.#style))
    const drawn = lines.map((line) => `${line}${clearToEnd}\n`).join('')
    this.#writes.add(`${back}${above}${drawn}${clearBelow}`)
    this.#lineCount = lines.length
  }

  /** A line that wraps, or more lines than the terminal has, would spoil the drawing in place. */
  #fit(lines: readonly string[]): string[] {
    const { columns, rows } = this.#size()
    return lines.slice(0, Math.max(1, rows - 1)).map((line) => {
      const text = stripVTControlCharacters(line)
      return text.length < columns ? line : text.slice(0, columns - 1)
    })
  }
}
