/** What a pipeline writes in a simulated run without faults. */
import { buildPlan } from '../pipeline/build-plan.ts'
import { deadTopic, lateTopic } from '../pipeline/letter-topic.ts'
import type { Pipeline } from '../pipeline/node.ts'
import { encodeInput, type SimulatedRecord } from '../testing/simulate/simulation-input.ts'
import { runOnce } from '../testing/simulate/simulation.ts'
import { subjectOf } from '../testing/simulate/subject.ts'

export interface Written {
  readonly topic: string
  readonly kind: 'output' | 'dead' | 'late'
  readonly records: number
  /** Of dead letters: why the first one is one. */
  readonly reason: string | null
}

const settleMs = 3_600_000

/** @returns the topics that the pipeline writes, then those of its dead and late records */
export async function writtenBy(
  pipelines: readonly Pipeline[],
  input: readonly SimulatedRecord[],
  tasks: 'one' | 'per-partition',
): Promise<Written[]> {
  const subject = subjectOf(() => pipelines, {
    tasks,
    settleMs,
    betweenMs: settleMs,
    startAt: 'earliest',
  })
  const records = encodeInput(input, subject.sources)
  const { outcome } = await runOnce({ subject, input: records, faults: [], tap: null })
  const name = pipelines[0]?.name ?? 'simulated'
  const { parts } = buildPlan(pipelines, { name, repartition: false })
  const outputs = parts
    .flatMap(({ steps }) => steps)
    .flatMap(({ node }) => (node.kind === 'to' ? node.topic.name : []))
  const sources = [...subject.sources.keys()]
  const kinds = [
    ...[...new Set(outputs)].map((topic) => ({ topic, kind: 'output' as const })),
    ...sources.map((topic) => ({ topic: deadTopic(topic), kind: 'dead' as const })),
    ...sources.map((topic) => ({ topic: lateTopic(topic), kind: 'late' as const })),
  ]
  return kinds.map(({ topic, kind }) => {
    const places = [...outcome].flatMap(([place, texts]) =>
      place.startsWith(`${topic}, `) ? texts : [],
    )
    return { topic, kind, records: places.length, reason: reasonIn(places[0] ?? '') }
  })
}

/** The header `millrace-message` of a letter, as the outcome's text has it. */
function reasonIn(text: string): string | null {
  return / millrace-message=(.*?)(?= millrace-|$)/s.exec(text)?.[1] ?? null
}
