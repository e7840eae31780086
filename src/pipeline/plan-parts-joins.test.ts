import { describe, expect, test } from 'vitest'
import { json } from '../core/codec.ts'
import { count } from './aggregators/count.ts'
import { buildPlan } from './build-plan.ts'
import { from } from './from.ts'
import type { Node, Pipeline, StepNode } from './node.ts'
import type { Plan } from './plan.ts'
import { sameKeyNode, stepNode } from './step-node.ts'
import { topic } from './topic.ts'
import { tumbling } from './window.ts'

const numbers = topic('numbers', { codec: json<number>(), key: (n) => n })
const others = topic('others', { codec: json<number>(), key: (n) => n })
const small = topic('small', { codec: json<number>(), key: (n) => n })
const out = topic('out', { codec: json<unknown>() })

/** Two sides that meet in a step with state, as any join makes them. */
function joined(left: Node, right: Node): StepNode {
  const sides = [sameKeyNode(left, 'left', '.join()'), sameKeyNode(right, 'right', '.join()')]
  const traits = { label: 'join', method: '.join()', groups: true, state: 'rows' }
  return stepNode(sides, { kind: 'split', count: 1 }, traits)
}

function sink(input: Node): Pipeline {
  const node: Node = { kind: 'to', input, topic: out.spec, sink: null, isTable: false, named: null }
  return { kind: 'pipeline', name: null, sinks: [node], feeds: [] }
}

function plan(node: Node): Plan {
  return buildPlan(sink(node), { name: 'p', repartition: true })
}

/** Each part with the steps whose output it reads and sends on. */
function cuts({ parts }: Plan): string[] {
  return parts.map(({ name, reads, repartitions }) => {
    const names = (edges: typeof reads): string => edges.map(({ step }) => step).join(' ')
    return `${name} < ${names(reads)} > ${names(repartitions)}`
  })
}

/** The part that a step runs in. */
function partOf({ parts }: Plan, step: string): string[] {
  const isThere = (name: string): boolean => name === step
  return parts.filter(({ steps }) => steps.some(({ name }) => isThere(name))).map((p) => p.name)
}

describe('the sides of a join', () => {
  test('straight from topics, nothing moves', () => {
    const join = joined(from(numbers).node, from(others).node)
    expect(cuts(plan(join))).toStrictEqual(['main <  > '])
  })

  test('both keyed anew: they meet in one part', () => {
    const left = from(numbers)
      .keyBy((n) => n % 2)
      .named('l')
    const right = from(others)
      .keyBy((n) => n % 2)
      .named('r')
    expect(cuts(plan(joined(left.node, right.node)))).toStrictEqual(['main <  > l r', 'l < l r > '])
  })

  test('one keyed anew: the other one moves as well', () => {
    const left = from(numbers)
      .keyBy((n) => n % 2)
      .named('l')
    const whole = plan(joined(left.node, from(others).node))
    expect(cuts(whole)).toStrictEqual(['main <  > l others.right', 'l < l others.right > '])
    expect(partOf(whole, 'l.join')).toStrictEqual(['l'])
  })

  test('one keyed anew, with a step with state behind: it is in the part of the join', () => {
    const left = from(numbers)
      .keyBy((n) => n % 2)
      .named('l')
    const behind = (join: Node): Node => {
      const traits = { label: 'count', method: '.count()', groups: true, state: 'rows' }
      return stepNode([join], { kind: 'split', count: 1 }, traits)
    }
    for (const join of [
      joined(left.node, from(others).node),
      joined(from(others).node, left.node),
    ]) {
      const whole = plan(behind(join))
      expect(whole.parts.length).toBe(2)
      const steps = whole.parts[1]?.steps.map(({ name }) => name) ?? []
      expect(steps.some((name) => name.endsWith('.count'))).toBe(true)
    }
  })

  test('behind a step with state: it moves to meet what was keyed anew', () => {
    const counted = from(numbers)
      .keyBy((n) => n % 2)
      .named('l')
      .window(tumbling('1m'))
      .aggregate({ n: count() })
      .named('c')
    const right = from(others)
      .keyBy((n) => n % 2)
      .named('r')
    const whole = plan(joined(counted.node, right.node))
    expect(cuts(whole)).toStrictEqual(['main <  > l r', 'l < l > c.left', 'c.left < c.left r > '])
  })

  test('a stream with its own counts: no part reads what it writes', () => {
    const keyed = from(numbers)
      .keyBy((n) => n % 2)
      .named('l')
    const counted = keyed.window(tumbling('1m')).aggregate({ n: count() }).named('c')
    expect(cuts(plan(joined(keyed.node, counted.node)))).toStrictEqual(['main <  > l', 'l < l > '])
    const further = counted.keyBy(({ n }) => n).named('f')
    expect(cuts(plan(joined(keyed.node, further.node)))).toStrictEqual([
      'main <  > l',
      'l < l > l.left f',
      'l.left < l.left f > ',
    ])
  })

  test('a side that never had a key is refused', () => {
    const keyless = topic('keyless', { codec: json<number>() })
    expect(() => plan(joined(from(keyless).node, from(others).node))).toThrow(
      '.join() groups by key, but records of topic',
    )
  })
})

describe('a global source', () => {
  const table: Node = { kind: 'source', topic: small.spec, scope: 'global', named: null }

  function enriched(left: Node): StepNode {
    const traits = { label: 'join', method: '.join()', state: 'the table' }
    return stepNode([left, table], { kind: 'same-key' }, traits)
  }

  test('is in the part that joins with it, in each one', () => {
    const left = from(numbers)
      .keyBy((n) => n % 2)
      .named('l')
    const counted = left.window(tumbling('1m')).aggregate({ n: count() }).named('c')
    const both = from(others).merge(counted.map(({ n }) => n) as never)
    const whole = plan(enriched(both.node))
    expect(whole.parts.map(({ name }) => name)).toStrictEqual(['main', 'l'])
    expect(partOf(whole, 'small.global')).toStrictEqual(['main', 'l'])
  })

  test('beside the same topic read as a stream, under a name of its own', () => {
    const whole = plan(enriched(from(small).node))
    const names = whole.parts.flatMap(({ steps }) => steps.map(({ name }) => name))
    expect(names).toStrictEqual(['small', 'small.global', 'small.join', 'small.join.to-out'])
  })
})
