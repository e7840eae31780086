/**
 * When a process dies of `kill -9`: by its own hand at a step of its work, so that each step is met
 * as often as another, or by its parent's at any moment.
 */
import type { Random } from '../../../src/core/random.ts'
import { pause } from '../outcome.ts'

/** Steps at which a process kills itself. */
export const steps = ['opening', 'restoring', 'before-commit', 'in-commit', 'after-commit'] as const

export type Step = (typeof steps)[number]

export type Death =
  /** The first `count` steps are survived; then so long, in µs, on into that step. */
  | { readonly at: Step; readonly count: number; readonly delayUs: number }
  /** So long after its birth. Starting up takes about the first half. */
  | { readonly at: 'time'; readonly ms: number }

const inCommitUsMax = 3000
const lifeMsMax = 400
/** How often each of `steps` is drawn, and how many of it a process survives at most. */
const weights = [1, 2, 2, 4, 2]
const countsMax = [1, 3, 4, 5, 4]
/** A process that never comes to its step dies at this commit. */
const commitsMax = 6

export function drawDeath(random: Random): Death {
  if (random.int(4) === 0) return { at: 'time', ms: random.int(lifeMsMax) }
  const drawn = weights.flatMap((weight, i) => Array.from({ length: weight }, () => i))
  const i = drawn[random.int(drawn.length)] as number
  const at = steps[i] as Step
  const delayUs = at === 'in-commit' ? random.int(inCommitUsMax) : 0
  return { at, count: random.int(countsMax[i] as number), delayUs }
}

/** Counts the steps of a process and ends it at one of them. */
export class Dying {
  readonly #death: Death
  readonly #counts = new Map<string, number>()

  constructor(death: Death) {
    this.#death = death
  }

  /** Does not come back where it is the step of death. */
  meet(step: Step): void {
    const count = this.#counts.get(step) ?? 0
    this.#counts.set(step, count + 1)
    const death = this.#death
    if (death.at === 'time') return
    const isLast = step === 'before-commit' && count === commitsMax
    if (!isLast && (death.at !== step || death.count !== count)) return
    // Not a timer: the thread that writes goes on meanwhile, this one must not.
    const endMs = performance.now() + death.delayUs / 1000
    while (performance.now() < endMs) continue
    process.kill(process.pid, 'SIGKILL')
  }
}

/** Resolves when it has exited; it is killed when it has nothing left to do, or takes too long. */
export async function untilDead(
  exit: Promise<unknown>,
  options: { kill: () => void; isDone: () => Promise<boolean>; lifeMsMax: number },
): Promise<'died' | 'idle' | 'hung'> {
  let hasExited = false
  void exit.then(() => {
    hasExited = true
  })
  const startMs = performance.now()
  while (!hasExited) {
    const isDone = await options.isDone()
    if (isDone || performance.now() - startMs > options.lifeMsMax) {
      options.kill()
      await exit
      return isDone ? 'idle' : 'hung'
    }
    await Promise.race([exit, pause(15)])
  }
  return 'died'
}
