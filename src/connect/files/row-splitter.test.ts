import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../../core/error.ts'
import { seededRandom } from '../../core/random.ts'
import { RowSplitter } from './row-splitter.ts'

interface Cut {
  readonly rows: string[]
  readonly ends: number[]
  readonly lines: number[]
}

function cut(text: Buffer, chunkBytes: number, delimiter: string | null): Cut {
  const splitter = new RowSplitter({
    bytesMax: 1_000,
    delimiter: delimiter?.charCodeAt(0) ?? null,
    file: 'rows',
    offset: 0,
    line: 0,
  })
  const found: Cut = { rows: [], ends: [], lines: [] }
  const add = (row: ReturnType<RowSplitter['next']>): boolean => {
    if (row === null) return false
    found.rows.push(row.bytes.toString())
    found.ends.push(row.endOffset)
    found.lines.push(row.line)
    return true
  }
  for (let at = 0; at < text.length; at += chunkBytes) {
    splitter.push(text.subarray(at, at + chunkBytes))
    while (add(splitter.next()));
  }
  add(splitter.end())
  return found
}

const cases: readonly [string, string | null, string[]][] = [
  ['a\nb\n', null, ['a', 'b']],
  ['a\r\nb\r\n', null, ['a', 'b']],
  ['a\n\nb', null, ['a', '', 'b']],
  ['a\r', null, ['a']],
  ['"a\nb"\n', null, ['"a', 'b"']],
  ['"a\nb",c\nd,e\n', ',', ['"a\nb",c', 'd,e']],
  ['"a""\nb",c\n', ',', ['"a""\nb",c']],
  ['x,"a\r\nb"\r\ny', ',', ['x,"a\r\nb"', 'y']],
  ['5" disk,3\n"q",1\n', ',', ['5" disk,3', '"q",1']],
  ['"";"\n"\nz', ';', ['"";"\n"', 'z']],
  ['"open\nrest', ',', ['"open\nrest']],
]

test.for(cases)('%j cut by %j', ([text, delimiter, rows]) => {
  const bytes = Buffer.from(text)
  for (let chunk = 1; chunk <= bytes.length; chunk++) {
    const found = cut(bytes, chunk, delimiter)
    assert.deepEqual(found.rows, rows, `in pieces of ${chunk}`)
    assert.equal(found.ends.at(-1), bytes.length)
    assert.equal(found.lines.at(-1), text.replace(/\n$/, '').split('\n').length)
  }
})

test('random CSV is cut the same in any pieces, and the ends are where rows end', () => {
  const random = seededRandom(7)
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: random.int(40) }, () => 'ab,"\n\r'[random.int(6)]).join('')
    const bytes = Buffer.from(text)
    const whole = cut(bytes, bytes.length + 1, ',')
    for (const chunk of [1, 2, 3, 7]) assert.deepEqual(cut(bytes, chunk, ','), whole, text)
    let before = 0
    for (const [i, end] of whole.ends.entries()) {
      // The last one may end within quotes, and with a line end that belongs to them.
      const isOpen = end === text.length && whole.rows[i]?.endsWith('\n') === true
      const piece = isOpen ? text.slice(before, end) : text.slice(before, end).replace(/\n$/, '')
      assert.equal(piece.replace(/\r$/, ''), whole.rows[i])
      before = end
    }
  }
})

test('a row that is too long names its line, before it is whole too', () => {
  const splitter = new RowSplitter({
    bytesMax: 4,
    delimiter: null,
    file: 'long.txt',
    offset: 0,
    line: 0,
  })
  splitter.push(Buffer.from('abcd\r\nabcdefgh'))
  assert.equal(splitter.next()?.bytes.toString(), 'abcd')
  assert.throws(
    () => splitter.next(),
    (error) => isCode(error, 'record-too-large') && /long\.txt:2/.test(error.message),
  )
})
