/** State as it comes back: values, changelog blobs, marks in repartition topics. */
import { isDeepStrictEqual } from 'node:util'
import { crc32 } from 'node:zlib'
import type { Key } from '../../../src/core/key.ts'
import { ValueReader, ValueWriter } from '../../../src/core/value-codec.ts'
import { encodeMark, RepartitionCursor } from '../../../src/engine/repartition-cursor.ts'
import { StateSet } from '../../../src/engine/state/state-set.ts'
import type { StoreSpec } from '../../../src/engine/state/store.ts'
import { InputClock } from '../../../src/engine/watermark.ts'
import { BatchBuilder, RecordBatch } from '../../../src/log/batch.ts'
import type { Session } from '../../../src/log/log.ts'
import { hexes, must, reading } from '../target.ts'
import type { Target } from '../target.ts'

const values: readonly unknown[] = [
  { device: 'd1', celsius: 21.5, at: new Date(1_700_000_000_000), n: 2n ** 70n, tags: ['a', null] },
  [0, -1, 127, 128, -33, 65_536, 2 ** 40, -0, Number.NaN, 1.5, undefined, 'ä'.repeat(40), '\ud800'],
  new Map<unknown, unknown>([
    ['a', new Set([1, 'x', new Map([[1, 2]])])],
    [{ k: 1 }, new Uint8Array([1, 2, 3])],
  ]),
  [{ a: 1, b: 2 }, { a: 3, b: 4 }, new Float64Array([1, 2]), new DataView(new ArrayBuffer(3))],
  [/x/g, new ArrayBuffer(5), -5n, new Error('e'), new Date(Number.NaN)],
  Array.from({ length: 40 }, (_, i) => ({ [`name${i}`]: i })),
]

function written(value: unknown): Buffer {
  const writer = new ValueWriter()
  writer.writeValue(value)
  return Buffer.from(writer.bytes())
}

const words = hexes(
  '0d01 0e01 0f01 1001 1501 1600 1701 14 07 08 09 12 0b ' +
    'ff0f 14ff0f41 ff0d 0dffffffff0f 1500 1600',
)

const identity: Omit<StoreSpec, 'name'> = { toState: (value) => value, fromState: (value) => value }

function stateSet(): { state: StateSet; put: (name: string, key: Key, value: unknown) => void } {
  const state = new StateSet()
  const stores = new Map(
    ['count', 'window/late'].map((name) => [name, state.store({ name, ...identity })]),
  )
  return { state, put: (name, key, value) => stores.get(name)?.set(key, value, key === 7 ? 60 : 0) }
}

function blobs(): Buffer[] {
  const { state, put } = stateSet()
  const found: Buffer[] = []
  for (const [i, value] of values.entries()) {
    put('count', `key ${i}`, value)
    put('window/late', 7, i)
    put('count', ['a', i, 2n, Number.NaN], [i])
    found.push(Buffer.from(state.pack()?.bytes ?? []))
  }
  return found
}

/** The checksum of a blob. */
function summed(bytes: Buffer): Buffer {
  if (bytes.length < 9) return bytes
  bytes[0] = 2
  bytes.writeDoubleLE(crc32(bytes.subarray(9)), 1)
  return bytes
}

export const stateTargets: readonly Target[] = [
  {
    name: 'state/value',
    seeds: values.map(written),
    dictionary: words,
    codes: ['state-corrupt'],
    open: reading((bytes) => {
      const value = new ValueReader(bytes).readValue()
      const again = new ValueReader(written(value)).readValue()
      must(isDeepStrictEqual(again, value), () => 'written and read again it is another value')
    }),
  },
  {
    name: 'state/blob',
    seeds: blobs(),
    dictionary: [...words, 'count', 'window/late', 'key 1'],
    repair: summed,
    codes: ['state-corrupt'],
    open: reading((bytes) => {
      const { state } = stateSet()
      state.restore(bytes)
      state.restored()
      must(!state.changed, () => 'what was restored counts as changed')
    }),
  },
  {
    name: 'state/repartition',
    seeds: [
      encodeMark(new ValueWriter(), { task: 1, watermarkMs: 1_700_000_000_000, idle: false }),
      encodeMark(new ValueWriter(), { task: 0, watermarkMs: Number.NEGATIVE_INFINITY, idle: true }),
      Buffer.concat([Buffer.of(1), written('key'), written(values[0])]),
    ],
    dictionary: words,
    codes: ['state-corrupt'],
    open: reading(readRepartition),
  },
]

/** The first byte says whether it is a record or a mark, by its highest bit. */
function readRepartition(bytes: Buffer): void {
  const builder = new BatchBuilder()
  const isRecord = (bytes[0] ?? 0) === 1
  builder.add(isRecord ? 'k' : null, isRecord ? bytes.subarray(1) : bytes, 5)
  const clock = new InputClock({ outOfOrderMs: 0, idleAfterMs: 1000, idle: 'wait' }, 0)
  const cursor = new RepartitionCursor({
    input: 0,
    place: { topic: 't', partition: 0 },
    session: sessionOf([new RecordBatch('t', 0, 0, builder.finish())]),
    clock,
    entry: () => {},
    step: 's',
    upstreamTasks: 2,
    homeTopic: 'home',
    onMark: () => {},
  })
  for (let left = 3; left > 0 && cursor.pull(); left--) {
    cursor.origin()
    cursor.pass()
  }
  must(!Number.isNaN(clock.reachedMs), () => 'event time is no number')
}

/** As much of one as a cursor asks for. */
function sessionOf(batches: RecordBatch[]): Session {
  const session: Partial<Session> = { offsets: [0], poll: () => batches.shift() ?? null }
  return session as Session
}
