import assert from 'node:assert/strict'
import { test } from 'vitest'
import { VirtualClock } from '../core/clock.ts'
import type { Session } from '../log/log.ts'
import { restoreTask, type RestoreProgress } from './restore-task.ts'
import type { TaskEvent } from './task-event.ts'
import type { Task } from './task.ts'

/** Blobs, each of which takes 0.7 s: three of them. */
class SlowRestore {
  readonly clock = new VirtualClock()
  readonly events: TaskEvent[] = []
  readonly seen: RestoreProgress[] = []
  isStopping = false
  begun = 0
  restored: number[] = []
  blobs = 3
  readonly session = {
    restoredShare: 0,
    restore: () => this.#blobs(),
  }

  async *#blobs(): AsyncGenerator<Uint8Array> {
    for (let i = 1; i <= this.blobs; i++) {
      this.clock.advance(700)
      this.session.restoredShare = i / 4
      yield new Uint8Array(100 * i)
    }
    this.session.restoredShare = 1
  }

  run(): Promise<'restored' | 'stopped'> {
    const task = {
      name: 'main/0',
      entries: new Map([['s', 5]]),
      restore: (blob: Uint8Array) => void this.restored.push(blob.length),
      begin: () => void this.begun++,
    }
    return restoreTask(this.session as unknown as Session, task as unknown as Task, {
      clock: this.clock,
      isStopping: () => this.isStopping,
      notify: (event) => void this.events.push(event),
      onProgress: (progress) => void this.seen.push(progress),
    })
  }
}

test('a restore that takes long is told every second, then that it is done', async () => {
  const slow = new SlowRestore()
  assert.equal(await slow.run(), 'restored')
  assert.deepEqual(slow.restored, [100, 200, 300])
  assert.equal(slow.begun, 1)
  assert.deepEqual(slow.events, [
    { kind: 'restoring', task: 'main/0', blobs: 1, bytes: 100, share: 0.25 },
    { kind: 'restoring', task: 'main/0', blobs: 2, bytes: 300, share: 0.5 },
    { kind: 'restored', task: 'main/0', blobs: 3, entries: 5, ms: 2_100 },
  ])
  assert.deepEqual(slow.seen, [
    { blobs: 0, bytes: 0, share: 0 },
    { blobs: 1, bytes: 100, share: 0.25 },
    { blobs: 2, bytes: 300, share: 0.5 },
    { blobs: 3, bytes: 600, share: 0.75 },
  ])
  slow.clock.advance(5_000)
  assert.equal(slow.events.length, 3, 'nothing is told any more')
})

test('O3 every blob is applied, in order', async () => {
  const slow = new SlowRestore()
  slow.blobs = 100
  assert.equal(await slow.run(), 'restored')
  assert.deepEqual(
    slow.restored,
    Array.from({ length: 100 }, (_, i) => 100 * (i + 1)),
  )
})

test('a stop ends a restore; the task is not begun', async () => {
  const slow = new SlowRestore()
  slow.isStopping = true
  assert.equal(await slow.run(), 'stopped')
  assert.deepEqual([slow.restored, slow.begun], [[], 0])
})
