/** Texts and prices of generated events. */
import { JavaRandom } from './java-random.ts'

/** `fresh`: letters drawn for each event, as the benchmark has it; `cheap`: slices of one text. */
export type ExtraMode = 'fresh' | 'cheap'

/** 3 to max − 1 letters, one in 13 of them special, without blanks at the ends. */
export function text(random: JavaRandom, max: number, special = ' '): string {
  const length = 3 + random.nextInt(max - 3)
  let made = ''
  for (let i = 0; i < length; i++) {
    made += random.nextInt(13) === 0 ? special : String.fromCharCode(97 + random.nextInt(26))
  }
  return made.trim()
}

/** 100 to 100,000,000 cents, each order of magnitude as likely. */
export function price(random: JavaRandom): number {
  return Math.round(100 * 10 ** (random.nextDouble() * 6))
}

/** What fills an event of `size` bytes up to about `average`. */
export function extraText(
  random: JavaRandom,
  size: number,
  average: number,
  mode: ExtraMode,
): string {
  if (size > average) return ''
  const wanted = average - size
  const spread = Math.round(wanted * 0.2)
  const length = wanted - spread + (spread === 0 ? 0 : random.nextInt(2 * spread))
  if (mode === 'fresh') return letters(random, length)
  const from = random.nextInt(sliced.length - length)
  return sliced.slice(from, from + length)
}

/**
 * Six letters a draw. A negative draw gives `H` to `a`, with `[ \ ] ^ _` and the backtick. Most of
 * an event is such letters: joined one by one, not in one call, they make it cost a fifth more.
 */
function letters(random: JavaRandom, length: number): string {
  const codes: number[] = []
  let value = 0
  for (let i = 0; i < length; i++) {
    if (i % 6 === 0) value = random.nextSigned()
    const rest = Math.trunc(value / 26)
    codes.push(97 + value - rest * 26)
    value = rest
  }
  return String.fromCharCode(...codes)
}

const sliced = longText()

function longText(): string {
  const random = new JavaRandom().seed(1)
  // In pieces: all letters at once would be too many arguments.
  return Array.from({ length: 1024 }, () => letters(random, 64)).join('')
}
