import { expect, test } from 'vitest'
import type { Plan, PlanStep } from '../lib/shapes.ts'
import { flowGraph, laidOut } from './graph.ts'

const step = (name: string, kind: string, inputs: string[], settings = {}): PlanStep => {
  return { name, kind, inputs, settings, state: null, grows: false, late: [] }
}
const plan: Plan = {
  pipeline: 'p',
  parts: [
    {
      name: 'main',
      reads: [],
      repartitions: [{ step: 'readings.key-by', topic: 'p.by' }],
      steps: [
        step('readings', 'source', [], { topic: 'readings' }),
        step('readings.filter', 'filter', ['readings']),
        step('readings.filter.to-hot', 'to', ['readings.filter'], { topic: 'hot' }),
        step('to-warn', 'to', ['readings.filter'], {
          sink: 'action warn',
          outbox: 'p.warn.outbox',
        }),
        step('readings.key-by', 'key-by', ['readings.filter']),
      ],
    },
    {
      name: 'readings.key-by',
      reads: [{ step: 'readings.key-by', topic: 'p.by' }],
      repartitions: [],
      steps: [
        step('count', 'aggregate', ['readings.key-by'], { window: 'tumbling 1m' }),
        step('count.print', 'print', ['count']),
      ],
    },
  ],
}
const source = { source: 'plant', topic: 'readings', state: 'running', position: null }
const sources = [{ ...source, recordCount: 0, commitCount: 0, refusedCount: 0 }]

test('sources, topics, steps and outputs, and what flows between them', () => {
  const { nodes, edges } = flowGraph([plan], sources)
  expect(nodes.map(({ kind, label, what }) => `${kind} ${label} (${what})`)).toEqual([
    'source plant (source)',
    'topic readings (topic)',
    'step filter (filter)',
    'topic hot (topic)',
    'output warn (action)',
    'step key-by (key-by)',
    'topic p.by (repartition topic)',
    'step count (tumbling 1m)',
    'output print (print)',
  ])
  const names = new Map(nodes.map(({ id, label }) => [id, label]))
  const shown = edges.map(({ from, to, carries }) => {
    return `${names.get(from)} → ${names.get(to)}: ${carries.kind}`
  })
  expect(shown).toEqual([
    'plant → readings: source',
    'readings → filter: read',
    'filter → hot: write',
    'filter → warn: write',
    'filter → key-by: step',
    'key-by → p.by: write',
    'p.by → count: read',
    'count → print: step',
  ])
})

test('steps of one name in two pipelines are two, a topic that both read is one', () => {
  const { nodes } = flowGraph([plan, { ...plan, pipeline: 'q' }], [])
  expect(nodes.filter(({ label }) => label === 'filter')).toHaveLength(2)
  expect(nodes.filter(({ label }) => label === 'readings')).toHaveLength(1)
})

test('nothing lies on another, and everything goes from left to right', () => {
  const graph = flowGraph([plan], sources)
  const { places, paths, width, height } = laidOut(graph, 'LR')
  const corners = [...places.values()].map(({ x, y }) => `${x} ${y}`)
  expect(new Set(corners).size).toBe(graph.nodes.length)
  for (const { from, to } of graph.edges) {
    expect(places.get(from)?.x).toBeLessThan(places.get(to)?.x ?? 0)
  }
  for (const { d } of paths) expect(d).toMatch(/^M [\d.]+ [\d.]+ [QL]/)
  expect([width, height].every((size) => size > 0)).toBe(true)
})

test('no plan is an empty graph', () => {
  expect(laidOut(flowGraph([], []), 'TB').paths).toEqual([])
})
