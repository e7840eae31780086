/**
 * Restores of one process side by side, as many as its memory allows: each holds a share of what is
 * fetched and not yet taken.
 */
export class RestoreGate {
  readonly #bytesMax: number
  #bytes = 0
  readonly #waiting: (() => void)[] = []

  /** @param bytesMax of all restores together; one may always run */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Waits for room. @returns gives it back; idempotent */
  async enter(bytes: number): Promise<() => void> {
    while (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#bytes += bytes
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      this.#bytes -= bytes
      for (const tell of this.#waiting.splice(0)) tell()
    }
  }
}
