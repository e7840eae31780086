/** Reads single records back from where they came: those that letters tell of. */
import type { Log, Reader } from '../../log/log.ts'
import { isCode } from '../../core/error.ts'
import type { Header, RecordBatch } from '../../log/batch.ts'
import type { RecordPlace } from '../../pipeline/replay-headers.ts'

/** How long the log may take to give what it has. */
const waitMs = 10_000
/** Of readers that are held: one for a partition. */
const readersMax = 16

export interface InputRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timeMs: number
  readonly headers: readonly Header[]
}

interface Open {
  readonly reader: Reader
  batch: RecordBatch | null
}

export class InputRecords {
  readonly #log: Log
  readonly #open = new Map<string, Open>()

  constructor(log: Log) {
    this.#log = log
  }

  /** @returns null where it is gone: by retention, compaction or trimming */
  async at({ topic, partition, offset }: RecordPlace): Promise<InputRecord | null> {
    const place = `${topic}/${partition}`
    let open = this.#open.get(place)
    try {
      if (open === undefined) {
        if (this.#open.size >= readersMax) await this.close()
        const reader = await this.#log.openReader([{ topic, partition, offset }])
        open = { reader, batch: null }
        this.#open.set(place, open)
      } else if (!holds(open.batch, offset)) {
        open.reader.seek(0, offset)
        open.batch = null
      }
    } catch (thrown) {
      if (isCode(thrown, 'unknown-topic') || isCode(thrown, 'offset-out-of-range')) return null
      if (isCode(thrown, 'unknown-partition')) return null
      throw thrown
    }
    while (open.batch === null) {
      if (offset >= open.reader.endOffset(0)) return null
      open.batch = open.reader.poll(0)
      if (open.batch === null && (await open.reader.wait(waitMs)) !== 'ready') return null
    }
    return recordAt(open.batch, offset)
  }

  async close(): Promise<void> {
    for (const { reader } of this.#open.values()) await reader.close()
    this.#open.clear()
  }
}

function holds(batch: RecordBatch | null, offset: number): boolean {
  return batch !== null && batch.baseOffset <= offset && offset < batch.nextOffset
}

function recordAt(batch: RecordBatch, offset: number): InputRecord | null {
  for (let i = 0; i < batch.count; i++) {
    if (batch.offset(i) !== offset) continue
    const [key, value] = [batch.key(i), batch.value(i)]
    return { key, value, timeMs: batch.time(i), headers: batch.headers(i) }
  }
  return null
}
