/** From a topic to standard output. */
import { MillraceError } from '../core/error.ts'
import type { Log, TopicInfo } from '../log/log.ts'
import { catchInterrupt, type Context } from './context.ts'
import type { DataOptions } from './data-options.ts'
import { openFree, openGroup, type RecordFeed } from './record-feed.ts'
import { offsetsAt, partitionsOf, type Position } from './position.ts'
import { recordFormat, type RecordFormat } from './record-format.ts'
import { RecordSink } from './record-sink.ts'

export interface ConsumeOptions extends DataOptions {
  readonly from?: Position
  readonly group?: string
  readonly max?: number
  readonly follow?: true
  readonly partition?: number
  readonly format?: RecordFormat
  readonly json?: true
}

const commitEveryMs = 1000
/**
 * Without `--follow`: when nothing more comes for this long, there is nothing. Compaction may have
 * removed the records before the end.
 */
const silenceMs = 5000

/** Prints until the end, `--max`, Ctrl-C, or until nobody reads the output any more. */
export async function consume(
  log: Log,
  topic: TopicInfo,
  options: ConsumeOptions,
  context: Context,
): Promise<void> {
  const partitions = partitionsOf(topic, options.partition)
  const feed = await openFeed(log, topic, partitions, { options, context })
  const interrupt = catchInterrupt()
  interrupt.signal.addEventListener('abort', () => feed.wake())
  void context.stdout.closed.then(() => feed.wake())
  try {
    const ends = partitions.map((partition) =>
      options.follow === true ? Infinity : (topic.partitions[partition]?.endOffset ?? 0),
    )
    await new Printing(feed, { ends, options, context, signal: interrupt.signal }).run()
  } finally {
    interrupt.release()
    await feed.close()
  }
}

async function openFeed(
  log: Log,
  topic: TopicInfo,
  partitions: readonly number[],
  { options, context }: { options: ConsumeOptions; context: Context },
): Promise<RecordFeed> {
  const position = options.from ?? { kind: 'earliest' }
  const start = { position, nowMs: context.clock.now() }
  if (options.group !== undefined)
    return await openGroup(log, topic, partitions, { group: options.group, start })
  return await openFree(log, await offsetsAt(log, topic, partitions, start))
}

interface PrintingOptions {
  /** For each input the offset to stop before. */
  readonly ends: readonly number[]
  readonly options: ConsumeOptions
  readonly context: Context
  readonly signal: AbortSignal
}

class Printing {
  readonly #feed: RecordFeed
  readonly #ends: readonly number[]
  readonly #context: Context
  readonly #signal: AbortSignal
  readonly #format: RecordFormat
  readonly #sink: RecordSink
  /** Next offset to print of each input. */
  readonly #next: number[]
  #left: number
  #committedMs: number

  constructor(feed: RecordFeed, { ends, options, context, signal }: PrintingOptions) {
    this.#feed = feed
    this.#ends = ends
    this.#context = context
    this.#signal = signal
    this.#format = options.format ?? recordFormat(options.json === true ? 'json' : 'value')
    this.#sink = new RecordSink(context.stdout)
    this.#next = [...feed.offsets]
    this.#left = options.max ?? Infinity
    this.#committedMs = context.clock.monotonic()
  }

  async run(): Promise<void> {
    try {
      while (!this.#isDone()) {
        if (!(await this.#round()) && !this.#isDone() && (await this.#wait()) === 'over') break
      }
    } finally {
      // Also after a damaged batch: what came before it is shown.
      await this.#flush('all')
    }
  }

  #isDone(): boolean {
    if (this.#signal.aborted || this.#context.stdout.isClosed || this.#left === 0) return true
    return this.#next.every((next, input) => next >= (this.#ends[input] as number))
  }

  /** One batch of each input. @returns whether there was any */
  async #round(): Promise<boolean> {
    let found = false
    for (const [input, end] of this.#ends.entries()) {
      if ((this.#next[input] as number) >= end) continue
      const batch = this.#feed.poll(input)
      if (batch === null) continue
      found = true
      for (let i = batch.first; i < batch.count && this.#left > 0; i++) {
        if (batch.offset(i) >= end) break
        this.#format(batch, i, this.#sink)
        this.#next[input] = batch.offset(i) + 1
        this.#left -= 1
      }
      if (this.#left > 0 && batch.nextOffset >= end) this.#next[input] = end
      if (this.#sink.isFull) await this.#flush('due')
      if (this.#isDone()) break
    }
    return found
  }

  async #wait(): Promise<'again' | 'over'> {
    await this.#flush('due')
    const isFollowing = this.#ends.includes(Infinity)
    const ended = await this.#feed.wait(isFollowing ? commitEveryMs : silenceMs)
    if (ended === 'closed') {
      throw new MillraceError('task-fenced', 'another process has taken the group over', {
        hint: 'what was printed since the last commit may be printed there again',
      })
    }
    return ended === 'timeout' && !isFollowing ? 'over' : 'again'
  }

  /** Writes what is gathered, then commits it: `due` only where it is time to. */
  async #flush(commit: 'due' | 'all'): Promise<void> {
    const shown = [...this.#next]
    if ((await this.#sink.flush()) === 'closed') return
    const nowMs = this.#context.clock.monotonic()
    if (commit === 'due' && nowMs - this.#committedMs < commitEveryMs) return
    this.#committedMs = nowMs
    await this.#feed.commit(shown)
  }
}
