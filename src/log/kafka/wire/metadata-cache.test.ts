import assert from 'node:assert/strict'
import { test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import { MillraceError, isCode } from '../../../core/error.ts'
import { errorCode } from './error-codes.ts'
import { MetadataCache } from './metadata-cache.ts'
import type { MetadataAnswer } from './requests/metadata.ts'

function cacheOf(codes: Record<string, number>): {
  cache: MetadataCache
  clock: VirtualClock
  asked: (readonly string[] | null)[]
} {
  const clock = new VirtualClock(0)
  const asked: (readonly string[] | null)[] = []
  const ask = async (names: readonly string[] | null): Promise<MetadataAnswer> => {
    asked.push(names)
    await Promise.resolve()
    const topics = (names ?? Object.keys(codes)).map((name) => {
      const code = codes[name] ?? errorCode.unknownTopicOrPartition
      return { name, code, id: 'id', isInternal: false, partitions: [] }
    })
    return { brokers: [], clusterId: '', topics }
  }
  return { cache: new MetadataCache({ clock, ask }), clock, asked }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

test('a topic is asked for once, and questions about it at once are one', async () => {
  const { cache, asked } = cacheOf({ a: 0, b: 0 })
  assert.equal(cache.known('a'), undefined)
  const answers = await Promise.all([
    cache.topics(['a'], false),
    cache.topics(['a'], false),
    cache.topics(['a', 'b'], false),
  ])
  assert.deepEqual(asked, [['a'], ['b']])
  assert.deepEqual(
    answers.map((topics) => topics.size),
    [1, 1, 2],
  )
  await cache.topics(['a', 'b'], false)
  assert.equal(asked.length, 2)
  assert.equal(cache.known('a')?.name, 'a')
})

test('what was forgotten is asked anew, at most every 100 ms', async () => {
  const { cache, clock, asked } = cacheOf({ a: 0 })
  await cache.topics(['a'], false)
  cache.forget('a')
  assert.equal(cache.known('a')?.name, 'a')
  const first = cache.topics(['a'], false)
  const second = cache.topics(['a'], false)
  clock.advance(99)
  await turns()
  assert.equal(asked.length, 1)
  clock.advance(1)
  await first
  await second
  assert.equal(asked.length, 2)
})

test('a fresh answer is from now on: it does not join one that was asked before', async () => {
  const { cache, asked } = cacheOf({ a: 0 })
  await Promise.all([cache.topics(['a'], false), cache.topics(['a'], true)])
  assert.equal(asked.length, 2)
})

test('topics that do not exist are absent, and asked for again', async () => {
  const { cache, clock, asked } = cacheOf({})
  assert.equal((await cache.topics(['none'], false)).size, 0)
  const again = cache.topics(['none'], false)
  clock.advance(100)
  assert.equal((await again).size, 0)
  assert.equal(asked.length, 2)
})

test('a refused topic fails whoever asked for it, and nobody else', async () => {
  const { cache } = cacheOf({ mine: 0, other: errorCode.topicAuthorizationFailed })
  const [mine, both] = await Promise.allSettled([
    cache.topics(['mine'], false),
    cache.topics(['mine', 'other'], false),
  ])
  assert.equal(mine.status, 'fulfilled')
  assert.ok(both.status === 'rejected' && isCode(both.reason, 'not-authorised'))
  assert.deepEqual(both.reason.at, { topic: 'other' })
})

test('an answer that says neither is not taken for absence', async () => {
  const { cache } = cacheOf({ odd: errorCode.unknownServerError })
  await assert.rejects(cache.topics(['odd'], false), (error) => isCode(error, 'log-failed'))
})

test('topics without a leader are there; all topics are learnt', async () => {
  const { cache, asked } = cacheOf({ a: errorCode.leaderNotAvailable, b: 0, c: 29 })
  assert.deepEqual(
    (await cache.all()).map(({ name }) => name),
    ['a', 'b'],
  )
  assert.equal((await cache.topics(['a', 'b'], false)).size, 2)
  assert.deepEqual(asked, [null])
})

test('a question that fails fails all that wait for it, and the next is asked anew', async () => {
  const clock = new VirtualClock(0)
  let count = 0
  const ask = (): Promise<never> => {
    count += 1
    return Promise.reject(new MillraceError('log-unreachable', 'nobody answers'))
  }
  const cache = new MetadataCache({ clock, ask })
  const both = await Promise.allSettled([cache.topics(['a'], false), cache.topics(['a'], false)])
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  clock.advance(100)
  await assert.rejects(cache.topics(['a'], false))
  assert.equal(count, 2)
})

test('closing ends the pauses', async () => {
  const { cache } = cacheOf({ a: 0 })
  await cache.topics(['a'], false)
  cache.forget('a')
  const waiting = cache.topics(['a'], false)
  await turns()
  cache.close()
  assert.equal((await waiting).size, 1)
})
