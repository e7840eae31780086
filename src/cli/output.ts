/**
 * Standard output with back-pressure. A reader that has gone away (`| head`) is no error: what is
 * written after that is dropped, and commands see `isClosed` and end.
 */
import type { Writable } from 'node:stream'

export class Output {
  readonly #stream: Writable
  readonly #closed = Promise.withResolvers<void>()
  #isClosed = false

  constructor(stream: Writable) {
    this.#stream = stream
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (isGone(error)) this.#close()
    })
  }

  /** Nobody reads any more. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Resolves when nobody reads any more. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /**
   * @returns when the system has taken all of it: `chunk` may be used again
   * @throws what the stream fails with, other than that its reader is gone
   */
  write(chunk: string | Uint8Array): Promise<'written' | 'closed'> {
    if (this.#isClosed) return Promise.resolve('closed')
    return new Promise((resolve, reject) => {
      this.#stream.write(chunk, (error) => {
        if (error === null || error === undefined) return resolve('written')
        if (!isGone(error)) return reject(error)
        this.#close()
        resolve('closed')
      })
    })
  }

  #close(): void {
    this.#isClosed = true
    this.#closed.resolve()
  }
}

function isGone(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED'
}
