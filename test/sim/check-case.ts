/** One seed: the run with faults equals the run without, and the batch model where there is one. */
import assert from 'node:assert/strict'
import type { Pipeline } from '../../src/index.ts'
import { MillraceError } from '../../src/index.ts'
import { simulate } from '../../src/testing/simulate/simulate.ts'
import type { SimulationReport } from '../../src/testing/simulate/simulate.ts'
import { encodeInput } from '../../src/testing/simulate/simulation-input.ts'
import type { Outcome } from '../../src/testing/simulate/outcome.ts'
import { runOnce } from '../../src/testing/simulate/simulation.ts'
import type { RunResult } from '../../src/testing/simulate/simulation.ts'
import { subjectOf } from '../../src/testing/simulate/subject.ts'
import { randomCase } from './random-case.ts'
import type { RandomCase } from './case.ts'

/** Runs with faults of each case. */
const faultSeeds = 3
/** As `simulate` has it. */
const settleMs = 3_600_000
const betweenMs = 60_000

export interface CheckedCase {
  readonly case: RandomCase
  readonly report: SimulationReport
  /** Records in the output topics, letters included. */
  readonly written: number
}

export interface CheckOptions {
  /** How long a failing case may be made smaller, ms. Default 20 s. */
  readonly shrinkMs?: number
  /** In place of the seed's: for tests of this check. */
  readonly case?: RandomCase
}

/** @throws an error that says seed, plan, difference, and how to see it again */
export async function checkCase(seed: number, options: CheckOptions = {}): Promise<CheckedCase> {
  const one = options.case ?? randomCase(seed)
  try {
    const seeds = Array.from({ length: faultSeeds }, (_, i) => seed * faultSeeds + i + 1)
    const report = await simulate(one.pipelines, {
      input: one.input,
      tasks: one.tasks,
      startAt: one.startAt,
      seeds,
      shrinkFor: `${options.shrinkMs ?? 20_000}ms`,
    })
    const { outcome } = await runWithoutFaults(one)
    if (one.model !== null) {
      const expected = one.model.lines().map(withoutPartition).toSorted(byPlace)
      const got = linesOfOutcome(outcome)
      assert.deepEqual(got.filter(saysAll), expected.filter(saysAll), 'not as the model')
    }
    const written = [...outcome.values()].reduce((sum, list) => sum + list.length, 0)
    return { case: one, report, written }
  } catch (thrown) {
    throw new Error(failureText(one, thrown), { cause: thrown })
  }
}

/** What a case commits when nothing goes wrong. */
export async function runWithoutFaults(one: RandomCase): Promise<RunResult> {
  const make = (): readonly Pipeline[] => one.pipelines()
  const { tasks, startAt } = one
  const options = { tasks, startAt, settleMs, betweenMs }
  const subject = subjectOf(make, options)
  const input = encodeInput(one.input, subject.sources)
  return await runOnce({ subject, input, faults: [], tap: null })
}

/** Headers of letters that a plain model can know. */
const knownHeaders = ['reason', 'step', 'offset', 'watermark', 'window-end', 'value']

/** `topic key=value@time header=…` of each record, sorted by topic and key, in order within. */
function linesOfOutcome(outcome: Outcome): string[] {
  const lines = [...outcome].flatMap(([place, records]) => {
    const [, topic, key] = /^(.*?), (?:key (.*)|no key, .*)$/s.exec(place) ?? []
    return records.map((text) => {
      const [, value, time, headers = ''] = /^(.*?) at (-?\d+)(.*)$/s.exec(text) ?? []
      const shown = knownHeaders.flatMap((name) => {
        const [, found] = new RegExp(` millrace-${name}=(\\S*)`).exec(headers) ?? []
        return found === undefined ? [] : ` ${name}=${found}`
      })
      return `${topic} ${key ?? null}=${value}@${time}${shown.join('')}`
    })
  })
  return lines.toSorted(byPlace)
}

/** Without the partition. */
function withoutPartition(line: string): string {
  return line.replace(/^(\S+)\/\d+ /, '$1 ')
}

/** A change from a row to an equal one says nothing: the models do not know of it. */
function saysAll(line: string): boolean {
  const [, before, after] = /=\{"before":(.*),"after":(.*)\}@-?\d+$/.exec(line) ?? []
  return before === undefined || before !== after
}

/** By topic and key: the sort is stable, so the order of a key's records stays. */
function byPlace(a: string, b: string): number {
  const place = (line: string): string => line.slice(0, line.indexOf('='))
  return place(a) < place(b) ? -1 : Number(place(a) > place(b))
}

function failureText(one: RandomCase, thrown: unknown): string {
  const hint = thrown instanceof MillraceError ? `\n${thrown.hint ?? ''}` : ''
  const what = thrown instanceof Error ? thrown.message : String(thrown)
  const again = `npm run sim -- --seed ${one.seed}`
  return `seed ${one.seed} fails; again: ${again}\n${one.text}\n${what}${hint}`
}
