/**
 * Tells waiting readers that something was committed. In this process the writer's answer tells
 * them; other processes rewrite the file `wake` after a commit, which the operating system reports
 * (inotify, kqueue). Nothing runs while nobody waits, but for a look once a second, in case the
 * operating system's report gets lost.
 */
import { closeSync, type FSWatcher, openSync, watch } from 'node:fs'
import type { Clock } from '../../core/clock.ts'

/** How often waiting readers look anyway. */
const safetyMs = 1000
/** The same where the file cannot be watched. */
const pollMs = 200

/**
 * `waiting`: told of every commit at once. `idle`: has something else to do and need not be told
 * of each; the process does not watch on its behalf for more than one commit a second.
 */
export type ListenerKind = 'waiting' | 'idle'

export class WakeHub {
  readonly #path: string
  readonly #clock: Clock
  readonly #listeners = new Map<() => void, ListenerKind>()
  #waiting = 0
  #watcher: FSWatcher | null = null
  #cancelTick: (() => void) | null = null
  #isTickSlow = true

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /**
   * Makes the file where it is missing; without it (a directory that cannot be written) readers
   * poll.
   */
  prepare(): void {
    try {
      closeSync(openSync(this.#path, 'a'))
    } catch {
      return
    }
  }

  /**
   * @param listener must look whether there is news for it: it may be told for nothing. @returns
   * stops telling it
   */
  add(listener: () => void, kind: ListenerKind): () => void {
    this.#listeners.set(listener, kind)
    if (kind === 'waiting') this.#waiting += 1
    this.#watch()
    this.#tick()
    return () => {
      if (!this.#listeners.delete(listener)) return
      if (kind === 'waiting') this.#waiting -= 1
      if (this.#listeners.size === 0) this.#stopTick()
      if (this.#waiting === 0) this.#watcher?.unref()
    }
  }

  /** Tells everybody. Called after each commit of this process. */
  notify(): void {
    for (const listener of this.#listeners.keys()) listener()
  }

  #watch(): void {
    if (this.#watcher === null) {
      try {
        this.#watcher = watch(this.#path, (event) => this.#onEvent(event))
        this.#watcher.on('error', () => this.#unwatch())
      } catch {
        this.#watcher = null
      }
    }
    if (this.#waiting > 0) this.#watcher?.ref()
    else this.#watcher?.unref()
  }

  #onEvent(event: string): void {
    this.notify()
    // A busy process commits all the time and waits rarely: it stops watching until somebody waits
    // again.
    if (event === 'rename' || this.#waiting === 0) this.#unwatch()
    if (event === 'rename') this.prepare()
    if (this.#waiting > 0) this.#watch()
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = null
  }

  #tick(): void {
    const slow = this.#watcher !== null
    if (this.#cancelTick !== null) {
      if (slow || !this.#isTickSlow) return
      this.#stopTick()
    }
    this.#isTickSlow = slow
    this.#cancelTick = this.#clock.after(slow ? safetyMs : pollMs, () => {
      this.#cancelTick = null
      this.notify()
      if (this.#listeners.size === 0) return
      this.#watch()
      this.#tick()
    })
  }

  #stopTick(): void {
    this.#cancelTick?.()
    this.#cancelTick = null
  }

  close(): void {
    this.#listeners.clear()
    this.#waiting = 0
    this.#stopTick()
    this.#unwatch()
  }
}
