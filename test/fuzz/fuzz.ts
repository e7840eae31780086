/**
 * `npm run fuzz -- [--minutes 5] [--target NAME] [--seed N]`: feeds every reader of bytes from
 * outside with broken inputs. `--target NAME --input BASE64` runs one input again.
 */
import { parseArgs } from 'node:util'
import { fuzzTargets } from './fuzz-targets.ts'
import type { TargetReport } from './fuzz-targets.ts'
import { judge } from './judge.ts'
import { loadTarget, targetNames } from './targets.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    target: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    input: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)
const names = await targetNames(values.target)
if (!(minutes > 0) || !Number.isSafeInteger(seed) || names.length === 0) {
  const all = (await targetNames('')).join(', ')
  console.error('usage: npm run fuzz -- [--minutes M] [--target NAME] [--seed N]')
  console.error('       npm run fuzz -- --target NAME --input BASE64')
  console.error(`targets: ${all}; or a group, as 'codec'`)
  process.exit(2)
}
process.exitCode = values.input === undefined ? await fuzz() : await again(values.input)

async function fuzz(): Promise<number> {
  console.log(`seed ${seed}, ${names.length} targets, ${minutes} minutes in all`)
  console.log(row('target', 'inputs', '/s', 'taken', 'blocks', 'new', 'kept', 'faults'))
  let failed = 0
  const ms = (minutes * 60_000) / names.length
  for (const target of names) {
    const wish = { seed, ms, executions: Number.POSITIVE_INFINITY, isGuided: true }
    const { reports, failures } = await fuzzTargets({ ...wish, targets: [target] })
    failed += failures.length
    console.log(line(target, reports[0], failures.length))
    for (const { text, base64 } of failures) {
      console.log(`\nFAILED: ${target}: ${text}`)
      console.log(`  as text: ${JSON.stringify(Buffer.from(base64, 'base64').toString('latin1'))}`)
      console.log(`  again: npm run fuzz -- --target ${target} --input '${base64}'\n`)
    }
  }
  console.log(failed === 0 ? 'no fault found' : `${failed} faults found`)
  return failed === 0 ? 0 : 1
}

function line(target: string, report: TargetReport | undefined, failed: number): string {
  if (report === undefined) return row(target, '', '', '', '', '', '', failed)
  const { executions, taken, blocks, seedBlocks, corpus } = report.loop
  const speed = Math.round((executions * 1000) / Math.max(1, report.ms))
  const share = `${Math.round((taken * 100) / Math.max(1, executions))}%`
  return row(target, executions, speed, share, blocks, blocks - seedBlocks, corpus, failed)
}

function row(name: string, ...cells: readonly (string | number)[]): string {
  return `${name.padEnd(22)}${cells.map((cell) => String(cell).padStart(9)).join('')}`
}

async function again(base64: string): Promise<number> {
  const target = await loadTarget(names[0] ?? '')
  const subject = await target.open()
  const verdict = await judge(target, subject, Buffer.from(base64, 'base64'))
  await subject.close?.()
  console.log(verdict.kind === 'fault' ? `FAILED: ${verdict.fault.text}` : verdict.kind)
  return verdict.kind === 'fault' ? 1 : 0
}
