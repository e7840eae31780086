/**
 * Random cases of the shapes for which a batch model says what must come out: those that operators
 * are tested with, here for the whole engine.
 */
import fc from 'fast-check'
import { codec, json } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { caseArbitrary, rawValue } from '../../src/engine/conformance/fold-case.ts'
import type { CaseRecord, FoldCase } from '../../src/engine/conformance/fold-case.ts'
import { modelLines as foldLines } from '../../src/engine/conformance/fold-model.ts'
import {
  runningAggregate,
  runningReduce,
  windowAggregate,
  windowReduce,
} from '../../src/engine/conformance/fold-pipelines.ts'
import {
  joinCases,
  placesOf,
  rawValue as rawOfJoin,
} from '../../src/engine/conformance/join-case.ts'
import type { JoinCase, JoinRecord } from '../../src/engine/conformance/join-case.ts'
import { joinLines } from '../../src/engine/conformance/join-model.ts'
import { testedJoins } from '../../src/engine/conformance/join-models.ts'
import { testedTables } from '../../src/engine/conformance/table-pipelines.ts'
import { tableLines } from '../../src/engine/conformance/table-model.ts'
import { pipelineOf, testedWindows, windowCases } from '../../src/engine/conformance/window-case.ts'
import { modelLines as windowLines } from '../../src/engine/conformance/window-check.ts'
import type { SimulatedRecord } from '../../src/testing/simulate/simulation-input.ts'
import { Dice } from './dice.ts'
import type { RandomCase } from './case.ts'
import { withTopics } from './with-topics.ts'

/** Longest input: cases with many keys are made shorter. */
const recordsMax = 120
const idleAfterMs = 50
/**
 * Records so late close all that is open: the clock would do so in small steps, the models take one
 * large one, and what several rows give in one step comes in order.
 */
const closingMs = 10_000_000

interface ModelCase {
  readonly name: string
  readonly text: string
  readonly partitions: number
  readonly outPartitions: number
  readonly outOfOrderMs: number
  readonly pipeline: Pipeline
  readonly input: readonly SimulatedRecord[]
  readonly lines: () => readonly string[]
}

/** A record as the codec of the topics writes it: the value for the key, its bytes for the log. */
interface Written {
  readonly k: string | null
  readonly t: number
  readonly raw: string
}

const rawCodec = codec<unknown>({
  name: 'raw-json',
  decode: (bytes) => json().decode(bytes, 0, bytes.length),
  encode: (value) => (value as Written).raw,
})

export function modelCase(seed: number): RandomCase {
  const dice = new Dice(seed)
  const made = dice.pick([foldCase, windowCase, windowCase, joinCase, joinCase, tableCase])(dice)
  const { partitions, outOfOrderMs, outPartitions } = made
  const pipelines = (): Pipeline[] => {
    const changed = withTopics(made.pipeline, (spec, use) => {
      if (use === 'written') return { ...spec, partitions: outPartitions }
      return { ...spec, codec: rawCodec, partitions, outOfOrderMs, idleAfterMs }
    })
    return [{ ...changed, name: 'random' }]
  }
  const topics = `partitions: ${partitions}, outOfOrder: ${outOfOrderMs}`
  return {
    seed,
    text: `${made.name}: ${made.text}\n${topics}, with a batch model`,
    pipelines,
    input: made.input,
    tasks: 'one',
    startAt: 'earliest',
    model: { name: made.name, lines: made.lines },
    uses: new Set([`model: ${made.name.replace(/, .*/, '')}`]),
    outputs: ['out'],
  }
}

function drawn<T>(arbitrary: fc.Arbitrary<T>, dice: Dice): T {
  const [one] = fc.sample(arbitrary, { seed: dice.int(2 ** 31), numRuns: 1 })
  return one as T
}

function foldCase(dice: Dice): ModelCase {
  const one = atOnce(drawn(caseArbitrary, dice))
  const folds = {
    windowAggregate: windowAggregate(),
    windowReduce,
    runningAggregate,
    runningReduce,
  }
  const [name, fold] = dice.pick(Object.entries(folds))
  return {
    ...ofFold(one),
    name: `fold, ${name}`,
    text: `lateness: ${one.latenessMs}`,
    pipeline: fold.pipeline(one.latenessMs),
    lines: () => foldLines(one, fold.rules, []),
  }
}

function windowCase(dice: Dice): ModelCase {
  const [name, make] = dice.pick(Object.entries(testedWindows))
  const { runs: raw, tested: base } = drawn(
    // Those of the wall clock, and what comes early by it, follow another clock here.
    windowCases((unit) => make(unit, 'event')),
    dice,
  )
  const isEarly = base.emission.kind === 'early'
  const tested = isEarly ? { ...base, emission: { kind: 'updates' as const } } : base
  const runs = atOnce(raw)
  return {
    ...ofFold(runs),
    name: `window, ${name}`,
    text: JSON.stringify(tested),
    pipeline: pipelineOf(tested),
    lines: () => windowLines({ runs, tested }, []),
  }
}

/** All input at once, and nothing that interrupts. */
function atOnce(one: FoldCase): FoldCase {
  const records = one.rounds.flatMap((round) => round.records).slice(-recordsMax)
  const closing = Array.from({ length: one.partitions }, (_, partition): CaseRecord => {
    return { partition, k: 'end', v: 1, t: closingMs, isBroken: false }
  })
  return {
    ...one,
    idleAfterMs,
    rounds: [{ records: [...records, ...closing], slices: [], tickMs: 0 }],
  }
}

function ofFold({
  partitions,
  outOfOrderMs,
  rounds,
}: FoldCase): Pick<ModelCase, 'partitions' | 'outPartitions' | 'outOfOrderMs' | 'input'> {
  const records = rounds.flatMap((round) => round.records)
  const input = records.map((record: CaseRecord): SimulatedRecord => {
    const { k, t, partition } = record
    const value: Written = { k, t, raw: rawValue(record) }
    return { topic: 'in', value, key: k as string, time: t, partition }
  })
  return { partitions, outPartitions: 2, outOfOrderMs, input }
}

function joinCase(dice: Dice): ModelCase {
  const [name, { scaleMs, pipeline, model }] = dice.pick(Object.entries(testedJoins))
  const wide = drawn(joinCases(scaleMs), dice)
  // Partitions of a global table are read one by one: a key's rows lie in one of them.
  const one = joinAtOnce(name.startsWith('global') ? inOnePartition(wide) : wide)
  return {
    ...ofJoin(one),
    name: `join, ${name}`,
    text: `a unit of ${scaleMs} ms`,
    pipeline,
    lines: () => joinLines(one, model, []),
  }
}

function tableCase(dice: Dice): ModelCase {
  const [name, { pipeline, model }] = dice.pick(Object.entries(testedTables))
  const one = joinAtOnce(drawn(joinCases(1), dice))
  return {
    ...ofJoin(one),
    name: `table, ${name}`,
    text: '',
    pipeline,
    lines: () => tableLines(one, model(), []),
  }
}

function inOnePartition(one: JoinCase): JoinCase {
  const rounds = one.rounds.map((round) => {
    return { ...round, records: round.records.map((record) => ({ ...record, partition: 0 })) }
  })
  return { ...one, partitions: 1, rounds }
}

function joinAtOnce(one: JoinCase): JoinCase {
  const records = one.rounds.flatMap((round) => round.records).slice(-recordsMax)
  const closing = placesOf(one).map(({ side, partition }): JoinRecord => {
    return { side, partition, k: `end ${side}`, v: 1, t: closingMs }
  })
  return {
    ...one,
    idleAfterMs,
    rounds: [{ records: [...records, ...closing], slices: [], tickMs: 0 }],
  }
}

function ofJoin({
  partitions,
  outOfOrderMs,
  rounds,
}: JoinCase): Pick<ModelCase, 'partitions' | 'outPartitions' | 'outOfOrderMs' | 'input'> {
  const records = rounds.flatMap((round) => round.records)
  const input = records.map((record: JoinRecord): SimulatedRecord => {
    const { side, k, t, partition } = record
    const value: Written = { k, t, raw: rawOfJoin(record) }
    return { topic: side, value, key: k as string, time: t, partition }
  })
  return { partitions, outPartitions: 1, outOfOrderMs, input }
}
