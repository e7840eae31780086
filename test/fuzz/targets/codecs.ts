/** Codecs of values, and keys. */
import { isDeepStrictEqual } from 'node:util'
import { bytesCodec, jsonCodec, stringCodec } from '../../../src/core/codec.ts'
import type { Codec } from '../../../src/core/codec.ts'
import { isCode } from '../../../src/core/error.ts'
import { jsonFaultAt } from '../../../src/core/json-fault.ts'
import { decodeKey, encodeKey } from '../../../src/core/key.ts'
import { msgpack } from '../../../src/core/msgpack-codec.ts'
import { DecodeAhead } from '../../../src/engine/decode-ahead.ts'
import { BatchBuilder, RecordBatch } from '../../../src/log/batch.ts'
import { hexes, must, reading, texts } from '../target.ts'
import type { Target } from '../target.ts'

const json = [
  '{"device":"d1","celsius":21.5,"at":"2024-05-06T07:08:09Z","tags":["a","b",null]}',
  '[1,-2.5e10,true,false,null,"\\u00e4\\n\\"",{"__proto__":{"a":1},"":[]}]',
  '"ä\\ud83d\\ude00€"',
  '0',
  '[[[[{"a":[{}]}]]]]',
]
const jsonWords = '[ ] { } , : " \\ null true -0 1e400 \\u0000 \\ud800 "__proto__": ],[ ä \uFEFF'

const samples: readonly unknown[] = [
  { device: 'd1', celsius: 21.5, at: new Date(1_700_000_000_000), n: 2n ** 70n, tags: ['a', null] },
  [0, -1, 127, 128, -33, 65_536, 2 ** 40, -0, Number.NaN, 1.5, undefined, 'ä'.repeat(40)],
  new Map<unknown, unknown>([
    ['a', new Set([1, 'x', new Map([[1, 2]])])],
    [{ k: 1 }, new Uint8Array([1, 2, 3])],
  ]),
  { ['__proto__']: { x: 1 }, list: [[[[[]]]]], big: -5n, text: 'x'.repeat(300) },
]

const msgpackSeeds = [
  ...samples.map((value) => Buffer.from(msgpack().encode(value))),
  Buffer.from('82a1610102c403010203', 'hex'),
  Buffer.from('d6ff00000001', 'hex'),
  Buffer.from('93cf0000000000000001d3ffffffffffffffffca3fc00000', 'hex'),
]
const msgpackWords = hexes(
  'c70153 c7014d c70042 91 81 dd00000001 df00000001 c1 d6ff c70cff ' +
    'c6 dbffffffff d8 a0 80 90 ddffffffff c9',
)

export const codecTargets: readonly Target[] = [
  {
    name: 'codec/json',
    seeds: texts(...json),
    dictionary: jsonWords.split(' '),
    codes: ['decode-failed'],
    open: reading((bytes) => {
      const [wanted, value] = [
        attempt(() => parsed(bytes)),
        attempt(() => decoded(jsonCodec, bytes)),
      ]
      if ('thrown' in value) {
        must('thrown' in wanted, () => 'JSON.parse takes what the codec refuses')
        throw value.thrown
      }
      must(isDeepStrictEqual(value, wanted), () => 'the codec and JSON.parse differ')
      const again = JSON.parse(String(jsonCodec.encode(value.value))) as unknown
      const bare = JSON.parse(JSON.stringify(value.value)) as unknown
      must(isDeepStrictEqual(again, bare), () => 'encoding alters the value')
    }),
  },
  {
    name: 'codec/json-fault',
    seeds: texts(...json),
    dictionary: jsonWords.split(' '),
    codes: [],
    open: reading((bytes) => {
      const text = bytes.toString('utf8')
      const at = jsonFaultAt(text)
      must(at >= 0 && at <= text.length, () => `the fault is at ${at} of ${text.length}`)
      const isRight = 'value' in attempt(() => JSON.parse(text) as unknown)
      must(!isRight || at === text.length, () => `right JSON has a fault at ${at}`)
    }),
  },
  {
    name: 'codec/string',
    seeds: texts('plain', 'ä€😀', ''),
    dictionary: hexes('c0 e282 eda080 f4908080 ff'),
    codes: ['decode-failed'],
    open: reading((bytes) => {
      const value = decoded(stringCodec, bytes)
      must(Buffer.from(stringCodec.encode(value)).equals(bytes), () => 'the text is another')
    }),
  },
  {
    name: 'codec/key',
    seeds: texts('sensor-7', 'ä€😀', '["a",1,{"bigint":"7"}]'),
    codes: ['decode-failed'],
    open: reading((bytes) => {
      const key = decodeKey(bytes, 0, bytes.length)
      must(Buffer.from(encodeKey(key)).equals(bytes), () => 'the key is another')
    }),
  },
  {
    name: 'codec/msgpack',
    seeds: msgpackSeeds,
    dictionary: msgpackWords,
    codes: ['decode-failed'],
    open: reading((bytes) => {
      const value = decoded(msgpack(), bytes)
      const again = decoded(msgpack(), Buffer.from(msgpack().encode(value)))
      must(isDeepStrictEqual(again, value), () => 'written and read again it is another value')
    }),
  },
  block('json', jsonCodec, texts(json.join('\n'), '1\n\n2', '"a"\n],[\n"b"'), jsonWords.split(' ')),
  block('string', stringCodec, texts('a\nä\n€\n\n😀'), ['\n', 'ä', Buffer.from([0xc3])]),
  block('bytes', bytesCodec, texts('a\n\nb'), ['\n']),
  block(
    'msgpack',
    msgpack(),
    [Buffer.concat(msgpackSeeds.flatMap((seed) => [seed, Buffer.from('\n')]))],
    msgpackWords,
  ),
]

/**
 * Many values in one block, as an input reads them: each must come out, or be refused, as it is
 * alone, whatever its neighbours are. Values are parted by line ends; an empty one is a tombstone.
 */
function block(
  name: string,
  codec: Codec<unknown>,
  seeds: readonly Uint8Array[],
  words: readonly (string | Uint8Array)[],
): Target {
  return {
    name: `codec/block-${name}`,
    seeds,
    dictionary: ['\n', ...words],
    codes: [],
    open: reading((bytes) => {
      const parts = split(bytes)
      const builder = new BatchBuilder()
      for (const part of parts) builder.add(null, part.length === 0 ? null : part, 0)
      const batch = new RecordBatch('t', 0, 0, builder.finish())
      const ahead = new DecodeAhead(codec)
      ahead.begin(batch)
      for (const [i, part] of parts.entries()) {
        const alone = attempt(() => (part.length === 0 ? null : decoded(codec, part)))
        const among = attempt(() => ahead.value(i))
        const isSame =
          'thrown' in alone
            ? 'thrown' in among && isCode(among.thrown, 'decode-failed')
            : isDeepStrictEqual(alone, among)
        must(isSame, () => `value ${i} of ${parts.length} is another among others than alone`)
      }
    }),
  }
}

function split(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  let start = 0
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    parts.push(bytes.subarray(start, end))
    start = end + 1
  }
  return [...parts, bytes.subarray(start)]
}

type Attempt<T> = { readonly value: T } | { readonly thrown: unknown }

function attempt<T>(run: () => T): Attempt<T> {
  try {
    return { value: run() }
  } catch (thrown) {
    return { thrown }
  }
}

function decoded<T>(codec: Codec<T>, bytes: Buffer): T {
  return codec.decode(bytes, 0, bytes.length)
}

/** As the standard has it: nothing is replaced. */
function parsed(bytes: Buffer): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
}
