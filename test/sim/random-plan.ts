/** A random plan: one to three outputs, each behind a chain of random steps. */
import { topic } from '../../src/index.ts'
import type { Key } from '../../src/index.ts'
import type { Dice } from './dice.ts'
import { windowSteps } from './fold-steps.ts'
import { mayThrow } from './ground.ts'
import type { Grown, Ground, StepMaker } from './ground.ts'
import type { Item } from './item.ts'
import { joinSteps } from './join-steps.ts'
import { processSteps } from './process-steps.ts'
import { makeSource, streamOf } from './sources.ts'
import type { CaseSettings, Source, SourceKind } from './source.ts'
import { statelessSteps } from './stateless-steps.ts'
import { tableSteps } from './table-steps.ts'
import { spreadTableSteps } from './spread-table-steps.ts'

/** All steps that plans are made of. */
export const stepMakers: Readonly<Record<string, StepMaker>> = {
  ...statelessSteps,
  ...windowSteps,
  ...joinSteps,
  ...processSteps,
  ...tableSteps,
  ...spreadTableSteps,
}

/** Topics of one kind that a plan reads at most. */
const sourcesMax: Readonly<Record<SourceKind, number>> = { stream: 3, table: 2, global: 1 }

export interface Plan {
  readonly ground: Ground
  /** Those that were asked for; some may be of no output. */
  readonly sources: readonly (Source & { readonly text: string })[]
}

export function growPlan(dice: Dice, settings: CaseSettings, isClockFree: boolean): Plan {
  const sources: (Source & { readonly text: string })[] = []
  const uses = new Set<string>()
  let numbers = 0
  const ground: Ground = {
    dice,
    tasks: settings.tasks,
    isClockFree,
    isStill:
      settings.flow === 'in waves' || (settings.flow === 'at once' && settings.idle === 'wait'),
    isAtOnce: settings.flow === 'at once',
    isWavering: settings.flow === 'with rests',
    uses,
    lines: [],
    outputs: [],
    keys: settings.keys,
    source: (kind) => {
      const there = sources.filter((one) => one.kind === kind)
      if (there.length > 0 && (there.length >= sourcesMax[kind] || dice.percent(40))) {
        return dice.pick(there)
      }
      const made = makeSource(dice, settings, { kind, number: there.length + 1, uses })
      sources.push(made)
      return made
    },
    number: () => (numbers += 1),
  }
  for (let left = dice.pick([1, 1, 2, 3]); left > 0; left--) growChain(ground)
  return { ground, sources }
}

function growChain(ground: Ground): void {
  const { dice } = ground
  let at = streamOf(ground.source('stream'), ground)
  if (!at.isKeyed && dice.percent(80)) at = grow(at, 'keyBy', ground)
  for (let left = dice.between(1, 4); left > 0; left--) {
    const usable = Object.entries(stepMakers).filter(([, step]) => step.may(at, ground))
    at = grow(at, pickWeighted(dice, usable), ground)
    if (at.isEnd) return
    if (left > 1 && dice.percent(12)) {
      ground.uses.add('a step with several readers')
      writeTo(at, ground)
    }
  }
  writeTo(at, ground)
}

function grow(at: Grown, name: string, ground: Ground): Grown {
  ground.uses.add(name)
  return (stepMakers[name] as StepMaker).grow(at, ground)
}

function pickWeighted(dice: Dice, steps: readonly (readonly [string, StepMaker])[]): string {
  let left = dice.int(steps.reduce((total, [, { weight }]) => total + weight, 0))
  for (const [name, { weight }] of steps) {
    left -= weight
    if (left < 0) return name
  }
  throw new Error('no step may follow')
}

function writeTo(at: Grown, ground: Ground): void {
  const { dice, uses, lines, outputs } = ground
  if (dice.percent(6)) {
    uses.add('print')
    lines.push(`${at.name}.print()`)
    outputs.push(at.stream.print())
  }
  if (mayThrow(at) && dice.percent(6)) {
    uses.add('forEach')
    lines.push(`${at.name}.forEach(throws for v % 19 == 2)`)
    const check = ({ v }: Item): void => {
      if (v % 19 === 2) throw new Error(`${v} is refused at the end`)
    }
    outputs.push(at.stream.forEach(check))
  }
  const name = `out-${ground.number()}`
  const partitions = dice.between(1, 3)
  if (dice.percent(15)) {
    uses.add('an output with a key of its own')
    const key = ({ v }: Item): Key => `own ${v % 3}`
    lines.push(`${at.name}.to(topic('${name}', { partitions: ${partitions}, key: v % 3 }))`)
    outputs.push(at.stream.to(topic(name, { partitions, key: key as never })))
    return
  }
  lines.push(`${at.name}.to(topic('${name}', { partitions: ${partitions} }))`)
  outputs.push(at.stream.to(topic(name, { partitions })))
}
