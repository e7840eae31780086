/**
 * Which blocks of the sources have run, as V8 counts them (`Profiler.takePreciseCoverage`). Taking
 * it costs milliseconds, so many inputs run between two looks.
 */
import { Session } from 'node:inspector'
import type { Profiler } from 'node:inspector'

export class Coverage {
  readonly #session = new Session()
  readonly #seen = new Set<string>()
  readonly #isOurs: (url: string) => boolean

  /** @param isOurs which scripts count, by their url */
  constructor(isOurs: (url: string) => boolean) {
    this.#isOurs = isOurs
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Blocks that have run so far. */
  get size(): number {
    return this.#seen.size
  }

  /** @returns the blocks that ran since the last call and never before it */
  takeNew(): Set<string> {
    const fresh = new Set<string>()
    this.#eachBlock((block) => {
      if (!this.#seen.has(block)) fresh.add(block)
    })
    for (const block of fresh) this.#seen.add(block)
    return fresh
  }

  /** @returns those of `wanted` that ran since the last call */
  takeOf(wanted: ReadonlySet<string>): string[] {
    const found: string[] = []
    this.#eachBlock((block) => {
      if (wanted.has(block)) found.push(block)
    })
    return found
  }

  #eachBlock(tell: (block: string) => void): void {
    let scripts: Profiler.ScriptCoverage[] = []
    // Answers before it returns. The counts begin at 0 again.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error
      scripts = answer.result
    })
    for (const { scriptId, url, functions } of scripts) {
      if (!this.#isOurs(url)) continue
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) tell(`${scriptId}:${startOffset}-${endOffset}`)
        }
      }
    }
  }

  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }
}
