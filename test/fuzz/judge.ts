/** Runs one input and says whether what came of it is allowed. */
import { getHeapStatistics } from 'node:v8'
import { MillraceError } from '../../src/core/error.ts'
import type { Subject, Target } from './target.ts'

/** CPU time and memory are the least of three runs. */
const tries = 3
const cpuMsMaxDefault = 1000
const allocationMaxDefault = 16 << 20
const allocationPerByte = 1000

export interface Fault {
  readonly target: string
  /** The same for inputs that fail in the same place. */
  readonly sign: string
  readonly text: string
}

export type Verdict =
  | { readonly kind: 'taken' | 'refused' }
  | { readonly kind: 'fault'; readonly fault: Fault }

export async function judge(target: Target, subject: Subject, bytes: Buffer): Promise<Verdict> {
  const first = await once(target, subject, bytes)
  if (first.verdict.kind === 'fault' || (!first.isSlow && !first.isLarge)) return first.verdict
  let [ms, allocated] = [first.ms, first.allocated]
  for (let again = 1; again < tries; again++) {
    const next = await once(target, subject, bytes)
    ms = Math.min(ms, next.ms)
    allocated = Math.min(allocated, next.allocated)
  }
  if (ms > cpuMsMax(target)) return fault(target, 'slow', `took ${Math.round(ms)} ms of CPU time`)
  if (allocated > allocationMax(target, bytes)) {
    const text = `allocated ${allocated} bytes for an input of ${bytes.length}`
    return fault(target, 'allocation', text)
  }
  return first.verdict
}

interface Run {
  readonly verdict: Verdict
  readonly ms: number
  readonly allocated: number
  readonly isSlow: boolean
  readonly isLarge: boolean
}

async function once(target: Target, subject: Subject, bytes: Buffer): Promise<Run> {
  const before = memory()
  const began = process.threadCpuUsage()
  const verdict = await verdictOf(target, subject, bytes)
  const { user, system } = process.threadCpuUsage(began)
  const ms = (user + system) / 1000
  const allocated = memory() - before
  const isLarge = allocated > allocationMax(target, bytes)
  return { verdict, ms, allocated, isSlow: ms > cpuMsMax(target), isLarge }
}

function cpuMsMax(target: Target): number {
  return target.cpuMsMax ?? cpuMsMaxDefault
}

function allocationMax(target: Target, bytes: Buffer): number {
  return (target.allocationMax ?? allocationMaxDefault) + bytes.length * allocationPerByte
}

function memory(): number {
  const heap = getHeapStatistics()
  return heap.used_heap_size + heap.external_memory
}

async function verdictOf(target: Target, subject: Subject, bytes: Buffer): Promise<Verdict> {
  try {
    // A copy with its own memory: what lies behind the input must not be read.
    const copy = Buffer.from(new Uint8Array(bytes).buffer)
    const running = subject.run(copy)
    if (running !== undefined) await running
    return { kind: 'taken' }
  } catch (thrown) {
    if (isAllowed(target, thrown)) return { kind: 'refused' }
    return fault(target, signOf(thrown), textOf(thrown))
  }
}

function isAllowed({ codes, errorNames = [] }: Target, thrown: unknown): boolean {
  if (thrown instanceof MillraceError) return codes.includes(thrown.code)
  return thrown instanceof Error && errorNames.includes(thrown.name)
}

function fault({ name }: Target, sign: string, text: string): Verdict {
  return { kind: 'fault', fault: { target: name, sign, text } }
}

/** Kind of error and the first places of ours in its stack. */
function signOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown
  const kind = thrown instanceof MillraceError ? thrown.code : thrown.name
  const lines = (thrown.stack ?? '').split('\n').filter((line) => /\/(?:src|test)\//.test(line))
  const places = lines.map((line) => /([\w.-]+:\d+):\d+\)?$/.exec(line)?.[1] ?? '')
  // A stack overflow is cut at its top: its place is where it happens to end.
  return thrown instanceof RangeError && /stack/i.test(thrown.message)
    ? 'stack overflow'
    : `${kind} at ${places.slice(0, 2).join(' < ')}`
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `threw ${String(thrown)}`
  const code = thrown instanceof MillraceError ? ` ${thrown.code}` : ''
  const stack = (thrown.stack ?? '').split('\n').slice(1, 5).join('\n')
  return `threw ${thrown.name}${code}: ${thrown.message.slice(0, 300)}\n${stack}`
}
