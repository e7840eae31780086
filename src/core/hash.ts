/**
 * A hash of keys for sketches: 53 well-mixed bits, the same on every machine and in every release
 * (sketches of hashes are kept in state). Two lanes of 32 bits, each built as MurmurHash 3 (A.
 * Appleby) is, with constants of its own, mixed into each other at the end. Not for secrets.
 */

/** 2^53: hashes are whole numbers from 0 to below it, each as likely. */
export const hashBits = 53

const textSeed = 0x3c6e_f372
const numberSeed = 0x1b87_3593

/**
 * The hash of a key as `stateKey` identifies it: a text, or a number (not NaN; −0 is 0). A number
 * and its text differ.
 */
export function hashOfKey(identity: string | number): number {
  if (typeof identity === 'string') return hashOfText(identity, textSeed)
  if (!Number.isSafeInteger(identity)) return hashOfText(String(identity), numberSeed)
  const high = Math.floor(identity / 0x1_0000_0000)
  const a = mixFirst(mixFirst(numberSeed, identity | 0), high | 0)
  const b = mixSecond(mixSecond(numberSeed, identity | 0), high | 0)
  return finish(a, b, 8)
}

/** Of the UTF-16 units, two at a time. */
function hashOfText(text: string, seed: number): number {
  const end = text.length
  let a = seed
  let b = seed
  let at = 0
  for (; at + 2 <= end; at += 2) {
    const word = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)
    a = mixFirst(a, word)
    b = mixSecond(b, word)
  }
  if (at < end) {
    const word = text.charCodeAt(at)
    a = mixFirst(a, word)
    b = mixSecond(b, word)
  }
  return finish(a, b, end)
}

function mixFirst(lane: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e_2d51)
  const mixed = lane ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b87_3593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe654_6b64) | 0
}

function mixSecond(lane: number, word: number): number {
  const scrambled = Math.imul(word, 0x239b_961b)
  const mixed = lane ^ Math.imul((scrambled << 16) | (scrambled >>> 16), 0xab0e_9789)
  return (Math.imul((mixed << 17) | (mixed >>> 15), 5) + 0x0bca_a747) | 0
}

function finish(first: number, second: number, length: number): number {
  let a = first ^ length
  let b = second ^ length
  a = (a + b) | 0
  b = (b + a) | 0
  a = avalanche(a)
  b = avalanche(b)
  a = (a + b) | 0
  b = (b + a) | 0
  // 32 bits of one lane, the upper 21 of the other.
  return (a >>> 0) * 0x20_0000 + (b >>> 11)
}

function avalanche(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return mixed ^ (mixed >>> 16)
}
