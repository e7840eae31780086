import assert from 'node:assert/strict'
import { beforeAll } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { isCode } from '../../../core/error.ts'
import { seededRandom } from '../../../core/random.ts'
import type { Appended } from '../../log.ts'
import { createAppender } from './appender.ts'
import type { Appender } from './appender.ts'
import { faultyCluster, openPlace, randomFaults } from './test-broker.ts'
import type { Fault, Place } from './test-broker.ts'
import { appendOf } from './test-cluster.ts'

let place: Place
beforeAll(async () => {
  if (brokers.length === 0) return
  place = await openPlace(brokers, uniqueName('append'), { recordBytesMax: 2_000 })
  return () => place.close()
})

async function withAppender<R>(
  use: (appender: Appender) => Promise<R>,
  options: Partial<Parameters<typeof createAppender>[0]> = {},
): Promise<R> {
  const appender = createAppender({ ...place.options, ...options })
  try {
    return await use(appender)
  } finally {
    await appender.close()
  }
}

async function valuesOf(partition: number): Promise<string[]> {
  return (await place.read(partition)).map((one) => one.slice(one.indexOf(':') + 1))
}

kafkaTest('L5 an append is visible when it is acknowledged, in a transaction or not', async () => {
  await withAppender(async (appender) => {
    for (let i = 0; i < 10; i++) {
      const had = [(await valuesOf(0)).length, (await valuesOf(1)).length]
      const both = [appendOf(place.topic, 0, `${i}a`), appendOf(place.topic, 1, `${i}b`, `${i}c`)]
      const appended = await appender.append(i % 2 === 0 ? both : both.slice(0, 1))
      assert.equal((await valuesOf(0)).length, (had[0] ?? 0) + 1)
      assert.equal((await valuesOf(1)).length, (had[1] ?? 0) + (i % 2 === 0 ? 2 : 0))
      assert.ok((await place.read(0)).includes(`${appended[0]?.baseOffset}:${i}a`))
    }
  })
})

kafkaTest('L3 many appends at once keep their order, and say where they are', async () => {
  const values = Array.from({ length: 2_000 }, (_, i) => `v${i}`)
  const appended = await withAppender((appender) =>
    Promise.all(values.map((value) => appender.append([appendOf(place.topic, 2, value)]))),
  )
  const wanted = values.map((value, i) => `${appended[i]?.[0]?.baseOffset}:${value}`)
  assert.deepEqual((await place.read(2)).slice(-values.length), wanted)
})

kafkaTest('C2 numbered appends are there once, over restarts of the producer', async () => {
  const producer = uniqueName('append')
  const batches = (n: number) => [
    appendOf(place.topic, 0, `${producer} ${n}`, `${producer} ${n}+`),
    appendOf(place.topic, 3, `${producer} ${n}`),
  ]
  const firsts: Appended[][] = []
  for (let n = 0; n < 3; n++) {
    const append = (appender: Appender): Promise<Appended[]> =>
      appender.append(batches(n), { producer, sequence: n })
    firsts.push(await withAppender(append))
    // By the process that comes after, and twice by it.
    await withAppender(async (appender) => {
      assert.deepEqual(await append(appender), firsts[n])
      assert.deepEqual(await append(appender), firsts[n])
      for (const wrong of [n - 1, n + 2]) {
        const refused = appender.append(batches(n), { producer, sequence: wrong })
        await assert.rejects(refused, (error) => isCode(error, 'invalid-argument'))
      }
    })
  }
  const own = (await valuesOf(0)).filter((value) => value.startsWith(producer))
  assert.deepEqual(
    own,
    [0, 1, 2].flatMap((n) => [`${producer} ${n}`, `${producer} ${n}+`]),
  )
  assert.deepEqual(
    (await valuesOf(3)).filter((value) => value.startsWith(producer)),
    [0, 1, 2].map((n) => `${producer} ${n}`),
  )
})

kafkaTest('C2 a numbered append of many batches and blocks is given back as it was', async () => {
  const producer = uniqueName('append')
  const large = Array.from({ length: 10 }, (_, i) => `${i}`.padEnd(900, '.'))
  const batches = [appendOf(place.topic, 1, ...large), appendOf(place.topic, 1, 'end', 'end 2')]
  const stamp = { producer, sequence: 0 }
  const first = await withAppender((appender) => appender.append(batches, stamp))
  assert.equal(first[1]?.baseOffset, (first[0]?.baseOffset ?? 0) + 10)
  await withAppender(async (appender) => {
    assert.deepEqual(await appender.append(batches, stamp), first)
    const more = [...batches, appendOf(place.topic, 1, 'more')]
    await assert.rejects(appender.append(more, stamp), (error) => isCode(error, 'invalid-argument'))
  })
})

kafkaTest('C2 two processes may take turns with the numbers of one producer', async () => {
  const producer = uniqueName('append')
  await withAppender((one) =>
    withAppender(async (other) => {
      for (let n = 0; n < 6; n++) {
        const [writer, repeater] = n % 2 === 0 ? [one, other] : [other, one]
        const stamp = { producer, sequence: n }
        const batches = [appendOf(place.topic, 0, `${producer} ${n}`)]
        const first = await writer.append(batches, stamp)
        assert.deepEqual(await repeater.append(batches, stamp), first)
      }
    }),
  )
  const own = (await valuesOf(0)).filter((value) => value.startsWith(producer))
  assert.deepEqual(
    own,
    [0, 1, 2, 3, 4, 5].map((n) => `${producer} ${n}`),
  )
})

kafkaTest('C2 more producers than are kept open at once', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `${uniqueName('append')}-${i}`)
  await withAppender(async (appender) => {
    for (const sequence of [0, 1]) {
      const append = (producer: string): Promise<Appended[]> =>
        appender.append([appendOf(place.topic, 2, producer)], { producer, sequence })
      const appended = await Promise.all(names.map(append))
      assert.deepEqual(await Promise.all(names.map(append)), appended)
    }
  })
  const seen = await valuesOf(2)
  for (const name of names) assert.equal(seen.filter((value) => value === name).length, 2)
})

const kinds: readonly Fault[] = ['lost-request', 'lost-answer', 'late']

kafkaTest('L1 numbered appends under lost and late requests are there once, in order', async () => {
  const random = seededRandom(7)
  const faults = randomFaults(random, kinds, 8)
  const cluster = faultyCluster(place.cluster, faults.decide, () => random.int(30))
  const producer = uniqueName('append')
  await withAppender(
    async (appender) => {
      for (let sequence = 0; sequence < 60; sequence++) {
        const value = `${producer} ${sequence}`
        const batches = [appendOf(place.topic, 0, value), appendOf(place.topic, 1, value)]
        await appender.append(batches, { producer, sequence })
      }
    },
    { cluster },
  )
  await cluster.settled()
  assert.ok(faults.count() > 20)
  const wanted = Array.from({ length: 60 }, (_, n) => `${producer} ${n}`)
  for (const partition of [0, 1]) {
    const own = (await valuesOf(partition)).filter((value) => value.startsWith(producer))
    assert.deepEqual(own, wanted)
  }
})

kafkaTest('L1 appends under lost and late requests are whole, and once', async () => {
  const random = seededRandom(8)
  const faults = randomFaults(random, kinds, 8)
  const cluster = faultyCluster(place.cluster, faults.decide, () => random.int(30))
  const prefix = uniqueName('append')
  const wanted: string[] = []
  await withAppender(
    async (appender) => {
      for (let n = 0; n < 60; n++) {
        const values = [`${prefix} ${n}a`, `${prefix} ${n}b`]
        const both = [
          appendOf(place.topic, 3, ...values),
          appendOf(place.topic, 2, `${prefix} ${n}`),
        ]
        await appender.append(n % 3 === 0 ? both : both.slice(0, 1))
        wanted.push(...values)
      }
    },
    { cluster },
  )
  await cluster.settled()
  assert.ok(faults.count() > 5)
  const own = (await valuesOf(3)).filter((value) => value.startsWith(prefix))
  assert.deepEqual(own, wanted)
})
