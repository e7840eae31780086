/** What `millrace test` says of a pipeline that held. */
import type { FaultKind } from '../testing/simulate/fault.ts'
import type { MillraceError } from '../core/error.ts'
import { encodeKey } from '../core/key.ts'
import type { SimulatedRecord } from '../testing/simulate/simulation-input.ts'
import { table } from './table.ts'
import type { Written } from './test-outputs.ts'
import { formatCount, formatTime, plural } from './text-format.ts'

export interface TestReport {
  readonly name: string
  readonly runs: number
  /** Of the first input. */
  readonly inputs: readonly {
    readonly topic: string
    readonly from: string
    readonly records: readonly SimulatedRecord[]
  }[]
  readonly inputCount: number
  /** Of the first input. */
  readonly written: readonly Written[]
  readonly commits: number
  readonly faults: Readonly<Record<FaultKind, number>>
  readonly ms: number
}

/** One line of JSON. */
export function testJson(report: TestReport): string {
  const { name, runs, inputs, inputCount, written, commits, faults, ms } = report
  const json = {
    pipeline: name,
    held: true,
    runs,
    commits,
    ms: Math.round(ms),
    faults,
    inputs: inputs.map(({ topic, from, records }) => {
      return { topic, from, records: records.length, keys: keysOf(records) }
    }),
    inputCount,
    written: written.map(({ topic, records }) => ({ topic, records })),
  }
  return `${JSON.stringify(json)}\n`
}

/** The same for a pipeline that did not hold, or could not be simulated. */
export function failureJson(name: string, { code, message, hint, at }: MillraceError): string {
  const step = at.step === undefined ? {} : { step: at.step }
  return `${JSON.stringify({ pipeline: name, held: false, code, ...step, message, hint })}\n`
}

/** For people. */
export function testText(report: TestReport): string {
  const { name, runs, inputs, inputCount, written, commits, faults, ms } = report
  const seconds = `${(ms / 1000).toFixed(1)} s`
  const met = Object.entries(faults).filter(([, count]) => count > 0)
  return [
    `pipeline '${name}': the same results in ${plural(runs, 'run')} with faults\n`,
    table(
      [
        { title: 'INPUT' },
        { title: 'RECORDS', align: 'right' },
        { title: 'KEYS', align: 'right' },
        { title: 'EVENT TIME' },
        { title: 'FROM' },
      ],
      inputs.map(({ topic, from, records }) => [
        topic,
        formatCount(records.length),
        formatCount(keysOf(records)),
        spanOf(records),
        from,
      ]),
    ),
    table(
      [{ title: 'OUTPUT' }, { title: 'RECORDS', align: 'right' }],
      written.map(({ topic, records }) => [topic, formatCount(records)]),
    ),
    table(
      [{ title: 'FAULT' }, { title: 'TIMES', align: 'right' }],
      met.map(([kind, count]) => [kind, formatCount(count)]),
    ),
    `${[
      ...(inputCount > 1 ? [`${inputCount} inputs, of which this was one`] : []),
      `${plural(commits, 'commit')}`,
      seconds,
    ].join('; ')}\n${notes(report)}`,
  ].join('\n')
}

function keysOf(records: readonly SimulatedRecord[]): number {
  return new Set(records.flatMap(({ key }) => (key === undefined ? [] : encodeKey(key)))).size
}

function spanOf(records: readonly SimulatedRecord[]): string {
  const times = records.flatMap(({ time }) => time ?? [])
  if (times.length === 0) return '-'
  const least = times.reduce((a, b) => Math.min(a, b))
  const most = times.reduce((a, b) => Math.max(a, b))
  return `${formatTime(least)} to ${formatTime(most)}`
}

/** What a reader may overlook: a test that proves little. */
function notes({ inputs, written }: TestReport): string {
  const lines: string[] = []
  const outputs = written.filter(({ kind }) => kind === 'output')
  if (outputs.length === 0) {
    lines.push('it writes to no topic: only dead and late records were compared')
  }
  for (const { topic, records } of outputs) {
    if (records > 0) continue
    lines.push(`nothing was written to ${topic}: try more --records, or real ones with --input`)
  }
  for (const { topic, records } of inputs) {
    const dead = written.find((one) => one.topic === `${topic}.dead`)
    if (dead === undefined || dead.records * 2 < records.length || dead.records === 0) continue
    const why = dead.reason === null ? '' : `: ${dead.reason}`
    lines.push(`${dead.records} of ${records.length} records of ${topic} are dead letters${why}`)
  }
  return lines.map((line) => `note: ${line}\n`).join('')
}
