import { describe, expect, test } from 'vitest'
import { json } from '../core/codec.ts'
import { count } from './aggregators/count.ts'
import { max } from './aggregators/extreme.ts'
import { buildPlan } from './build-plan.ts'
import { planJson, planMermaid, planText } from './explain-plan.ts'
import { from } from './from.ts'
import { pipeline } from './pipeline.ts'
import type { Plan } from './plan.ts'
import { topic } from './topic.ts'
import { tumbling } from './window.ts'

interface Reading {
  device: string
  celsius: number
  at: number
}
const readings = topic('readings', {
  codec: json<Reading>(),
  key: (r) => r.device,
  time: (r) => r.at,
  outOfOrder: '5s',
  partitions: 2,
})
const others = topic('others', { codec: json<Reading>(), key: 'record' })
const hot = from(readings)
  .window(tumbling('1m'), { lateness: '10s' })
  .aggregate({ peak: max((r) => r.celsius), n: count() })
const byDegree = from(readings)
  .keyBy((r) => r.celsius)
  .aggregate({ n: count() })
  .named('degrees')
const both = pipeline(
  'heat',
  hot.filter((row) => row.peak > 90).to(topic('hot', { compact: true, key: 'record' })),
  byDegree.print({ every: '1s' }),
)

function planOf(repartition: boolean): Plan {
  return buildPlan(both, { name: 'heat', repartition })
}

describe('planText', () => {
  test('a tree from sources to outputs', () => {
    const text = planText(planOf(false))
    expect(`\n${text}`).toBe(`
pipeline heat
  readings  source
  │  topic readings · codec json · key from the value · partitions 2 · time from the value · \
out of order 5s · idle after 10s, then advance · dead readings.dead
  ├─ readings.aggregate-1m  aggregate
  │  │  window tumbling 1m · lateness 10s · fields peak = max, n = count
  │  │  state: one entry for each key and open window
  │  │  late readings.late
  │  └─ readings.aggregate-1m.filter  filter
  │     └─ readings.aggregate-1m.to-hot  to
  │           topic hot · codec json · key the record's · cleanup compact
  └─ readings.key-by  key-by
     └─ degrees  aggregate
        │  fields n = count
        │  state grows with the number of keys
        │  ! it only ever grows: bound it by a window, an interval or a ttl
        └─ degrees.rows  table-rows
           └─ degrees.print  print
                 every 1s · first 10
                 state: the open batch
`)
  })

  test('several parts, with the topics between them', () => {
    const text = planText(planOf(true))
    expect(text).toContain('\npart main\n')
    expect(text).toContain('repartition heat.readings.key-by.repartition\n')
    expect(text).toContain(
      '\npart readings.key-by\n' +
        '  readings.key-by  from heat.readings.key-by.repartition\n' +
        '  └─ degrees',
    )
  })

  test('each step once, where several inputs meet', () => {
    const merged = from(readings)
      .merge(from(others))
      .window(tumbling('1m'))
      .reduce((a) => a)
    const text = planText(buildPlan(merged.print(), { name: 'm', repartition: false }))
    expect(text.split('readings.merge.reduce-1m  reduce')).toHaveLength(2)
    expect(text).toContain('  └─ readings.merge  (with its other inputs below)\n')
    expect(text).toContain('late readings.late, others.late\n')
  })
})

describe('planJson', () => {
  test('is plain data', () => {
    const plan = planJson(planOf(true))
    expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(plan)
    expect(plan.parts.map((part) => part.name)).toStrictEqual(['main', 'readings.key-by'])
    expect(plan.parts[0]?.steps[1]).toStrictEqual({
      name: 'readings.aggregate-1m',
      kind: 'aggregate',
      inputs: ['readings'],
      settings: { window: 'tumbling 1m', lateness: '10s', fields: 'peak = max, n = count' },
      state: 'one entry for each key and open window',
      grows: false,
      late: ['readings.late'],
    })
  })

  test('late records are named after the topics that reach the step, over all parts', () => {
    const rows = from(others)
      .keyBy((r) => r.celsius)
      .window(tumbling('1m'))
      .aggregate({ n: count() })
    const plan = buildPlan([rows.print(), from(readings).print()], { name: 'p', repartition: true })
    const late = planJson(plan).parts.flatMap((part) => part.steps.flatMap((step) => step.late))
    expect(late).toStrictEqual(['others.late'])
  })
})

describe('planMermaid', () => {
  test('one arrow for each way a record can go', () => {
    const text = planMermaid(planOf(true))
    expect(text.startsWith('flowchart LR\n')).toBe(true)
    expect(text).toContain('n1[("readings")]')
    expect(text).toContain('[["readings.aggregate-1m<br>tumbling 1m"]]')
    expect(text).toContain('[("heat.readings.key-by.repartition")]')
    expect(text).toMatch(/n1 -\. dead \.-> n\d+\n/)
    expect(text).toMatch(/n\d+ -\. late \.-> n\d+\n/)
    const arrows = text.split('\n').filter((line) => line.includes('-->'))
    expect(new Set(arrows).size).toBe(arrows.length)
    expect(arrows).toHaveLength(9)
  })

  test('quotes in names cannot end a label', () => {
    const { rest } = from(readings).branch({ a: () => true })
    const node = { ...rest.node, named: 'a"]; evil' }
    const print = { kind: 'print' as const, input: node, isTable: false, named: null }
    const given = {
      kind: 'pipeline' as const,
      name: null,
      sinks: [{ ...print, options: { everyMs: null, first: 1, label: null, format: null } }],
      feeds: [],
    }
    const text = planMermaid(buildPlan(given, { name: 'p', repartition: false }))
    expect(text).toContain('["a#quot;]; evil<br>branch-output"]')
  })
})
