import { expect, test } from 'vitest'
import { hexText } from './hex-text.ts'

test('sixteen bytes a line, in hex and as far as they are ASCII; the rest is told', () => {
  const bytes = Buffer.from([...Buffer.from('0123456789abcdef~ \u007f'), 0, 0xff])
  expect(hexText(bytes, 100)).toBe(
    [
      '00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|',
      '00000010  7e 20 7f 00 ff                                    |~ ...|',
    ].join('\n'),
  )
  expect(hexText(bytes, 2)).toBe(
    `00000000  30 31${' '.repeat(45)}|01|\n… 19 more bytes: --raw writes them all`,
  )
  expect(hexText(new Uint8Array(0), 2)).toBe('')
})
