/** Waits until something changes in a folder, or for a while: a watch may miss or not be had. */
import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import type { Clock } from '../../core/clock.ts'
import { pause } from '../pause.ts'

export class FolderWatch {
  #watcher: FSWatcher | null = null
  #hasChanged = false
  #ring: () => void = () => {}

  constructor(folder: string) {
    try {
      this.#watcher = watch(folder, { persistent: false }, () => {
        this.#hasChanged = true
        this.#ring()
      })
      // No more watches are to be had, the folder is gone: looking from time to time is enough.
      this.#watcher.on('error', () => this.close())
    } catch {
      this.#watcher = null
    }
  }

  /** Until something changes, since the last call too; at most `atMostMs`. */
  async wait(clock: Clock, atMostMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged && !signal.aborted) {
      const ringing = new AbortController()
      const ring = (): void => ringing.abort()
      signal.addEventListener('abort', ring)
      this.#ring = ring
      await pause(clock, atMostMs, ringing.signal)
      signal.removeEventListener('abort', ring)
      this.#ring = () => {}
    }
    this.#hasChanged = false
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = null
  }
}
