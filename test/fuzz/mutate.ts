/** Inputs out of inputs: what most often upsets readers of bytes. One seed repeats all of it. */
import type { Random } from '../../src/core/random.ts'

/** Numbers at the ends of what fits, and just beyond. */
const numbers: readonly number[] = [
  0,
  1,
  -1,
  -2,
  0x7f,
  0x80,
  0xff,
  0x100,
  0x7fff,
  0x8000,
  0xffff,
  0x1_0000,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_fffe,
  0xffff_ffff,
  0x1_0000_0000,
  Number.MAX_SAFE_INTEGER,
]
const sizes: readonly (1 | 2 | 4 | 8)[] = [1, 2, 4, 8]
const deepMax = 2000

export interface Materials {
  readonly corpus: readonly Buffer[]
  readonly dictionary: readonly Buffer[]
  readonly bytesMax: number
}

type Change = (bytes: Buffer, random: Random, materials: Materials) => Buffer

/** One to eight changes of an input. The input itself stays as it is. */
export function mutate(input: Buffer, random: Random, materials: Materials): Buffer {
  let bytes: Buffer = Buffer.from(input)
  for (let left = 1 << random.int(4); left > 0; left--) {
    bytes = pick(changes, random)(bytes, random, materials)
    if (bytes.length > materials.bytesMax) bytes = bytes.subarray(0, materials.bytesMax)
  }
  return bytes
}

export function pick<T>(from: readonly T[], random: Random): T {
  return from[random.int(from.length)] as T
}

const flipBit: Change = (bytes, random) => {
  if (bytes.length === 0) return bytes
  const at = random.int(bytes.length)
  bytes[at] = (bytes[at] as number) ^ (1 << random.int(8))
  return bytes
}

const setByte: Change = (bytes, random) => {
  if (bytes.length > 0) bytes[random.int(bytes.length)] = random.int(256)
  return bytes
}

/** A field of a fixed width is set to the end of a range, or to about what is left. */
const setNumber: Change = (bytes, random) => {
  const size = pick(sizes, random)
  if (bytes.length < size) return bytes
  const at = random.int(bytes.length - size + 1)
  const left = bytes.length - at - size
  const value = random.int(3) === 0 ? left + random.int(5) - 2 : pick(numbers, random)
  return number(bytes, at, size, BigInt(value), random.int(2) === 0)
}

function number(bytes: Buffer, at: number, size: number, value: bigint, isLittle: boolean): Buffer {
  const bits = BigInt.asUintN(size * 8, value)
  for (let i = 0; i < size; i++) {
    const place = isLittle ? at + i : at + size - 1 - i
    bytes[place] = Number((bits >> BigInt(8 * i)) & 0xffn)
  }
  return bytes
}

/** A length as a varint, of any size and also one that does not end. */
const varint: Change = (bytes, random) => {
  const long: number[] = Array.from({ length: 1 + random.int(10) }, () =>
    random.int(2) ? 0xff : 0x80,
  )
  long.push(random.int(3) === 0 ? random.int(256) : random.int(128))
  return insert(bytes, random.int(bytes.length + 1), Buffer.from(long), random.int(2) * long.length)
}

const countUp: Change = (bytes, random) => {
  if (bytes.length === 0) return bytes
  const at = random.int(bytes.length)
  bytes[at] = ((bytes[at] as number) + random.int(35) - 17) & 0xff
  return bytes
}

const remove: Change = (bytes, random) => {
  const { start, end } = range(bytes, random)
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
}

const cut: Change = (bytes, random) => bytes.subarray(0, random.int(bytes.length + 1))

const double: Change = (bytes, random) => {
  const { start, end } = range(bytes, random)
  return insert(bytes, random.int(bytes.length + 1), Buffer.from(bytes.subarray(start, end)), 0)
}

/** Deep nesting comes of opening the same thing again and again. */
const repeat: Change = (bytes, random, { dictionary, bytesMax }) => {
  const { start, end } = range(bytes, random)
  const piece =
    dictionary.length > 0 && random.int(2) === 0
      ? pick(dictionary, random)
      : Buffer.from(bytes.subarray(start, Math.min(end, start + 1 + random.int(8))))
  if (piece.length === 0) return bytes
  const most = Math.min(deepMax, Math.ceil(bytesMax / piece.length))
  const times = 2 + random.int(random.int(8) === 0 ? most : Math.min(most, 12))
  return insert(bytes, start, Buffer.concat(Array.from({ length: times }, () => piece)), 0)
}

const noise: Change = (bytes, random) => {
  const piece = Buffer.from(Array.from({ length: 1 + random.int(8) }, () => random.int(256)))
  return insert(bytes, random.int(bytes.length + 1), piece, 0)
}

const word: Change = (bytes, random, { dictionary }) => {
  if (dictionary.length === 0) return noise(bytes, random, noMaterials)
  const piece = pick(dictionary, random)
  return insert(bytes, random.int(bytes.length + 1), piece, random.int(2) * piece.length)
}

const splice: Change = (bytes, random, { corpus }) => {
  if (corpus.length === 0) return bytes
  const other = pick(corpus, random)
  const { start, end } = range(other, random)
  const from = random.int(bytes.length + 1)
  const skip = random.int(2) === 0 ? 0 : end - start
  return insert(bytes, from, other.subarray(start, end), skip)
}

const swap: Change = (bytes, random) => {
  const first = range(bytes, random)
  const middle = first.start + random.int(first.end - first.start + 1)
  return Buffer.concat([
    bytes.subarray(0, first.start),
    bytes.subarray(middle, first.end),
    bytes.subarray(first.start, middle),
    bytes.subarray(first.end),
  ])
}

const noMaterials: Materials = { corpus: [], dictionary: [], bytesMax: 0 }
const changes: readonly Change[] = [
  flipBit,
  setByte,
  setNumber,
  setNumber,
  varint,
  countUp,
  remove,
  cut,
  double,
  repeat,
  noise,
  word,
  word,
  splice,
  swap,
]

/** Mostly short ones. */
function range(bytes: Buffer, random: Random): { start: number; end: number } {
  const start = random.int(bytes.length + 1)
  const most = random.int(2) === 0 ? 16 : bytes.length
  return { start, end: Math.min(bytes.length, start + random.int(most + 1)) }
}

function insert(bytes: Buffer, at: number, piece: Uint8Array, skip: number): Buffer {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + skip)])
}
