/** Tables by hand: what a reader wants to see once. */
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { isCode } from '../../core/error.ts'
import type { Key } from '../../core/key.ts'
import { collect, count, from, json, max, mean, pipeline, sum, table, topic } from '../../index.ts'
import type { Pipeline } from '../../index.ts'
import { buildPlan } from '../../pipeline/build-plan.ts'
import { planJson } from '../../pipeline/explain-plan.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'
import type { PipelineTest } from '../../testing/pipeline-test.ts'

interface Player {
  readonly name: string
  readonly team: string
  readonly points: number
}
const players = topic('players', { codec: json<Player>(), key: (player) => player.name })
const out = topic('out')

function shown(driven: PipelineTest, of = 'out'): string[] {
  return driven.records(of).map(({ key, value, time }) => `${key}@${time} ${JSON.stringify(value)}`)
}

/** `a x 3` gives player a of team x 3 points; `a` alone deletes. At times 1, 2, … */
function play(driven: PipelineTest, acts: readonly string[]): void {
  for (const [i, act] of acts.entries()) {
    const [name = '', team, points] = act.split(' ')
    const options = { key: name, time: i + 1 }
    if (team === undefined) driven.pushBytes('players', null, options)
    else driven.push(players, { name, team, points: Number(points) }, options)
  }
}

describe('a topic as a table', () => {
  test('changes: the newest record is the row, a tombstone deletes, also one of no row', () => {
    const driven = testPipeline(
      table(players)
        .map(({ team, points }) => `${team}${points}`)
        .changes()
        .to(out),
    )
    play(driven, ['a x 1', 'b x 2', 'a y 3', 'c', 'a', 'a', 'a x 4'])
    assert.deepEqual(shown(driven), [
      'a@1 {"before":null,"after":"x1"}',
      'b@2 {"before":null,"after":"x2"}',
      'a@3 {"before":"x1","after":"y3"}',
      'a@5 {"before":"y3","after":null}',
      'a@7 {"before":null,"after":"x4"}',
    ])
    assert.deepEqual(driven.deadLetters(), [])
  })

  test('to a topic: rows, and tombstones under the table key; toStream leaves them out', () => {
    const rows = table(players).map(({ points }) => points)
    const driven = testPipeline([
      rows.to(out),
      rows.toStream().to(topic('stream')),
      rows.filter((points) => points > 1).to(topic('some')),
      rows.print(),
    ])
    play(driven, ['a x 1', 'b x 2', 'a y 3', 'a', 'b x 0', 'b x 1'])
    assert.deepEqual(shown(driven), ['a@1 1', 'b@2 2', 'a@3 3', 'a@4 null', 'b@5 0', 'b@6 1'])
    assert.deepEqual(shown(driven, 'stream'), ['a@1 1', 'b@2 2', 'a@3 3', 'b@5 0', 'b@6 1'])
    // A row that does not pass is deleted once, and only where it was there.
    assert.deepEqual(shown(driven, 'some'), ['b@2 2', 'a@3 3', 'a@4 null', 'b@5 null'])
    assert.equal(driven.printed(), '1\n2\n3\n0\n1\n')
  })

  test('tombstones have the key and time of the record, of whatever type keys are', () => {
    for (const [key, text] of [
      [7, '7'],
      [-0.5, '-0.5'],
      [true, 'true'],
      [['a', 1], '["a",1]'],
      ['7', '7'],
    ] as const) {
      const rows = topic('rows', {
        codec: json<{ k: Key; t: number }>(),
        key: (row) => row.k,
        time: (row) => row.t,
      })
      const driven = testPipeline(
        table(rows)
          .changes()
          .keyBy(() => 1)
          .map(({ before, after }) => [before?.k ?? null, after?.k ?? null])
          .to(out),
      )
      driven.push(rows, { k: key, t: 5 })
      // Of the wall clock's time: event time does not go on to there.
      driven.pushBytes(rows, null, { key: text, time: 1_000_000 })
      driven.push(rows, { k: key, t: 6 })
      assert.deepEqual(driven.outputs(out), [
        [null, key],
        [key, null],
        [null, key],
      ])
      assert.deepEqual(
        driven.records(out).map(({ time }) => time),
        [5, 5, 6],
      )
      assert.equal(driven.watermark(), 6)
    }
  })

  test('a stream from the same topic does not see tombstones', () => {
    const driven = testPipeline([
      from(players)
        .map(({ name }) => name)
        .to(out),
      table(players).changes().to(topic('changes')),
    ])
    play(driven, ['a x 1', 'a'])
    assert.deepEqual(driven.outputs(out), ['a'])
    assert.equal(driven.outputs('changes').length, 2)
    assert.deepEqual(driven.deadLetters(), [])
  })

  test('a stream joined with it meets the row of the time', () => {
    const asked = topic('asked', { key: 'record' })
    const driven = testPipeline(
      from(asked)
        .join(table(players), { type: 'left', asOf: 'latest' })
        .map(({ right }) => right?.points ?? null)
        .to(out),
    )
    driven.push(asked, '?', { key: 'a' })
    play(driven, ['a x 1'])
    driven.push(asked, '?', { key: 'a' })
    play(driven, ['a'])
    driven.push(asked, '?', { key: 'a' })
    assert.deepEqual(driven.outputs(out), [null, 1, null])
  })

  test('refused: a topic without key, a stream without key, what is no table', () => {
    const keyless = topic('keyless')
    const refused = (make: () => unknown, code: string): void =>
      assert.throws(make, (thrown) => isCode(thrown, code as never))
    refused(() => table(keyless as unknown as typeof players), 'invalid-argument')
    refused(() => table('players' as unknown as typeof players), 'invalid-argument')
    const stream = from(keyless) as unknown as ReturnType<typeof from<string, string>>
    refused(() => testPipeline(stream.toTable().to(out)), 'invalid-plan')
    refused(() => table(players).join(from(players) as never), 'invalid-argument')
    refused(
      () => table(players).join(table(players), { type: 'outer' as 'inner' }),
      'invalid-argument',
    )
    refused(() => table(players).groupBy('team' as never), 'invalid-argument')
    refused(() => (table(players).keyBy as () => void)(), 'invalid-argument')
    refused(() => testPipeline(table(players) as unknown as Pipeline), 'invalid-plan')
  })
})

describe('groups', () => {
  test('an average over maxima is right after updates; one change where a row stays', () => {
    const driven = testPipeline(
      from(players)
        .aggregate({ peak: max((p) => p.points), team: max((p) => p.team) })
        .groupBy(({ team }) => team)
        .aggregate({ players: count(), mean: mean((row) => row.peak) })
        .changes()
        .map(({ before, after }) => [before?.mean ?? null, after?.mean ?? null, after?.players])
        .to(out),
    )
    play(driven, ['a x 3', 'b x 5', 'a x 1', 'a x 7', 'b y 1', 'a y 9'])
    assert.deepEqual(shown(driven), [
      'x@1 [null,3,1]',
      'x@2 [3,4,2]',
      'x@3 [4,4,2]',
      'x@4 [4,6,2]',
      'x@5 [6,7,1]', // leaves the old group, before it comes to the new one
      'y@5 [null,5,1]',
      'x@6 [7,null,null]',
      'y@6 [5,7,2]',
    ])
  })

  test('deletes leave their group; a group without rows is deleted', () => {
    const driven = testPipeline(
      table(players)
        .groupBy(({ team }) => team)
        .aggregate({ total: sum((p) => p.points), all: collect((p) => p.name) })
        .to(out),
    )
    play(driven, ['a x 1e16', 'b x 1', 'a', 'c y 2', 'b'])
    assert.deepEqual(driven.outputs(out), [
      { key: 'x', total: 1e16, all: ['a'] },
      { key: 'x', total: 1e16, all: ['a', 'b'] },
      { key: 'x', total: 1, all: ['b'] },
      { key: 'y', total: 2, all: ['c'] },
      null,
    ])
  })

  test('O4 a function that throws at a row leaves the row and its group as they were', () => {
    const driven = testPipeline(
      table(players)
        .groupBy(({ team }) => team)
        .aggregate({ total: sum((p) => (p.points === 13 ? Number.NaN : p.points)) })
        .to(out),
    )
    play(driven, ['a x 1', 'a y 13', 'a y 2'])
    assert.deepEqual(driven.outputs(out), [{ key: 'x', total: 1 }, null, { key: 'y', total: 2 }])
    assert.deepEqual(
      driven.deadLetters().map(({ step }) => step),
      ['players.table.group-by'],
    )
  })

  test('the first rows of a group: another one follows where one goes; ties by key', () => {
    const driven = testPipeline(
      table(players)
        .groupBy(({ team }) => team)
        .topN(2, { by: (player) => player.points })
        .map(({ top }) => top.map(({ name, points }) => `${name}${points}`).join(' '))
        .to(out),
    )
    play(driven, ['a x 1', 'c x 5', 'b x 5', 'd x 0', 'c x 2', 'b', 'c y 2', 'a', 'd'])
    assert.deepEqual(shown(driven), [
      'x@1 "a1"',
      'x@2 "c5 a1"',
      'x@3 "b5 c5"',
      'x@5 "b5 c2"',
      'x@6 "c2 a1"',
      'x@7 "a1 d0"',
      'y@7 "c2"',
      'x@8 "d0"',
      'x@9 null',
    ])
  })

  test('refused by the name of the step: what cannot take back, no fields, taken names', () => {
    const forward = { ...count(), retract: null, retracting: null }
    for (const [fields, text] of [
      [{ n: forward }, /rows leave their group again, which count \(field 'n'\)/],
      [{}, /no fields/],
      [{ key: count() }, /field 'key'/],
    ] as const) {
      const groups = table(players).groupBy(({ team }) => team)
      const built = groups.aggregate(fields as { n: typeof forward }).named('teams')
      assert.throws(
        () => testPipeline(built.to(out)),
        (thrown) =>
          isCode(thrown, 'invalid-plan') && thrown.at.step === 'teams' && text.test(thrown.message),
      )
    }
  })
})

describe('joins of tables', () => {
  test('a chain of foreign keys; the key changes, changes back, and goes', () => {
    const teams = topic('teams', { codec: json<{ id: string; city: string }>(), key: (t) => t.id })
    const cities = topic('cities', {
      codec: json<{ id: string; name: string }>(),
      key: (c) => c.id,
    })
    const driven = testPipeline(
      table(players)
        .join(table(teams), { on: (player) => player.team })
        .join(table(cities), { on: ({ right }) => right.city, type: 'left' })
        .map(({ left, right }) => `${left.left.points} ${left.right.id} ${right?.name ?? '-'}`)
        .to(out),
    )
    driven.push(teams, { id: 'x', city: 'u' })
    play(driven, ['a x 1', 'a y 2'])
    driven.push(cities, { id: 'u', name: 'Ulm' })
    driven.push(teams, { id: 'y', city: 'u' })
    play(driven, ['a x 3', 'a y 4', 'a x 5'])
    driven.push(teams, { id: 'x', city: 'v' })
    driven.pushBytes(teams, null, { key: 'y' })
    driven.pushBytes(teams, null, { key: 'x' })
    play(driven, ['a'])
    assert.deepEqual(driven.outputs(out), [
      '1 x -',
      null,
      '2 y Ulm',
      '3 x Ulm',
      '4 y Ulm',
      '5 x Ulm',
      '5 x -',
      null,
    ])
  })

  test('its steps have names of the name that it is given', () => {
    const joined = table(players).join(table(players), { on: ({ team }) => team })
    const steps = (built: Pipeline): string[] =>
      planJson(buildPlan(built, { name: 'p', repartition: false })).parts.flatMap((part) =>
        part.steps.filter(({ state }) => state !== null).map(({ name }) => name),
      )
    assert.deepEqual(steps(joined.named('fk').to(out)), [
      'players.table',
      'fk.left',
      'players.table-2',
      'fk.look-up',
      'fk',
    ])
  })
})

test('what only grows is said by the plan', () => {
  const stream = from(players)
  const steps = planJson(
    buildPlan(
      pipeline(
        'all',
        stream.aggregate({ n: count() }).named('running').to(out),
        stream.aggregate({ n: count() }, { ttl: '1d' }).named('fading').to(out),
        stream
          .topN(3, { by: (p) => p.points })
          .named('top')
          .to(out),
        stream.changes().named('changes').to(out),
        stream.dedupe({ within: '1s' }).named('dedupe').to(out),
        table(players)
          .groupBy(() => 1)
          .aggregate({ n: count() })
          .named('groups')
          .to(out),
      ),
      { name: 'all', repartition: false },
    ),
  ).parts.flatMap((part) => part.steps)
  const of = (name: string): unknown => {
    const step = steps.find((each) => each.name === name)
    return [step?.grows, step?.late, step?.state]
  }
  assert.deepEqual(of('running'), [true, [], 'state grows with the number of keys'])
  assert.deepEqual(of('fading'), [false, ['players.late'], 'rows until 1d after their last record'])
  assert.deepEqual(of('top'), [true, [], 'the first 3 of each key'])
  assert.deepEqual(of('changes'), [true, [], 'the last record given of each key'])
  assert.deepEqual(of('dedupe'), [false, ['players.late'], 'times of first records, for twice 1s'])
  assert.deepEqual(of('groups'), [false, [], 'of each group with rows n = count'])
})
