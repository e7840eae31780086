/** One line on the terminal that shows how far a long input is, overwritten as it goes on. */
import type { Context } from './context.ts'
import { formatBytes, formatCount } from './text-format.ts'

/** Shown only from here on, so that a short input leaves no flicker. */
const quietMs = 500
const everyMs = 200
const barWidth = 24
/** Back to the line's start, and clear it. */
const clearLine = '\r\u001b[K'

export class Progress {
  readonly #context: Context
  readonly #totalBytes: number | null
  readonly #startMs: number
  #shownMs: number
  #isShown = false

  /** @param totalBytes size of the input; null: not known */
  constructor(context: Context, totalBytes: number | null) {
    this.#context = context
    this.#totalBytes = totalBytes
    this.#startMs = context.clock.monotonic()
    this.#shownMs = this.#startMs + quietMs - everyMs
  }

  /** Shows where the input is, where it is time to. */
  update(records: number, bytes: number): void {
    // What is typed is a progress of its own.
    const { stderr, stdin } = this.#context.isTerminal
    if (!stderr || stdin) return
    const nowMs = this.#context.clock.monotonic()
    if (nowMs - this.#shownMs < everyMs) return
    this.#shownMs = nowMs
    this.#isShown = true
    const rate = Math.round((records * 1000) / Math.max(1, nowMs - this.#startMs))
    const how = `${formatCount(records)} records  ${formatBytes(bytes)}  ${formatCount(rate)}/s`
    this.#context.writeError(`${clearLine}${progressBar(bytes, this.#totalBytes)}${how}`)
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isShown) this.#context.writeError(clearLine)
    this.#isShown = false
  }
}

/** `[######------]  50%  `; nothing where the total is not known. */
export function progressBar(done: number, total: number | null): string {
  if (total === null || total === 0) return ''
  const share = Math.min(1, done / total)
  const filled = Math.round(share * barWidth)
  const percent = String(Math.floor(share * 100)).padStart(3)
  return `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}] ${percent}%  `
}
