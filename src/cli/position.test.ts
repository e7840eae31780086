import { InvalidArgumentError } from 'commander'
import { expect, test } from 'vitest'
import { BatchBuilder } from '../log/batch.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { offsetsAt, parsePosition, partitionsOf, type Position } from './position.ts'

test.each<[string, Position]>([
  ['earliest', { kind: 'earliest' }],
  ['latest', { kind: 'latest' }],
  ['0', { kind: 'offset', offset: 0 }],
  ['42', { kind: 'offset', offset: 42 }],
  ['-10', { kind: 'last', count: 10 }],
  ['10m', { kind: 'ago', ms: 600_000 }],
  ['2024-05-06T07:08:09Z', { kind: 'time', timeMs: Date.UTC(2024, 4, 6, 7, 8, 9) }],
  ['2024-05-06', { kind: 'time', timeMs: Date.UTC(2024, 4, 6) }],
])('%s', (text, position) => {
  expect(parsePosition(text)).toEqual(position)
})

test('refuses what is none of them', () => {
  for (const text of ['yesterday', '', '1.5', '--1', '5 seconds', '2024-13-01']) {
    expect(() => parsePosition(text), text).toThrow(InvalidArgumentError)
  }
})

/** Two partitions; records of partition 0 at 1000, 2000, 3000 ms; partition 1 is empty. */
async function openSmall() {
  const log = openMemoryLog()
  await log.createTopic('t', { partitions: 2 })
  const builder = new BatchBuilder()
  for (const time of [1000, 2000, 3000]) builder.add(null, 'v', time)
  await log.append([{ topic: 't', partition: 0, bytes: builder.finish() }])
  return { log, topic: await log.describeTopic('t') }
}

test.each<[Position, number[]]>([
  [{ kind: 'earliest' }, [0, 0]],
  [{ kind: 'latest' }, [3, 0]],
  [{ kind: 'last', count: 2 }, [1, 0]],
  [{ kind: 'last', count: 9 }, [0, 0]],
  [{ kind: 'time', timeMs: 2000 }, [1, 0]],
  [{ kind: 'ago', ms: 2500 }, [2, 0]], // now is 5000
])('%j begins at %j', async (position, offsets) => {
  const { log, topic } = await openSmall()
  const places = await offsetsAt(log, topic, [0, 1], { position, nowMs: 5000 })
  expect(places.map(({ offset }) => offset)).toEqual(offsets)
  await log.close()
})

test('an offset needs one partition', async () => {
  const { log, topic } = await openSmall()
  const start = { position: { kind: 'offset', offset: 2 }, nowMs: 0 } as const
  await expect(offsetsAt(log, topic, [0, 1], start)).rejects.toMatchObject({
    code: 'invalid-argument',
    hint: 'name one: --partition 0',
  })
  expect(await offsetsAt(log, topic, [0], start)).toEqual([{ topic: 't', partition: 0, offset: 2 }])
  await log.close()
})

test('partitions: all, or the one that is there', async () => {
  const { log, topic } = await openSmall()
  expect(partitionsOf(topic, undefined)).toEqual([0, 1])
  expect(partitionsOf(topic, 1)).toEqual([1])
  expect(() => partitionsOf(topic, 2)).toThrow("topic 't' has no partition 2")
  await log.close()
})
