import { expect, test } from 'vitest'
import { json } from '../core/codec.ts'
import { buildPlan } from './build-plan.ts'
import { planJson, planText } from './explain-plan.ts'
import { from } from './from.ts'
import { output } from './process.ts'
import { listState, mapState, valueState } from './process-state.ts'
import type { StateDeclaration } from './process-state.ts'
import { topic } from './topic.ts'

const rows = topic('rows', { codec: json<{ k: string }>(), key: (row) => row.k })
const onRecord = (): void => {}

test('what would make no sense is refused', () => {
  const cases: [object, RegExp][] = [
    [{}, /onRecord of process takes a function/],
    [{ onRecord, onTimer: 5 }, /onTimer of process takes a function/],
    [{ onRecord, ttl: '0ms' }, /ttl of process is nothing/],
    [{ onRecord, ttl: 'soon' }, /ttl 'soon' is not a duration/],
    [
      { onRecord, state: { n: 5 } },
      /state 'n' takes valueState\(\), mapState\(\) or listState\(\)/,
    ],
    [{ onRecord, state: { n: null } }, /state 'n' takes/],
    [{ onRecord, state: { 'a b': valueState() } }, /a name of letters, digits and _, not 'a b'/],
    [{ onRecord, state: { n: valueState({ ttl: '0ms' }) } }, /ttl of state 'n'/],
    [{ onRecord, outputs: { main: output() } }, /other than 'main', 'named'/],
    [{ onRecord, outputs: { alerts: 5 } }, /output 'alerts' of process takes a type/],
    [{ onRecord, emits: 'text' }, /emits of process takes a type/],
  ]
  for (const [options, message] of cases) {
    expect(() => from(rows).process(options as never)).toThrow(message)
  }
  expect(() => from(rows).process(5 as never)).toThrow(/process takes options/)
  expect(() => valueState({ ttl: 'x' as '1s' })).toThrow(/ttl 'x' is not a duration/)
})

test('the plan says what is kept, and whether it only grows', () => {
  const grows = (
    state: Readonly<Record<string, StateDeclaration<unknown>>>,
    ttl?: '1h',
  ): unknown => {
    const stream = from(rows).process({ state, onRecord, ...(ttl === undefined ? {} : { ttl }) })
    const plan = buildPlan(stream.to(topic('out')), { name: 'p', repartition: false })
    return planJson(plan).parts[0]?.steps.find((step) => step.kind === 'process')?.grows
  }
  expect(grows({})).toBe(false)
  expect(grows({ n: valueState() })).toBe(true)
  expect(grows({ n: valueState(), m: mapState() }, '1h')).toBe(false)
  expect(grows({ n: valueState(), m: mapState({ ttl: 'forever' }) }, '1h')).toBe(true)
  expect(grows({ n: valueState({ ttl: '5m' }) })).toBe(false)
  const { main, alerts } = from(rows)
    .process({
      state: { n: valueState<number>(), seen: listState<string>({ ttl: '1m' }) },
      emits: output<number>(),
      outputs: { alerts: output<string>() },
      ttl: '1h',
      onRecord,
      onTimer: () => {},
    })
    .named('sessions')
  const pipelines = [main.to(topic('out')), alerts.to(topic('alerts'))]
  const text = planText(buildPlan(pipelines, { name: 'p', repartition: false }))
  expect(text).toContain('state n (value), seen (list, 1m)')
  expect(text).toContain('ttl 1h')
  expect(text).toContain('state and timers of each key')
  expect(text).toContain('sessions.main')
  expect(text).toContain('sessions.alerts')
})

test('a step without state or timers keeps nothing', () => {
  const stream = from(rows).process({ onRecord })
  const plan = buildPlan(stream.to(topic('out')), { name: 'p', repartition: false })
  const step = planJson(plan).parts[0]?.steps.find(({ kind }) => kind === 'process')
  expect([step?.state, step?.grows]).toStrictEqual([null, false])
})

test('records without key are refused with the plan', () => {
  const keyless = topic('keyless', { codec: json<{ k: string }>() })
  const stream = from(keyless as never as typeof rows).process({ onRecord })
  const build = (): unknown => buildPlan(stream.to(topic('out')), { name: 'p', repartition: false })
  expect(build).toThrow(/\.process\(\) groups by key, but records of topic 'keyless' come without/)
})
