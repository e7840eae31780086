import { PassThrough, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { Output } from './output.ts'

const failing = (code: string): Writable =>
  new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })),
  })

test('a write ends when the stream has taken it', async () => {
  const stream = new PassThrough()
  const output = new Output(stream)
  expect(await output.write('a')).toBe('written')
  expect(String(stream.read())).toBe('a')
  expect(output.isClosed).toBe(false)
})

test('a reader that has gone away is no error', async () => {
  const output = new Output(failing('EPIPE'))
  expect(await output.write('a')).toBe('closed')
  await output.closed
  expect(output.isClosed).toBe(true)
  expect(await output.write('b')).toBe('closed')
})

test('any other failure is one', async () => {
  await expect(new Output(failing('ENOSPC')).write('a')).rejects.toMatchObject({ code: 'ENOSPC' })
})
