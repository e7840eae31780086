/** A plan for people and programs: as a tree of text, as JSON, as a Mermaid diagram. */
import { growsForEver, lateTopicsOf, settingsOf, stateOf } from './describe-step.ts'
import type { Settings } from './node.ts'
import type { Plan, PlanPart, Step } from './plan.ts'
import { kindText } from './step-names.ts'

export interface StepJson {
  readonly name: string
  readonly kind: string
  readonly inputs: readonly string[]
  readonly settings: Settings
  /** What it keeps between records; null: nothing. */
  readonly state: string | null
  /** Whether what it keeps only ever grows: no window, no interval, no time to live bounds it. */
  readonly grows: boolean
  /** Topics that take the records it finds late. */
  readonly late: readonly string[]
}

export interface PlanJson {
  readonly pipeline: string
  readonly parts: readonly {
    readonly name: string
    readonly reads: PlanPart['reads']
    readonly repartitions: PlanPart['repartitions']
    readonly steps: readonly StepJson[]
  }[]
}

/**
 * The plan as plain data, fit for `JSON.stringify`.
 * @example
 * planJson(plan).parts[0]?.steps.map((step) => step.name)
 */
export function planJson(plan: Plan): PlanJson {
  const sources = sourcesOf(plan)
  return {
    pipeline: plan.name,
    parts: plan.parts.map(({ name, reads, repartitions, steps }) => ({
      name,
      reads,
      repartitions,
      steps: steps.map((step) => stepJson(step, sources)),
    })),
  }
}

/**
 * The plan as a tree, from sources to outputs: each step's name and kind, below it its settings,
 * what it keeps, and the steps that read from it. A step with several inputs stands below the last
 * of them; the others point to it.
 * @example
 * process.stdout.write(planText(plan))
 */
export function planText(plan: Plan): string {
  const sources = sourcesOf(plan)
  const lines = [`pipeline ${plan.name}`]
  for (const part of plan.parts) {
    if (plan.parts.length > 1) lines.push('', `part ${part.name}`)
    lines.push(...partLines(part, sources))
  }
  return `${lines.join('\n')}\n`
}

/**
 * The plan as a Mermaid flowchart, left to right: topics are cylinders, steps with state have
 * double borders, dead and late letters dotted arrows.
 * @example
 * `${'```'}mermaid\n${planMermaid(plan)}${'```'}`
 */
export function planMermaid(plan: Plan): string {
  const ids = new Map<string, string>()
  const lines = ['flowchart LR']
  const declare = (key: string, shape: string): string => {
    const known = ids.get(key)
    if (known !== undefined) return known
    const id = `n${ids.size + 1}`
    ids.set(key, id)
    lines.push(`  ${id}${shape}`)
    return id
  }
  const topic = (name: string): string => declare(`topic ${name}`, `[(${quoted(name)})]`)
  const sources = sourcesOf(plan)
  for (const part of plan.parts) {
    const step = ({ name, node }: Step): string =>
      node.kind === 'source'
        ? topic(node.topic.name)
        : declare(
            `${part.name} ${name}`,
            stepShape(name, stepJson({ name, node, inputs: [] }, new Map())),
          )
    for (const each of part.steps) {
      const id = step(each)
      for (const input of each.inputs) {
        const own = part.steps.find(({ name }) => name === input)
        const from = own === undefined ? [] : [step(own)]
        const read = part.reads.filter((one) => one.step === input).map((one) => topic(one.topic))
        for (const source of [...from, ...read]) lines.push(`  ${source} --> ${id}`)
      }
      if (each.node.kind === 'to') lines.push(`  ${id} --> ${topic(each.node.topic.name)}`)
      const { late, settings } = stepJson(each, sources)
      for (const name of late) lines.push(`  ${id} -. late .-> ${topic(name)}`)
      if (settings['dead'] !== undefined)
        lines.push(`  ${id} -. dead .-> ${topic(settings['dead'])}`)
      for (const one of part.repartitions) {
        if (one.step === each.name) lines.push(`  ${id} --> ${topic(one.topic)}`)
      }
    }
  }
  return `${lines.join('\n')}\n`
}

function stepJson({ name, node, inputs }: Step, sources: Sources): StepJson {
  return {
    name,
    kind: node.kind === 'step' ? node.spec.kind : kindText(node.kind),
    inputs,
    settings: settingsOf(node),
    state: stateOf(node),
    grows: growsForEver(node),
    late: lateTopicsOf(node, [...(sources.get(name) ?? [])]),
  }
}

/** Step → the topics whose records reach it. */
type Sources = ReadonlyMap<string, ReadonlySet<string>>

function sourcesOf(plan: Plan): Sources {
  const sources = new Map<string, Set<string>>()
  for (const { name, node, inputs } of plan.parts.flatMap((part) => part.steps)) {
    const before = inputs.flatMap((input) => [...(sources.get(input) ?? [])])
    const own = node.kind === 'source' ? [node.topic.name] : []
    sources.set(name, new Set([...(sources.get(name) ?? []), ...before, ...own]))
  }
  return sources
}

function partLines(part: PlanPart, sources: Sources): string[] {
  const lines: string[] = []
  const missing = new Map(part.steps.map((step) => [step.name, step.inputs.length]))
  const readers = (name: string): Step[] => part.steps.filter((step) => step.inputs.includes(name))

  const below = (name: string, indent: string): void => {
    const steps = readers(name)
    for (const [i, step] of steps.entries()) {
      const isLast = i === steps.length - 1
      const head = `${indent}${isLast ? '└─ ' : '├─ '}`
      const rest = `${indent}${isLast ? '   ' : '│  '}`
      const left = (missing.get(step.name) ?? 0) - 1
      missing.set(step.name, left)
      if (left > 0) lines.push(`${head}${step.name}  (with its other inputs below)`)
      else show(step, head, rest)
    }
  }
  const show = (step: Step, head: string, indent: string): void => {
    const json = stepJson(step, sources)
    lines.push(`${head}${step.name}  ${json.kind}`)
    const hasReaders = readers(step.name).length > 0
    for (const line of detailLines(step, json, part)) {
      lines.push(`${indent}${hasReaders ? '│  ' : '   '}${line}`)
    }
    below(step.name, indent)
  }

  for (const read of new Set(part.reads.map(({ step }) => step))) {
    const topics = part.reads.filter(({ step }) => step === read).map(({ topic }) => topic)
    lines.push(`  ${read}  from ${topics.join(', ')}`)
    below(read, '  ')
  }
  for (const step of part.steps) if (step.node.kind === 'source') show(step, '  ', '  ')
  return lines
}

function detailLines(step: Step, json: StepJson, part: PlanPart): string[] {
  const { settings, state, grows, late } = json
  const texts = Object.entries(settings).map(([name, text]) => `${name} ${text}`)
  const lines = texts.length === 0 ? [] : [texts.join(' · ')]
  if (state !== null) lines.push(state.startsWith('state') ? state : `state: ${state}`)
  if (grows) lines.push('! it only ever grows: bound it by a window, an interval or a ttl')
  if (late.length > 0) lines.push(`late ${late.join(', ')}`)
  for (const one of part.repartitions) {
    if (one.step === step.name) lines.push(`repartition ${one.topic}`)
  }
  return lines
}

function stepShape(name: string, { kind, settings, state }: StepJson): string {
  const window = settings['window']
  const label = quoted(window === undefined ? `${name}<br>${kind}` : `${name}<br>${window}`)
  return state === null ? `[${label}]` : `[[${label}]]`
}

/** Mermaid's own escape: entities inside quotes. */
function quoted(text: string): string {
  return `"${text.replaceAll('"', '#quot;')}"`
}
