/**
 * What the cases do again and again: build batches, read to an offset, expect an error's code,
 * wait with a limit.
 */
import assert from 'node:assert/strict'
import { systemClock } from '../../core/clock.ts'
import { type ErrorCode, MillraceError } from '../../core/error.ts'
import { BatchBuilder, type Header, type RecordBatch } from '../batch.ts'
import type { AppendBatch, Log, PartitionInfo, Session, StartAt, TaskSpec } from '../log.ts'
import type { LogHarness } from './log-case.ts'

export interface ProbeRecord {
  readonly key: string | Uint8Array | null
  readonly value: string | Uint8Array | null
  readonly timeMs: number
  readonly headers?: readonly Header[]
}

/** A record as read: bytes as latin1 text, so that two of them compare by `deepEqual`. */
export interface SeenRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timeMs: number
  readonly headers: readonly (readonly [string, string | null])[]
}

/** One record a value: key `k`, time 1. */
export function batchOf(topic: string, partition: number, ...values: string[]): AppendBatch {
  return recordsOf(
    topic,
    partition,
    values.map((value) => ({ key: 'k', value, timeMs: 1 })),
  )
}

export function recordsOf(
  topic: string,
  partition: number,
  records: readonly ProbeRecord[],
): AppendBatch {
  const builder = new BatchBuilder()
  for (const { key, value, timeMs, headers } of records) builder.add(key, value, timeMs, headers)
  return { topic, partition, bytes: builder.finish() }
}

export function seenIn(batch: RecordBatch): SeenRecord[] {
  const seen: SeenRecord[] = []
  for (let i = batch.first; i < batch.count; i++) {
    seen.push({
      offset: batch.offset(i),
      key: batch.key(i)?.toString('latin1') ?? null,
      value: batch.value(i)?.toString('latin1') ?? null,
      timeMs: batch.time(i),
      headers: batch
        .headers(i)
        .map(({ name, value }) => [
          name,
          value === null ? null : Buffer.from(value).toString('latin1'),
        ]),
    })
  }
  return seen
}

export function valuesOf(seen: readonly SeenRecord[]): (string | null)[] {
  return seen.map((record) => record.value)
}

/** What a reader and a session have in common. */
export type Pollable = Pick<Session, 'poll' | 'wait'>

/**
 * Polls one input, waiting where nothing is at hand, until the record before `endOffset` was
 * seen.
 */
export async function readTo(
  from: Pollable,
  { input = 0, endOffset, limitMs }: { input?: number; endOffset: number; limitMs: number },
): Promise<SeenRecord[]> {
  const seen: SeenRecord[] = []
  const lateMs = systemClock.monotonic() + limitMs
  let next = 0
  while (next < endOffset) {
    const batch = from.poll(input)
    if (batch === null) {
      const left = `${seen.length} records read, then none up to offset ${endOffset}`
      assert.ok(systemClock.monotonic() < lateMs, left)
      assert.equal(await within(limitMs, from.wait(Infinity), left), 'ready')
      continue
    }
    const isEmpty = batch.count === 0
    assert.ok(isEmpty || batch.first < batch.count, 'a polled batch has a record to give')
    assert.ok(!isEmpty || batch.nextOffset > next, 'or moves over offsets that have none')
    next = batch.nextOffset
    seen.push(...seenIn(batch))
  }
  return seen
}

/** All records of a partition. */
export async function readAll(
  harness: LogHarness,
  log: Log,
  topic = 't',
  partition = 0,
): Promise<SeenRecord[]> {
  const { startOffset, endOffset } = await partitionInfo(log, topic, partition)
  if (startOffset === endOffset) return []
  const reader = await log.openReader([{ topic, partition, offset: startOffset }])
  const seen = await readTo(reader, { endOffset, limitMs: harness.limitMs })
  const after = reader.poll(0)
  const isNone = after === null || after.count === 0
  assert.ok(isNone, `nothing follows the end offset ${endOffset}`)
  await reader.close()
  return seen
}

export async function partitionInfo(
  log: Log,
  topic: string,
  partition: number,
): Promise<PartitionInfo> {
  const info = (await log.describeTopic(topic)).partitions[partition]
  assert.ok(info !== undefined, `${topic} has partition ${partition}`)
  return info
}

/** Fails where `promise` takes longer than `limitMs`. */
export async function within<T>(limitMs: number, promise: Promise<T>, what: string): Promise<T> {
  let cancel = (): void => undefined
  const late = new Promise<never>((_resolve, reject) => {
    cancel = systemClock.after(limitMs, () => reject(new Error(`over ${limitMs} ms: ${what}`)))
  })
  return await Promise.race([promise, late]).finally(() => cancel())
}

/** True where `promise` is not settled although everything that is due has run. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  const settle = (): void => void (isSettled = true)
  promise.then(settle, settle)
  await new Promise<void>((resolve) => void systemClock.after(20, resolve))
  return !isSettled
}

/** Lets everything else that is due run first. */
export async function breathe(): Promise<void> {
  await new Promise<void>((resolve) => void systemClock.after(0, resolve))
}

/** Expects an error of this code, thrown or rejected, and that it says: not applied. */
export async function refuses(code: ErrorCode, run: () => unknown, what: string): Promise<void> {
  const error = await errorOf(run, what)
  assert.equal(error.code, code, `${what}: ${error.message}`)
  assert.equal(error.outcome, 'not-applied', `${what}: nothing happened`)
}

/** A refusal needs no event, so it comes soon. */
const refusalMsMax = 5_000

/** The MillraceError that `run` throws or rejects with. */
export async function errorOf(run: () => unknown, what: string): Promise<MillraceError> {
  try {
    await within(refusalMsMax, Promise.resolve(run()), what)
  } catch (error) {
    assert.ok(error instanceof MillraceError, `${what}: a MillraceError, not ${String(error)}`)
    return error
  }
  return assert.fail(`${what}: must be refused`)
}

export interface TaskOptions {
  readonly pipeline?: string
  readonly task?: string
  readonly topic?: string
  /** One input each. Default: partition 0. */
  readonly partitions?: readonly number[]
  readonly startAt?: StartAt
  /** Other tasks of the pipeline read the partitions as well. Default false. */
  readonly isShared?: boolean
}

export function taskOf(options: TaskOptions = {}): TaskSpec {
  const { topic = 't', partitions = [0], startAt = 'earliest' } = options
  return {
    pipeline: options.pipeline ?? 'p',
    task: options.task ?? 'main/0',
    inputs: partitions.map((partition) => ({ topic, partition })),
    startAt: partitions.map(() => startAt),
    ...(options.isShared === true ? { shared: partitions.map(() => true) } : {}),
  }
}

export const nothing = { offsets: [-1], appends: [], changelog: null } as const

/** A changelog blob: `text`, with `<` where a round starts and `>` where it ends. */
export function blob(text: string): { bytes: Buffer; startsRound: boolean; endsRound: boolean } {
  return {
    bytes: Buffer.from(text),
    startsRound: text.startsWith('<'),
    endsRound: text.endsWith('>'),
  }
}

export async function restored(session: Session): Promise<string[]> {
  const blobs: string[] = []
  for await (const bytes of session.restore()) blobs.push(Buffer.from(bytes).toString())
  return blobs
}
