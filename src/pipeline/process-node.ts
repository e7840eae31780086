/** Makes the nodes of `process`. */
import { durationMs, formatDuration } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import { checked, refuse } from './checked.ts'
import type { Node, OutputNode, Settings, StepNode } from './node.ts'
import type { KeyedStateSpec, ProcessSpec } from './process-spec.ts'
import { stepNode } from './step-node.ts'

/** Options before they are checked. */
interface Given {
  readonly state?: Readonly<Record<string, GivenState>>
  readonly emits?: unknown
  readonly outputs?: Readonly<Record<string, unknown>>
  readonly ttl?: string
  readonly onRecord?: unknown
  readonly onTimer?: unknown
}
type GivenState = Partial<Pick<KeyedStateSpec, 'kind' | 'initial'>> & {
  readonly ttlMs?: number | null | undefined
}

/** @throws `invalid-argument` · `invalid-duration` */
export function processNode(input: Node, options: unknown): StepNode {
  if (typeof options !== 'object' || options === null) {
    throw refuse('process takes options: process({ onRecord(value, ctx) { … } })', options)
  }
  const given = options as Given
  const ttlMs = ttlOf(given)
  const states = Object.entries(given.state ?? {}).map(([name, state]) => {
    return stateSpec(name, state, ttlMs)
  })
  const outputs = Object.entries(given.outputs ?? {}).map(([name, type]) => outputName(name, type))
  if (given.emits !== undefined) checkOutputType('emits', given.emits)
  const spec: ProcessSpec = {
    kind: 'process',
    states,
    outputs,
    onRecord: checked(given.onRecord, 'onRecord of process') as unknown as ProcessSpec['onRecord'],
    onTimer:
      given.onTimer === undefined
        ? null
        : (checked(given.onTimer, 'onTimer of process') as unknown as ProcessSpec['onTimer']),
  }
  return stepNode([input], spec, {
    label: 'process',
    method: '.process()',
    groups: true,
    state: stateText(spec),
    grows: states.some((state) => state.ttlMs === null),
    settings: settingsOf(spec, ttlMs),
  })
}

/** The main output and the named ones of a step that has several, by name. */
export function processOutputs(step: StepNode): Record<string, OutputNode> {
  const { outputs } = step.spec as ProcessSpec
  const nodes = ['main', ...outputs].map((name): [string, OutputNode] => {
    return [name, { kind: 'output', input: step, output: name, named: null }]
  })
  return Object.fromEntries(nodes)
}

function ttlOf({ ttl }: Given): number | null {
  if (ttl === undefined) return null
  const ttlMs = durationMs(ttl, 'ttl')
  if (ttlMs > 0) return ttlMs
  throw new MillraceError('invalid-duration', 'ttl of process is nothing', {
    hint: "state needs some time to live: ttl: '1h'; leave it out to keep state for ever",
  })
}

function stateSpec(name: string, state: GivenState, ttlMs: number | null): KeyedStateSpec {
  if (!/^[a-zA-Z]\w{0,59}$/.test(name)) {
    throw refuse('a state of process has a name of letters, digits and _', name)
  }
  const { kind } = state ?? {}
  if (kind !== 'value' && kind !== 'map' && kind !== 'list') {
    throw refuse(`state '${name}' takes valueState(), mapState() or listState()`, state)
  }
  const own = state.ttlMs
  if (own === 0) throw refuse(`ttl of state '${name}' is longer than nothing`, '0ms')
  const { initial } = state
  if (own === undefined) return { name, kind, initial, ttlMs, ttlOf: 'step' }
  return { name, kind, initial, ttlMs: own, ttlOf: 'state' }
}

function outputName(name: string, type: unknown): string {
  if (name === 'main' || name === 'named' || !/^[a-zA-Z0-9._-]{1,60}$/.test(name)) {
    const rule = "an output of process has a name of a-z A-Z 0-9 . _ -, other than 'main', 'named'"
    throw refuse(rule, name)
  }
  checkOutputType(`output '${name}'`, type)
  return name
}

function checkOutputType(what: string, type: unknown): void {
  if ((type as { kind?: unknown } | null)?.kind === 'output-type') return
  throw refuse(`${what} of process takes a type: output<Alert>()`, type)
}

/** Without the states' names: the step may get further ones. */
function stateText({ states, onTimer }: ProcessSpec): string | null {
  const kept = [...(states.length > 0 ? ['state'] : []), ...(onTimer === null ? [] : ['timers'])]
  return kept.length === 0 ? null : `${kept.join(' and ')} of each key`
}

function settingsOf({ states, outputs }: ProcessSpec, ttlMs: number | null): Settings {
  const shown = states.map((state) => {
    const own = state.ttlMs === ttlMs ? '' : `, ${ttlText(state.ttlMs)}`
    return `${state.name} (${state.kind}${own})`
  })
  return {
    ...(states.length > 0 ? { state: shown.join(', '), ttl: ttlText(ttlMs) } : {}),
    ...(outputs.length > 0 ? { outputs: ['main', ...outputs].join(', ') } : {}),
  }
}

function ttlText(ttlMs: number | null): string {
  return ttlMs === null ? 'none' : formatDuration(ttlMs)
}
