import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { count, from, json, sum, topic, tumbling } from '../../index.ts'
import type { MapAsyncInfo, Stream } from '../../index.ts'
import { seededRandom } from '../../core/random.ts'
import { testPipeline } from '../../testing.ts'

type Row = { k: string; v: number }
const rows = topic('rows', { codec: json<Row>(), key: (row) => row.k, outOfOrder: '10ms' })
const outs = topic('outs')
const others = topic('others')

/** A function whose answers the test gives, by value. */
function asked() {
  const infos: MapAsyncInfo<unknown>[] = []
  const answers = new Map<number, PromiseWithResolvers<number>>()
  const fn = ({ v }: Row, info: MapAsyncInfo<unknown>): Promise<number> => {
    infos.push(info)
    const answer = Promise.withResolvers<number>()
    answers.set(v, answer)
    return answer.promise
  }
  return { infos, answers, fn }
}

/** Lets promises that are settled tell so. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('results', () => {
  test('in the order of the records, not of the answers; key and time stay', async () => {
    const { answers, fn, infos } = asked()
    const run = testPipeline(from(rows).mapAsync(fn).to(outs))
    for (const v of [1, 2, 3]) run.push(rows, { k: `k${v}`, v }, { time: v * 100 })
    assert.deepEqual(
      infos.map(({ key, time, attempt }) => [key, time, attempt]),
      [
        ['k1', 100, 1],
        ['k2', 200, 1],
        ['k3', 300, 1],
      ],
    )
    for (const v of [3, 1, 2]) {
      assert.deepEqual(run.outputs(outs), []) // a commit waits for all
      answers.get(v)?.resolve(v * 2)
      await settle()
    }
    await run.settled()
    assert.deepEqual(
      run.records(outs).map(({ key, time, value }) => [key, time, value]),
      [
        ['k1', 100, 2],
        ['k2', 200, 4],
        ['k3', 300, 6],
      ],
    )
  })

  test('no more calls at a time than said; the records behind them wait', async () => {
    let calls = 0
    let most = 0
    const slow = async ({ v }: Row): Promise<number> => {
      calls += 1
      most = Math.max(most, calls)
      await settle()
      calls -= 1
      return v
    }
    const pairs = from(rows).flatMap((row) => [row, { ...row, v: -row.v }])
    const run = testPipeline(pairs.mapAsync(slow, { concurrency: 3 }).to(outs))
    for (let v = 1; v <= 50; v++) run.push(rows, { k: 'a', v }, { time: v })
    await run.settled()
    assert.equal(most, 3)
    const expected = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? i / 2 + 1 : -(i + 1) / 2))
    assert.deepEqual(run.outputs(outs), expected)
  })

  test('windows behind it hold what they hold behind map', async () => {
    const random = seededRandom(5)
    const windows = (stream: Stream<Row, string>) =>
      stream
        .window(tumbling('20ms'), { lateness: '5ms' })
        .aggregate({ n: count(), total: sum((row) => row.v) })
    const slow = async (row: Row): Promise<Row> => {
      for (let i = random.int(5); i > 0; i--) await settle()
      return row
    }
    const behindMap = testPipeline(windows(from(rows)).to(outs))
    const behindCalls = testPipeline(
      windows(from(rows).mapAsync(slow, { concurrency: 4 })).to(outs),
    )
    for (let v = 0; v < 300; v++) {
      const row = { k: `k${random.int(3)}`, v }
      const time = v + random.int(40)
      behindMap.push(rows, row, { time })
      behindCalls.push(rows, row, { time })
      if (random.int(20) === 0) await behindCalls.settled()
    }
    for (const run of [behindMap, behindCalls]) {
      run.push(rows, { k: 'end', v: 0 }, { time: 10_000 })
      await run.settled()
    }
    assert.ok(behindMap.late().length > 5)
    assert.deepEqual(behindCalls.records(outs), behindMap.records(outs))
    assert.deepEqual(
      behindCalls
        .late()
        .map(({ step, offset, reason }) => [step, offset, reason].join())
        .toSorted(),
      behindMap
        .late()
        .map(({ offset, reason }) => ['rows.aggregate-20ms', offset, reason].join())
        .toSorted(),
    )
  })

  test('without key they stay in the partition of their record', async () => {
    const keyless = topic('keyless', { codec: json<number>(), partitions: 3 })
    const wide = topic('wide', { partitions: 3 })
    const run = testPipeline(
      from(keyless)
        .mapAsync(async (v) => v)
        .to(wide),
    )
    for (let v = 0; v < 6; v++) run.push(keyless, v, { partition: v % 3 })
    await run.settled()
    const places = run.records(wide).map(({ partition, value }) => [partition, value])
    assert.deepEqual(places, [
      [0, 0],
      [0, 3],
      [1, 1],
      [1, 4],
      [2, 2],
      [2, 5],
    ])
  })

  test('one step behind another', async () => {
    const run = testPipeline(
      from(rows)
        .mapAsync(async ({ v }) => v + 1, { concurrency: 2 })
        .mapAsync(async (v) => v * 10, { concurrency: 1 })
        .to(outs),
    )
    for (let v = 0; v < 20; v++) run.push(rows, { k: 'a', v }, { time: v })
    await run.settled()
    assert.deepEqual(
      run.outputs(outs),
      Array.from({ length: 20 }, (_, v) => (v + 1) * 10),
    )
  })
})

describe('what fails', () => {
  const letters = (run: ReturnType<typeof testPipeline>): unknown[] =>
    run.deadLetters().map(({ step, topic: of, offset, value, message }) => {
      return [step, `${of}@${offset}`, value, message]
    })

  test('goes to the dead letters with step and place, and holds nobody up', async () => {
    const fn = async ({ v }: Row): Promise<number> => {
      if (v === 2) throw new Error('no two')
      return v
    }
    const checked = from(rows)
      .mapAsync(fn)
      .map((v) => {
        if (v === 3) throw new Error('no three')
        return v
      })
    const run = testPipeline(checked.to(outs))
    for (const v of [1, 2, 3, 4]) run.push(rows, { k: 'a', v }, { time: v })
    await run.settled()
    assert.deepEqual(run.outputs(outs), [1, 4])
    assert.deepEqual(letters(run), [
      ['rows.map-async', 'rows@1', '{"k":"a","v":2}', 'no two'],
      ['rows.map', 'rows@2', '3', 'no three'],
    ])
  })

  test('timeout, then repeats with pauses that double, by the clock', async () => {
    const { infos, answers, fn } = asked()
    const options = { timeout: '1s', retries: 2, backoff: '100ms' } as const
    const run = testPipeline(from(rows).mapAsync(fn, options).to(outs))
    run.push(rows, { k: 'a', v: 1 }, { time: 0 })
    const attempts = (): number[] => infos.map(({ attempt }) => attempt)
    const first = (infos[0] as MapAsyncInfo<unknown>).signal
    run.advance('999ms')
    assert.deepEqual([attempts(), first.aborted], [[1], false])
    run.advance('1ms')
    assert.equal(first.aborted, true)
    run.advance('99ms')
    assert.deepEqual(attempts(), [1])
    run.advance('1ms')
    assert.deepEqual(attempts(), [1, 2])
    answers.get(1)?.reject(new Error('second')) // of the second attempt
    await run.settled() // it pauses
    run.advance('200ms')
    assert.deepEqual(attempts(), [1, 2, 3])
    run.advance('1s')
    await run.settled()
    assert.deepEqual(run.outputs(outs), [])
    const message = 'no answer within 1s at attempt 3'
    assert.deepEqual(letters(run), [['rows.map-async', 'rows@0', '{"k":"a","v":1}', message]])
  })

  test('a record that is undone elsewhere is forgotten, its call told to stop', async () => {
    const { infos, answers, fn } = asked()
    const source = from(rows)
    const strict = source.map((row) => {
      if (row.v === 2) throw new Error('not here')
      return row
    })
    const run = testPipeline([source.mapAsync(fn).to(outs), strict.to(others)])
    const signals: AbortSignal[] = []
    for (const v of [1, 2, 3]) {
      run.push(rows, { k: 'a', v }, { time: v })
      signals.push((infos.at(-1) as MapAsyncInfo<unknown>).signal)
    }
    for (const v of [1, 2, 3]) answers.get(v)?.resolve(v)
    await run.settled()
    assert.deepEqual(run.outputs(outs), [1, 3])
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [false, true, false],
    )
    assert.deepEqual(letters(run), [['rows.map', 'rows@1', '{"k":"a","v":2}', 'not here']])
  })
})

test('what would make no sense is refused', () => {
  const cases: [object, RegExp][] = [
    [{ concurrency: 0 }, /concurrency of mapAsync is a whole number from 1/],
    [{ concurrency: 1.5 }, /concurrency/],
    [{ retries: -1 }, /retries of mapAsync is a whole number from 0/],
    [{ timeout: '0ms' }, /timeout of mapAsync is nothing/],
    [{ timeout: 'soon' }, /timeout 'soon' is not a duration/],
    [{ order: 'any' }, /in order 'input', not 'any'/],
  ]
  for (const [options, message] of cases) {
    assert.throws(() => from(rows).mapAsync(async (row) => row, options), message)
  }
  assert.throws(() => from(rows).mapAsync(5 as never), /mapAsync takes a function/)
})
