import { expect, test } from 'vitest'
import { Permits } from './permits.ts'

test('so many at a time, in order; one that gives up leaves its place', async () => {
  const permits = new Permits(2)
  const done: string[] = []
  const never = new AbortController().signal
  const gone = new AbortController()
  const take = async (name: string, signal = never): Promise<void> => {
    await permits.take(signal).then(
      () => done.push(name),
      () => done.push(`${name} gave up`),
    )
  }
  const all = [take('a'), take('b'), take('c', gone.signal), take('d')]
  await Promise.all(all.slice(0, 2))
  expect(done).toEqual(['a', 'b'])
  gone.abort(new Error('gone'))
  await all[2]
  permits.give()
  await all[3]
  expect(done).toEqual(['a', 'b', 'c gave up', 'd'])
})
