import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NameCache } from './name-cache.ts'

test('gives the text of the bytes, first and again, whatever was asked before', () => {
  const names = new NameCache()
  const text = fc.string({ unit: 'binary-ascii', maxLength: 40 })
  fc.assert(
    fc.property(fc.array(text), (list) => {
      for (const name of [...list, ...list]) {
        const bytes = Buffer.from(`<${name}>`)
        expect(names.ascii(bytes, 1, 1 + name.length)).toBe(name)
      }
    }),
  )
})

test('more names than slots stay right', () => {
  const names = new NameCache()
  const list = Array.from({ length: 2000 }, (_, i) => `field${i}`)
  for (const name of [...list, ...list]) {
    expect(names.ascii(Buffer.from(name), 0, name.length)).toBe(name)
  }
})
