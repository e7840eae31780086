/** Looks through partitions for records, within bounds of number, bytes and time. */
import type { Clock } from '../core/clock.ts'
import type { RecordBatch } from '../log/batch.ts'
import type { GroupOffset, Log, Reader } from '../log/log.ts'

/** Looked through in one go, before others have their turn. */
const turnRecords = 5_000
/** Looked through in all. */
const lookedAtMax = 200_000
const lookedBytesMax = 64 * 1_048_576
/** How long a log may take to fetch. */
const waitMs = 2_000

export interface Search {
  /** Where each partition is read from, and up to. */
  readonly inputs: readonly (GroupOffset & { readonly endOffset: number })[]
  readonly limit: number
  /** Bytes of what is given back; one record may go beyond. */
  readonly bytesMax: number
  readonly isWanted: (batch: RecordBatch, i: number) => boolean
  /** @returns the bytes that it makes */
  readonly take: (batch: RecordBatch, i: number) => number
}

export interface SearchEnd {
  /** Where to go on in each partition. */
  readonly next: readonly GroupOffset[]
  /** Whether everything up to the ends was looked at. */
  readonly isComplete: boolean
}

interface Input extends GroupOffset {
  readonly endOffset: number
  offset: number
  batch: RecordBatch | null
  at: number
}

/** Records in order of time as far as each partition's own order allows. */
export async function search(log: Log, clock: Clock, wish: Search): Promise<SearchEnd> {
  const reader = await log.openReader(wish.inputs)
  const inputs: Input[] = wish.inputs.map((input) => ({ ...input, batch: null, at: 0 }))
  try {
    const isComplete = await run(reader, { inputs, clock, wish })
    return {
      next: inputs.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
      isComplete,
    }
  } finally {
    await reader.close()
  }
}

async function run(
  reader: Reader,
  {
    inputs,
    clock,
    wish,
  }: { readonly inputs: readonly Input[]; readonly clock: Clock; readonly wish: Search },
): Promise<boolean> {
  let taken = 0
  let bytes = 0
  let looked = 0
  let lookedBytes = 0
  for (;;) {
    const input = await nextInput(reader, inputs)
    if (input === null) return inputs.every(({ offset, endOffset }) => offset >= endOffset)
    const batch = input.batch as RecordBatch
    const i = input.at
    if (wish.isWanted(batch, i)) {
      if (taken >= wish.limit || (taken > 0 && bytes >= wish.bytesMax)) return false
      bytes += wish.take(batch, i)
      taken += 1
    }
    pass(input)
    looked += 1
    lookedBytes += batch.valueEnd(i) - batch.valueStart(i)
    if (looked >= lookedAtMax || lookedBytes >= lookedBytesMax) return false
    if (looked % turnRecords === 0) await clock.nextTurn()
  }
}

/** The input with the earliest record in hand; null where none is left, or comes in time. */
async function nextInput(reader: Reader, inputs: readonly Input[]): Promise<Input | null> {
  let earliest: Input | null = null
  for (const [i, input] of inputs.entries()) {
    while (input.batch === null && input.offset < input.endOffset) {
      const batch = reader.poll(i)
      if (batch === null) {
        if ((await reader.wait(waitMs)) === 'ready') continue
        return null
      }
      input.batch = batch
      input.at = batch.first
      if (batch.first >= batch.count) skip(input)
      else moveTo(input)
    }
    if (input.batch === null) continue
    const timeMs = headTime(input)
    if (earliest === null || timeMs < headTime(earliest)) earliest = input
  }
  return earliest
}

function headTime({ batch, at }: Input): number {
  return batch?.time(at) ?? 0
}

function pass(input: Input): void {
  const batch = input.batch as RecordBatch
  input.at += 1
  if (input.at >= batch.count) skip(input)
  else moveTo(input)
}

/** What was appended since the search began is left out. */
function moveTo(input: Input): void {
  const batch = input.batch as RecordBatch
  input.offset = batch.offset(input.at)
  if (input.offset >= input.endOffset) input.batch = null
}

function skip(input: Input): void {
  input.offset = input.batch?.nextOffset ?? input.offset
  input.batch = null
}
