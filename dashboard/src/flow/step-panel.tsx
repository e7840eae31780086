/** A step: what it does, what it keeps, what it waits for, and its last records. */
import { ask } from '../lib/api.ts'
import { count, rate, time } from '../lib/format.ts'
import { usePolled } from '../lib/hooks.ts'
import { Facts, Fault } from '../lib/parts.tsx'
import { linkTo } from '../lib/place.ts'
import type { PlanStep, Seen, StepFigures, TaskTime } from '../lib/shapes.ts'
import { stepRate } from './figures.ts'
import type { FlowNode } from './graph.ts'

type Look = NonNullable<StepFigures['look']>[number]

export function StepPanel({ node }: { readonly node: FlowNode }) {
  const { step, pipeline } = node
  if (step === null || pipeline === null) return null
  return <StepFacts step={step} pipeline={pipeline} />
}

function StepFacts({ step, pipeline }: { readonly step: PlanStep; readonly pipeline: string }) {
  const place = `${pipeline} ${step.name}`
  const figures = usePolled(
    (signal) => ask<StepFigures>('/steps', { query: { pipeline, step: step.name }, signal }),
    place,
    1_000,
  )
  const times = usePolled(
    (signal) => ask<{ tasks: TaskTime[] }>('/explain', { signal }),
    place,
    1_000,
  )
  const waits = (times.value?.tasks ?? [])
    .filter((one) => one.pipeline === pipeline)
    .flatMap(({ task, steps }) =>
      steps.filter((one) => one.step === step.name).map((one) => ({ ...one, task })),
    )
  const looks = figures.value?.look ?? []
  return (
    <>
      <Fault text={figures.error} />
      <Figures figures={figures.value} speed={stepRate(pipeline, step.name)} />
      <Facts
        of={[
          ['step', step.name],
          ...Object.entries(step.settings),
          ...(step.state === null ? [] : [['keeps', step.state] as const]),
          ...(step.late.length === 0 ? [] : [['late records', step.late.join(', ')] as const]),
        ]}
      />
      {step.grows ? (
        <p class="fault">
          What it keeps only ever grows: bound it by a window, an interval or a ttl.
        </p>
      ) : null}
      {waits.map(({ task, watermarkMs, text }) => (
        <Facts
          key={task}
          of={[
            ['task', task],
            ['event time', time(watermarkMs)],
            ...windowFacts(looks.find((one) => one.task === task)?.open ?? null),
            ['waits for', text],
          ]}
        />
      ))}
      {waits.length === 0 ? null : (
        <p>
          <a href={linkTo('why')}>Why has my window not fired?</a>
        </p>
      )}
      <Last title="Last taken" records={looks.flatMap(({ taken }) => taken)} />
      <Last title="Last given" records={looks.flatMap(({ given }) => given)} />
    </>
  )
}

function Figures(props: { readonly figures: StepFigures | null; readonly speed: number | null }) {
  const [step] = props.figures?.steps ?? []
  if (step === undefined) return null
  const { recordsIn, recordsOut, late, dead, ownNsP50, ownNsP99, stateEntries } = step
  return (
    <Facts
      of={[
        ['rate', props.speed === null ? '–' : rate(props.speed)],
        ['records in', count(recordsIn)],
        ['records out', count(recordsOut)],
        ...(late === 0 ? [] : [['late', count(late)] as const]),
        ...(dead === 0 ? [] : [['dead', count(dead)] as const]),
        [
          'a record takes',
          ownNsP50 === null ? '–' : `${ns(ownNsP50)} (p50), ${ns(ownNsP99)} (p99)`,
        ],
        ['state', `${count(stateEntries)} entries`],
      ]}
    />
  )
}

function ns(value: number | null): string {
  if (value === null) return '–'
  return value < 10_000 ? `${count(value)} ns` : `${count(value / 1_000)} µs`
}

function windowFacts(open: Look['open']): (readonly [string, string])[] {
  if (open === null) return []
  const oldest = open.firstStartMs === null ? '' : `, the oldest from ${time(open.firstStartMs)}`
  return [['open windows', `${count(open.count)}${oldest}`]]
}

function Last({ title, records }: { readonly title: string; readonly records: readonly Seen[] }) {
  if (records.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
      <ul class="records">
        {records
          .toReversed()
          .slice(0, 5)
          .map(({ time: at, key, value }, i) => (
            <li key={i} class="seen">
              <span class="when">{time(at)}</span>
              <span class="key">{key ?? '(no key)'}</span>
              <code class="value">{value}</code>
            </li>
          ))}
      </ul>
    </>
  )
}
