/** A question on the terminal. */
import { createInterface } from 'node:readline/promises'

/** @returns true for `y` or `yes`; false for anything else, also for the end of input and Ctrl-C */
export async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const stop = new AbortController()
  terminal.on('close', () => stop.abort())
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: stop.signal })
    return /^y(?:es)?$/i.test(answer.trim())
  } catch {
    return false
  } finally {
    terminal.close()
  }
}
