/** What comes from Kafka's brokers, and through them from other members of a group. */
import { readdirSync } from 'node:fs'
import { zstdCompressSync, gzipSync } from 'node:zlib'
import { BatchBuilder } from '../../../src/log/batch.ts'
import { wholeBatches } from '../../../src/log/kafka/fetch/whole-batches.ts'
import { lead } from '../../../src/log/kafka/group/lead.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  encodingOf,
} from '../../../src/log/kafka/group/subscription.ts'
import { compress, compressions, decompress } from '../../../src/log/kafka/records/compression.ts'
import { crc32c } from '../../../src/log/kafka/records/crc32c.ts'
import { BatchDecoder } from '../../../src/log/kafka/records/decode.ts'
import { encodeBlocks, ownBatch } from '../../../src/log/kafka/records/encode.ts'
import type { Api } from '../../../src/log/kafka/wire/api.ts'
import { checkedReader } from '../../../src/log/kafka/wire/checked-reader.ts'
import { Reader } from '../../../src/log/kafka/wire/library-parts.ts'
import { scram } from '../../../src/log/kafka/wire/scram.ts'
import { hexes, must, reading, readingText, texts } from '../target.ts'
import type { Subject, Target } from '../target.ts'
import { readAll } from './records.ts'

const expandedBytesMax = 1 << 20
const headBytes = 61

function batches(): Buffer[] {
  const builder = new BatchBuilder()
  for (let i = 0; i < 6; i++) {
    const headers = i % 2 === 0 ? [] : [{ name: 'h', value: i === 1 ? null : Buffer.from('x') }]
    builder.add(i === 3 ? null : `k${i}`, i === 4 ? null : 'v'.repeat(30 * i), 1000 + i, headers)
  }
  const block = builder.finish()
  return compressions.flatMap((compression) => {
    const encoded = encodeBlocks([block], { compression, batchBytesMax: 300 }).batches
    let offset = 7
    const stored = encoded.map((batch) => {
      const isTransactional = compression === 'gzip'
      ownBatch(batch, { producerId: 7, producerEpoch: 1, baseSequence: 0, isTransactional })
      const copy = Buffer.from(batch.bytes)
      copy.writeBigInt64BE(BigInt(offset), 0)
      offset += batch.recordCount
      return copy
    })
    return [Buffer.concat(stored), ...stored.slice(0, 1)]
  })
}

/** Length, format and checksum of each batch that begins where the one before it ends. */
function summed(bytes: Buffer): Buffer {
  for (let at = 0; at + headBytes <= bytes.length;) {
    const length = bytes.readInt32BE(at + 8)
    const fits = length >= headBytes - 12 && at + 12 + length <= bytes.length
    const end = fits ? at + 12 + length : bytes.length
    bytes.writeInt32BE(end - at - 12, at + 8)
    bytes[at + 16] = 2
    bytes.writeUInt32BE(crc32c(bytes.subarray(at + 21, end)), at + 17)
    at = end
  }
  return bytes
}

function decodeBatches(bytes: Buffer): void {
  const ends = wholeBatches(bytes)
  must(ends.bytes <= bytes.length, () => `${ends.bytes} bytes of ${bytes.length} are whole`)
  const aborted = [{ producerId: 7, firstOffset: 8 }]
  const options = { topic: 't', partition: 0, bytes, fromOffset: 0, aborted }
  const decoder = new BatchDecoder(options)
  let position = 0
  for (let batch = decoder.next(); batch !== null; batch = decoder.next()) {
    readAll(batch)
    must(decoder.position > position || batch.count > 0, () => 'it does not come on')
    position = decoder.position
  }
}

const place = { topic: 't', partition: 0, offset: 0 }

/** The first byte is the number of the compression. */
function expandOnly(bytes: Buffer): void {
  const plain = decompress((bytes[0] ?? 0) % 8, bytes.subarray(1), expandedBytesMax, place)
  must(plain.length <= expandedBytesMax || bytes[0] === 0, () => `${plain.length} bytes came out`)
}

function compressed(): Buffer[] {
  const large = Buffer.alloc(4 << 20)
  const text = Buffer.from('some text, some text, and again some text '.repeat(20))
  const small = compressions.map((one, i) => Buffer.concat([Buffer.of(i), compress(one, text)]))
  const bombs = [gzipSync(large), zstdCompressSync(large)]
  const framed = Buffer.from('82534e41505059000000000100000001', 'hex')
  const piece = compress('snappy', text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(piece.length)
  return [
    ...small,
    Buffer.concat([Buffer.of(1), bombs[0] ?? large]),
    Buffer.concat([Buffer.of(4), bombs[1] ?? large]),
    Buffer.concat([Buffer.of(2), framed, length, piece]),
  ]
}

/** The first byte says which answer it is. What is thrown ends the connection: only that counts. */
async function openAnswers(): Promise<Subject> {
  const apis = await everyApi()
  return {
    run(bytes) {
      const api = apis[(bytes[0] ?? 0) % apis.length]
      try {
        api?.read(checkedReader(Reader.from(bytes.subarray(1))))
      } catch (thrown) {
        must(thrown instanceof Error, () => 'what is thrown is no error')
        must(!/call stack/.test(thrown.message), () => 'the stack overflows')
      }
    },
  }
}

async function everyApi(): Promise<Api<never, unknown>[]> {
  const folder = new URL('../../../src/log/kafka/wire/requests/', import.meta.url)
  const names = readdirSync(folder).filter((name) => !name.includes('.test.'))
  const modules = await Promise.all(
    names.toSorted().map((name) => import(new URL(name, folder).href) as Promise<object>),
  )
  return modules.flatMap((module) =>
    Object.values(module).filter((value): value is Api<never, unknown> => isApi(value)),
  )
}

function isApi(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'read' in value && 'key' in value
}

const infos = ['0', '1', '2'].map((task, index) => ({
  task,
  part: 'p',
  index,
  inputs: [{ topic: 'orders', partition: index, isRepartition: false, isShared: false }],
  isStateful: index !== 2,
}))
const encoding = encodingOf(infos)
const plan = { hash: 'abc', parts: ['p1', 'p2'] }
const subscription = {
  plan,
  owned: ['0', '1'],
  leaving: ['2'],
  warm: ['0'],
  standbys: [],
  generation: 3,
  round: 2,
}
const assignment = { plan: 'abc', tasks: ['0'], standbys: ['1'], revoke: ['2'], refused: null }
const memberWords = ['"plan":', '"hash":', '"owned":', '"round":', '1e999', '-1', '"0"', '[', '{']

/** A member says anything at all: every task still goes to one member, and to one alone. */
function leadThem(bytes: Buffer): void {
  const said = decodeSubscription(bytes)
  const members = [
    { memberId: 'a', instanceId: null, subscription },
    { memberId: 'b', instanceId: 'i', subscription: said },
  ]
  const given = new Map<string, readonly string[]>()
  const result = lead(members, { leader: 'a', infos, plan, copies: 1, given })
  const tasks = [...result.values()].flatMap((one) => one.tasks)
  must(new Set(tasks).size === tasks.length, () => `a task is given twice: ${tasks.join()}`)
}

export const kafkaTargets: readonly Target[] = [
  {
    name: 'kafka/batches',
    seeds: batches(),
    repair: summed,
    codes: ['log-damaged', 'unsupported-codec'],
    allocationMax: 160 << 20,
    open: reading(decodeBatches),
  },
  {
    name: 'kafka/compression',
    seeds: compressed(),
    codes: ['log-damaged', 'unsupported-codec'],
    bytesMax: 20_000,
    dictionary: hexes('82534e4150505900 ffffffff07 ffffffff0f'),
    open: reading(expandOnly),
  },
  {
    name: 'kafka/answers',
    seeds: Array.from({ length: 40 }, (_, i) => Buffer.concat([Buffer.of(i), Buffer.alloc(80)])),
    dictionary: hexes('ffffffff07 ffffffff0f 7fffffff fffe 00000001'),
    codes: [],
    open: openAnswers,
  },
  {
    name: 'kafka/subscription',
    seeds: [encodeSubscription(subscription, encoding)],
    dictionary: memberWords,
    codes: [],
    open: reading((bytes) => void decodeSubscription(bytes)),
  },
  {
    name: 'kafka/assignment',
    seeds: [encodeAssignment(assignment, encoding)],
    dictionary: memberWords,
    codes: [],
    open: reading((bytes) => void decodeAssignment(bytes)),
  },
  {
    name: 'kafka/lead',
    seeds: [encodeSubscription(subscription, encoding)],
    dictionary: memberWords,
    codes: [],
    open: reading(leadThem),
  },
  {
    name: 'kafka/scram',
    seeds: texts('r=abcdef,s=QSXCR+Q6sek8bf92,i=4096', 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ='),
    dictionary: ['i=', 's=', 'r=', ',', '4096', '1e6', '0x1000', '-1', '4096.5'],
    codes: [],
    errorNames: ['Error'],
    open: readingText(async (text) => {
      const fields = text.split(',').filter((field) => field.startsWith('i'))
      const asked = Number(fields.at(-1)?.slice(2))
      if (asked > 5000) return // takes as long as it says, on another thread
      const login = scram({ hash: 'sha256', username: 'u', password: 'p', nonce: 'abc' })
      must(!login.isProof(text), () => 'anything proves that the server knows the password')
      await login.answer(text)
      must(!login.isProof(text), () => 'anything proves that the server knows the password')
    }),
  },
]
