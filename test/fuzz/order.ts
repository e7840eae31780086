/** What is said between the fuzzer and the thread that does the work. */
import type { Found, LoopReport } from './fuzz-loop.ts'

export interface Order {
  /** One after the other. */
  readonly targets: readonly string[]
  readonly seed: number
  /** For each target; it ends at whichever comes first. */
  readonly ms: number
  readonly executions: number
  /** By coverage. */
  readonly isGuided: boolean
  /** Where each input is written before it runs, for whoever sees the process die; '': nowhere. */
  readonly inputPath: string
  /** i32 inputs begun, i32 length of the one in hand; then that input. */
  readonly shared: SharedArrayBuffer
}

export type News =
  | { readonly kind: 'begun'; readonly target: string }
  | { readonly kind: 'found'; readonly found: Omit<Found, 'input'> & { readonly input: string } }
  | { readonly kind: 'done'; readonly report: LoopReport; readonly ms: number }

export const sharedHeadBytes = 8
