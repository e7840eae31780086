import { expect, test } from 'vitest'
import { seededRandom } from '../core/random.ts'
import { LineSplitter, type LongLine } from './line-splitter.ts'

type Line = string | LongLine

/** All lines of some chunks; a long line that has no end ends the reading. */
function linesOf(chunks: readonly (string | Buffer)[], bytesMax = 100): Line[] {
  const splitter = new LineSplitter(bytesMax)
  const lines: Line[] = []
  const take = (line: Buffer | LongLine | null): boolean => {
    if (line === null) return false
    lines.push(Buffer.isBuffer(line) ? line.toString('latin1') : line)
    return Buffer.isBuffer(line) || line.isWhole
  }
  for (const chunk of chunks) {
    splitter.push(Buffer.from(chunk))
    while (take(splitter.next()));
    if (lines.some((line) => typeof line !== 'string' && !line.isWhole)) return lines
  }
  take(splitter.end())
  return lines
}

test.each<[string, string[], Line[]]>([
  ['nothing', [], []],
  ['one line without an end', ['a'], ['a']],
  ['one line', ['a\n'], ['a']],
  ['empty lines', ['\n\n'], ['', '']],
  ['a line over three chunks', ['ab', 'cd', 'ef\ng'], ['abcdef', 'g']],
  ['\\r\\n', ['a\r\nb\r\n'], ['a', 'b']],
  ['\\r\\n cut in two', ['a\r', '\nb'], ['a', 'b']],
  ['\\r alone stays inside, goes at the end', ['a\rb\nc\r'], ['a\rb', 'c']],
])('%s', (_, chunks, lines) => {
  expect(linesOf(chunks)).toEqual(lines)
})

test('the same lines, however the bytes are cut into chunks', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed)
    const lines = Array.from({ length: random.int(20) }, () =>
      Array.from({ length: random.int(12) }, () => String.fromCharCode(97 + random.int(4))).join(
        '',
      ),
    )
    const bytes = Buffer.from(lines.map((line) => line + (random.int(2) ? '\r\n' : '\n')).join(''))
    const chunks: Buffer[] = []
    for (let at = 0; at < bytes.length;) {
      const end = at + random.int(7) // empty chunks, too
      chunks.push(bytes.subarray(at, end))
      at = Math.min(end, bytes.length)
    }
    expect(linesOf(chunks), `seed ${seed}`).toEqual(lines)
  }
})

test('a line of exactly the limit is taken, one byte more is counted', () => {
  expect(linesOf(['12345\n123456\n1'], 5)).toEqual([
    '12345',
    { kind: 'too-long', bytes: 6, isWhole: true },
    '1',
  ])
  expect(linesOf(['123', '45\r', '\n', '12', '3456', '\r\nx'], 5)).toEqual([
    '12345',
    { kind: 'too-long', bytes: 6, isWhole: true },
    'x',
  ])
})

test('a long line at the end of input', () => {
  expect(linesOf(['123456789'], 5)).toEqual([{ kind: 'too-long', bytes: 9, isWhole: true }])
})

test('of a line without end nothing is held, and it is not waited for', () => {
  const splitter = new LineSplitter(1000)
  const chunk = Buffer.alloc(1_048_576, 'x')
  const before = process.memoryUsage().arrayBuffers
  let found: Buffer | LongLine | null = null
  let chunks = 0
  while (found === null && chunks < 1000) {
    splitter.push(chunk)
    found = splitter.next()
    chunks += 1
  }
  expect(found).toEqual({ kind: 'too-long', bytes: 65 * 1_048_576, isWhole: false })
  expect(splitter.lineNumber).toBe(1)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1_048_576)
})

test('numbers the lines', () => {
  const splitter = new LineSplitter(10)
  splitter.push(Buffer.from('a\nb\nc'))
  splitter.next()
  splitter.next()
  expect(splitter.lineNumber).toBe(2)
  expect(splitter.next()).toBeNull()
  splitter.end()
  expect(splitter.lineNumber).toBe(3)
})
