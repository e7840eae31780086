/** What the types rule out and JavaScript does not: steps that cannot work. */
import { MillraceError } from '../core/error.ts'
import type { AggregateNode, BranchNode, Node } from './node.ts'
import type { Step } from './plan.ts'
import { checkJoin } from './join-check.ts'
import { checkMatchSpec } from './patterns/match-options.ts'
import { checkTableSpec } from './table-check.ts'
import { checkWindow } from './window-check.ts'

/** @throws `invalid-plan` naming the step */
export function checkSteps(steps: readonly Step[]): void {
  /** Steps whose records have no key, with the source that gives none. */
  const keyless = new Map<string, string>()
  for (const step of steps) {
    const { name, node } = step
    if (node.kind === 'aggregate') checkFields(name, node)
    if (node.kind === 'aggregate' || node.kind === 'reduce') checkWindow(name, node)
    if (node.kind === 'step') checkJoin(name, node.spec)
    if (node.kind === 'step') checkTableSpec(name, node.spec)
    if (node.kind === 'step' && node.spec.kind === 'match') checkMatchSpec(name, node.spec)
    if (node.kind === 'branch') checkCases(name, node)
    const source = keylessSource(step, keyless)
    if (source === null) continue
    if (isGrouping(node) || looksAtKey(node)) throw needsKey(name, node, source)
    keyless.set(name, source)
  }
}

/** @returns whether the step works by key: all records of one must meet in one task */
export function isGrouping(node: Node): boolean {
  if (node.kind === 'step') return node.traits.groups
  return node.kind === 'aggregate' || node.kind === 'reduce'
}

/** @returns whether the step looks at the records' own key, wherever they are */
function looksAtKey(node: Node): boolean {
  if (node.kind !== 'step') return false
  return node.spec.kind === 'split' || (node.spec.kind === 'global-join' && node.spec.by === null)
}

/** @returns whether the step gives records another key */
export function isRekeying(node: Node): boolean {
  return node.kind === 'step' ? node.traits.rekeys : node.kind === 'keyBy'
}

function keylessSource(step: Step, keyless: ReadonlyMap<string, string>): string | null {
  const { node } = step
  if (node.kind === 'source') return node.topic.key === null ? node.topic.name : null
  if (isRekeying(node)) return null
  for (const input of step.inputs) {
    const source = keyless.get(input)
    if (source !== undefined) return source
  }
  return null
}

function needsKey(step: string, node: Node, source: string): MillraceError {
  const isFold = node.kind === 'aggregate' || node.kind === 'reduce'
  const method =
    node.kind === 'step'
      ? node.traits.method
      : isFold && node.window !== null
        ? 'a window'
        : `.${node.kind}()`
  return new MillraceError(
    'invalid-plan',
    `${method} groups by key, but records of topic '${source}' come without one`,
    { at: { step }, hint: `call .keyBy(fn) before it, or give topic '${source}' a key` },
  )
}

function checkFields(step: string, node: AggregateNode): void {
  const names = new Set<string>()
  if (node.fields.length === 0) {
    throw new MillraceError('invalid-plan', 'aggregate has no fields', {
      at: { step },
      hint: 'give at least one: .aggregate({ records: count() })',
    })
  }
  for (const { name } of node.fields) {
    const isTaken = name === 'key' || name === 'window'
    if (!isTaken && !names.has(name)) {
      names.add(name)
      continue
    }
    const why = isTaken ? 'every result has it by itself' : 'there are two of it'
    throw new MillraceError('invalid-plan', `aggregate cannot have a field '${name}': ${why}`, {
      at: { step },
      hint: 'call it something else',
    })
  }
}

function checkCases(step: string, node: BranchNode): void {
  const names = new Set(['rest'])
  for (const { name } of node.cases) {
    if (names.has(name)) {
      throw new MillraceError('invalid-plan', `two outputs of a branch are named '${name}'`, {
        at: { step },
        hint: "give each case a name of its own, other than 'rest'",
      })
    }
    names.add(name)
  }
}
