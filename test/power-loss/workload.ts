/** What a process does while its disk is recorded, and what must hold after a power cut. */
import type { Seen } from './seen.ts'

export interface Workload {
  /** For errors. */
  readonly name: string
  /** The program that is recorded. */
  readonly victim: string
  /** Its arguments after the log's directory and a seed for what it does. */
  readonly args: readonly string[]
  /**
   * The start after the cut: opens what the disk holds, checks it, and runs on to the end.
   * @param seen what had been acknowledged or read before the cut
   * @returns how many records were found, and results compared
   * @throws an assertion error where anything was lost, doubled or changed
   */
  goOn(dir: string, seen: Seen, place: string): Promise<Recovered>
  /** It is needed no more. */
  end(): void
}

export interface Recovered {
  readonly records: number
  readonly results: number
}
