/** Bytes of requests that the server holds at one time, all requests together. */
import { tooMany } from './refusal.ts'

/** How soon a sender may come back: appends take milliseconds. */
const retryMs = 1_000

export class Budget {
  readonly bytesMax: number
  /** Bytes held now. */
  bytes = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /**
   * Takes a part of the budget, to be given back by `release`.
   * @throws Refusal 429 where there is no room
   */
  take(bytes: number): void {
    if (this.bytes + bytes > this.bytesMax) {
      throw tooMany(
        `requests of ${this.bytes} bytes are on their way to the log; there is room for ` +
          `${this.bytesMax}`,
        retryMs,
        'send less at a time, or wait',
      )
    }
    this.bytes += bytes
  }

  release(bytes: number): void {
    this.bytes -= bytes
  }
}
