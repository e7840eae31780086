/**
 * `npm run fuzz -- [--minutes 5] [--target NAME] [--seed N]`: feeds every reader of bytes from
 * outside with broken inputs. `--target NAME --input BASE64` runs one input again.
 *
 * Each target has a process of its own: one that crashes ends no other, and its last input is kept.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fuzzTargets } from './fuzz-targets.ts'
import type { Failure, TargetReport } from './fuzz-targets.ts'
import { judge } from './judge.ts'
import { loadTarget, targetNames } from './targets.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    target: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    input: { type: 'string' },
    // Only for the processes that this one starts.
    'input-path': { type: 'string' },
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
const [first = ''] = names
if (values.input !== undefined) process.exitCode = await again(first, values.input)
else if (values['input-path'] === undefined) process.exitCode = await fuzzAll()
else process.exitCode = await fuzzOne(first, values['input-path'])

async function fuzzAll(): Promise<number> {
  console.log(`seed ${seed}, ${names.length} targets, ${minutes} minutes in all`)
  console.log(row('target', 'inputs', '/s', 'taken', 'blocks', 'new', 'kept', 'faults'))
  const dir = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'))
  const failed: string[] = []
  for (const target of names) {
    const path = join(dir, 'input')
    const ended = await ownProcess(['--target', target, '--input-path', path])
    if (ended === 'well') continue
    failed.push(target)
    if (ended === 'failed') continue
    tell({ target, text: `the process ended: ${ended}`, base64: inputIn(path) })
  }
  rmSync(dir, { recursive: true, force: true })
  console.log(failed.length === 0 ? 'no fault found' : `faults found in ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}

/** @returns how it ended: `well`, `failed`, or the signal or exit code of a crash */
async function ownProcess(args: readonly string[]): Promise<string> {
  const own = fileURLToPath(import.meta.url)
  const common = ['--minutes', String(minutes / names.length), '--seed', String(seed)]
  const child = spawn(process.execPath, [own, ...common, ...args], { stdio: 'inherit' })
  return await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (code === 0) resolve('well')
      else resolve(code === 1 ? 'failed' : (signal ?? `exit code ${code}`))
    })
  })
}

function inputIn(path: string): string {
  const file = existsSync(path) ? readFileSync(path) : Buffer.alloc(4)
  return file.subarray(4, 4 + file.readUInt32LE(0)).toString('base64')
}

async function fuzzOne(target: string, inputPath: string): Promise<number> {
  const { reports, failures } = await fuzzTargets({
    targets: [target],
    seed,
    ms: minutes * 60_000,
    executions: Number.POSITIVE_INFINITY,
    isGuided: true,
    inputPath,
  })
  console.log(line(target, reports[0], failures.length))
  for (const failure of failures) tell(failure)
  return failures.length === 0 ? 0 : 1
}

function tell({ target, text, base64 }: Failure): void {
  console.log(`\nFAILED: ${target}: ${text}`)
  console.log(`  as text: ${JSON.stringify(Buffer.from(base64, 'base64').toString('latin1'))}`)
  console.log(`  again: npm run fuzz -- --target ${target} --input '${base64}'\n`)
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

async function again(name: string, base64: string): Promise<number> {
  const target = await loadTarget(name)
  const subject = await target.open()
  const verdict = await judge(target, subject, Buffer.from(base64, 'base64'))
  await subject.close?.()
  console.log(verdict.kind === 'fault' ? `FAILED: ${verdict.fault.text}` : verdict.kind)
  return verdict.kind === 'fault' ? 1 : 0
}
