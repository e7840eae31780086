/** Made-up records at a steady rate, the same ones from the same seed. */
import { json } from '../../core/codec.ts'
import type { Codec } from '../../core/codec.ts'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import { encodeKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { seededRandom } from '../../core/random.ts'
import type { Random } from '../../core/random.ts'
import { checkSourceName } from '../../pipeline/source-start.ts'
import { pause } from '../pause.ts'
import { checkOptionNames } from '../option-names.ts'
import type { Source, SourceBatch, SourceRecord } from '../source.ts'

export interface GeneratorOptions<V> {
  /** Its position is kept under it. */
  readonly name: string
  /** Records a second. Above 0, to 10,000,000; as many as the log takes, if that is less. */
  readonly rate: number
  /**
   * The value of record `i`, from 0. It gives the same for the same `i` and what it asks of
   * `random`, whose numbers depend on the seed and `i`; `fromSchema(schema)` of `millrace/testing`
   * is such a function.
   */
  readonly value: (i: number, random: Random) => V
  /** Default: no key. */
  readonly key?: (value: V) => Key | null
  /** A whole number from 0. Default 1. */
  readonly seed?: number
  /** How values are written: as the topic reads them. Default `json()`. */
  readonly codec?: Codec<V>
  /** Ends after so many records. 1 or more. Default: never. */
  readonly count?: number
  /** Event time of the first record. Default: when the generator first begins. */
  readonly start?: Date
}

export interface GeneratorPosition {
  /** Records given. */
  readonly count: number
  /** Event time of the first one. */
  readonly startMs: number
}

const rateMax = 10_000_000
/** Records of a batch: a commit each. */
const batchMax = 5_000
/** Between two looks at what is due. */
const stepMs = 20

/**
 * A source that makes records up: `rate` a second, each from its number and the seed. Exactly
 * replayable: after a crash it goes on with the very records that would have come. Record `i` has
 * the event time `start` + i / rate; while the program does not run, that time stands still, too.
 * @throws `invalid-argument`. The run ends where `value` throws
 * @example
 * const source = generator({
 *   name: 'thermometers',
 *   rate: 100,
 *   value: (i, random) => ({ device: `d${i % 5}`, celsius: 20 + random.int(10), at: i }),
 *   key: ({ device }) => device,
 * })
 * from(source).to(readings).kind // => 'pipeline'
 */
export function generator<V>(options: GeneratorOptions<V>): Source<GeneratorPosition> {
  const { name, rate, value, seed = 1, count = Number.POSITIVE_INFINITY, start } = options
  checkSourceName(name)
  const who = `source '${name}'`
  checkOptionNames(who, options, optionNames)
  const refuse = (option: string, allowed: string): MillraceError =>
    new MillraceError('invalid-argument', `${option} of ${who} has a value that it cannot have`, {
      hint: `use ${allowed}`,
    })
  if (!(rate > 0 && rate <= rateMax)) throw refuse('rate', `a number above 0, to ${rateMax}`)
  if (typeof value !== 'function') throw refuse('value', 'a function (i, random) => value')
  if (options.key !== undefined && typeof options.key !== 'function')
    throw refuse('key', 'a function of the value')
  if (!Number.isSafeInteger(seed) || seed < 0) throw refuse('seed', 'a whole number from 0')
  if (count !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(count) && count >= 1))
    throw refuse('count', 'a whole number from 1')
  if (start !== undefined && !Number.isFinite(start.getTime())) throw refuse('start', 'a Date')
  const making = { rate, count, record: recordMaker(options, seed) }
  return {
    kind: 'source',
    name,
    type: 'generator',
    replayable: true,
    open: (position, { clock, signal }) => {
      const from = position ?? { count: 0, startMs: start?.getTime() ?? clock.now() }
      return make(from, making, { clock, signal })
    },
  }
}

interface Making {
  readonly rate: number
  readonly count: number
  readonly record: (i: number, time: number) => SourceRecord
}

async function* make(
  from: GeneratorPosition,
  { rate, count: countMax, record }: Making,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<SourceBatch<GeneratorPosition>, void> {
  const { startMs } = from
  const startedMs = clock.monotonic()
  let { count } = from
  while (!signal.aborted && count < countMax) {
    const dueCount = from.count + Math.floor(((clock.monotonic() - startedMs) * rate) / 1_000)
    const end = Math.min(dueCount, countMax, count + batchMax)
    if (end > count) {
      const records: SourceRecord[] = []
      for (; count < end; count++) {
        records.push(record(count, Math.round(startMs + (count * 1_000) / rate)))
      }
      yield { records, position: { count, startMs } }
    } else {
      const nextMs = startedMs + ((count + 1 - from.count) * 1_000) / rate - clock.monotonic()
      await pause(clock, Math.max(nextMs, stepMs), signal)
    }
  }
}

function recordMaker<V>(
  { name, value, key, codec }: GeneratorOptions<V>,
  seed: number,
): Making['record'] {
  const written = codec ?? json<V>()
  // Far apart for seeds that are near.
  const base = seededRandom(seed).int(2 ** 52)
  return (i, time) => {
    try {
      const made = value(i, seededRandom(base + i))
      const found = key?.(made) ?? null
      return {
        key: found === null ? null : encodeKey(found),
        value: written.encode(made),
        time,
      }
    } catch (cause) {
      // It would throw the next time, too.
      throw new MillraceError('step-failed', `source '${name}' cannot make record ${i}`, { cause })
    }
  }
}

const optionNames = [
  'name',
  'rate',
  'value',
  'key',
  'seed',
  'codec',
  'count',
  'start',
] as const satisfies readonly (keyof GeneratorOptions<unknown>)[]
