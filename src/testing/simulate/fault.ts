/** What can go wrong in a simulation, as plain data: a list can be printed and made shorter. */
import { unreachable } from '../../core/assert.ts'
import type { Random } from '../../core/random.ts'
import type { DiskTrouble } from './world.ts'

/**
 * Kinds of faults.
 * - `crash`: a process dies before a commit, after one took effect and before its answer, while a
 *   task is opened or restored, when it is to give a task up, or at any instant; another one takes
 *   its place. Or all of them die at once, when the power goes.
 * - `commit-fails`: a commit is refused (`log-failed`), nothing of it happens.
 * - `answer-lost`: `commit-unknown`; it took effect, or it did not.
 * - `slow-commit`: a commit takes effect, or is answered, late; records are processed meanwhile.
 * - `pause`: a process stands still before a commit. When that takes longer than its lease another
 *   one takes over, and the first wakes as a zombie.
 * - `small-reads`: records come in small batches, with commits between.
 * - `hand-over`: with a task for each partition, several processes share them: one joins and takes
 *   over some, one leaves in order, or one is slow to give up what it has to; with `crash` and
 *   `pause`, tasks move when a lease is over.
 * - `stalled`: for a while no records of a partition come, those of others do.
 * - `disk`: the log is one on a disk, whose sync fails at a commit, which is full for a while, or
 *   which loses the power within a commit; then what was not synced is kept, lost or torn.
 * - `throws`: user functions throw at some records, at the same ones in the run without faults.
 * - `growing-input`: where one partition is all that is read: its records are not there from the
 *   start, but come piece by piece while the pipeline works on those before.
 */
export type FaultKind =
  | 'crash'
  | 'commit-fails'
  | 'answer-lost'
  | 'slow-commit'
  | 'pause'
  | 'small-reads'
  | 'hand-over'
  | 'stalled'
  | 'disk'
  | 'throws'
  | 'growing-input'

export const faultKinds: readonly FaultKind[] = [
  'crash',
  'commit-fails',
  'answer-lost',
  'slow-commit',
  'pause',
  'small-reads',
  'hand-over',
  'stalled',
  'disk',
  'throws',
  'growing-input',
]

/** Commits and openings are numbered over a whole run, from 0. Times are virtual, ms. */
export type Fault =
  | { readonly kind: 'crash'; readonly when: 'before-commit' | 'after-commit'; readonly at: number }
  | { readonly kind: 'crash'; readonly when: 'opening' | 'power'; readonly at: number }
  /** `at`: losses of tasks, of which processes hear, are numbered as commits are. */
  | { readonly kind: 'crash'; readonly when: 'hand-over'; readonly at: number }
  | {
      readonly kind: 'crash'
      readonly when: 'restoring'
      readonly at: number
      /** Blobs that were read before. */
      readonly blobs: number
    }
  | { readonly kind: 'crash'; readonly when: 'at-time'; readonly at: number }
  | { readonly kind: 'commit-fails'; readonly at: number }
  | { readonly kind: 'answer-lost'; readonly at: number; readonly isApplied: boolean }
  | {
      readonly kind: 'slow-commit'
      readonly at: number
      readonly applies: 'at-once' | 'after-delay'
      readonly delayMs: number
    }
  | { readonly kind: 'pause'; readonly at: number; readonly ms: number }
  | { readonly kind: 'hand-over'; readonly at: number; readonly change: 'joins' | 'leaves' }
  | {
      readonly kind: 'hand-over'
      readonly change: 'is slow'
      readonly at: number
      readonly ms: number
    }
  | {
      readonly kind: 'stalled'
      /** From this commit on. */
      readonly at: number
      /** Which of the inputs of the task that commits; counted round. */
      readonly input: number
      readonly ms: number
    }
  | {
      readonly kind: 'disk'
      readonly does: DiskTrouble
      readonly at: number
      /** How long it is full, virtual ms. */
      readonly ms: number
      /** Of what is left where the power goes; that of a list's first counts. */
      readonly seed: number
    }
  /** One record of so many, for each step; `seed` decides at which. */
  | { readonly kind: 'throws'; readonly seed: number; readonly oneIn: number }
  | { readonly kind: 'growing-input'; readonly pieces: number; readonly everyMs: number }
  | { readonly kind: 'small-reads'; readonly records: number; readonly commitEveryMs: number }

/** How long a paused process keeps its tasks, virtual ms. */
export const leaseMs = 10_000

/** Of one seed. */
const faultsMax = 6
const handOversMax = 4
/** How long a partition stalls, virtual ms: each costs a step. */
const stallMsMax = 60
/** Of one seed's disk. */
const troublesMax = 3
/** How long a disk is full, virtual ms: now and then longer than a run tries again. */
const fullMsMax = 2_500

/**
 * The faults of a seed. It turns some kinds off, so that others get room.
 * @param recordCount of the whole input: how many commits there may be
 */
export function drawFaults(
  random: Random,
  kinds: readonly FaultKind[],
  recordCount: number,
): Fault[] {
  const faults: Fault[] = []
  const records = 1 + random.int(random.int(2) === 0 ? 5 : 50)
  const isSmall = kinds.includes('small-reads') && random.int(4) > 0
  const commitEveryMs = random.int(3) === 0 ? 5 : 0
  if (isSmall) faults.push({ kind: 'small-reads', records, commitEveryMs })
  const others = kinds.filter(isSingle)
  const allowed = others.filter(() => random.int(3) > 0)
  const drawn = allowed.length > 0 ? allowed : others
  const commits = 4 + (isSmall ? Math.ceil(recordCount / records) : 4)
  const at = (): number => (random.int(2) === 0 ? random.int(8) : random.int(commits))
  for (let left = drawn.length && 1 + random.int(faultsMax); left > 0; left--) {
    faults.push(drawFault(random, drawn[random.int(drawn.length)] as SingleKind, at()))
  }
  if (kinds.includes('hand-over') && random.int(3) > 0) faults.push(...drawHandOvers(random, at))
  // Last, so that those before stay what they were.
  if (kinds.includes('crash') && random.int(12) === 0)
    faults.push({ kind: 'crash', when: 'power', at: at() })
  if (kinds.includes('stalled') && random.int(4) === 0)
    faults.push({ kind: 'stalled', at: at(), input: random.int(8), ms: 1 + random.int(stallMsMax) })
  if (kinds.includes('disk') && random.int(4) === 0) faults.push(...drawDisk(random, at))
  if (kinds.includes('throws') && random.int(4) === 0)
    faults.push({ kind: 'throws', seed: random.int(2 ** 31), oneIn: 2 + random.int(20) })
  if (kinds.includes('growing-input') && random.int(3) === 0)
    faults.push({ kind: 'growing-input', pieces: 2 + random.int(6), everyMs: 1 + random.int(200) })
  if (!faults.some(({ kind }) => kind === 'hand-over')) return faults
  if (random.int(3) === 0) {
    const ms = 1 + random.int(2 * leaseMs)
    faults.push({ kind: 'hand-over', change: 'is slow', at: random.int(4), ms })
  }
  if (kinds.includes('crash') && random.int(3) === 0)
    faults.push({ kind: 'crash', when: 'hand-over', at: random.int(4) })
  return faults
}

function drawHandOvers(random: Random, at: () => number): Fault[] {
  const faults: Fault[] = []
  for (let left = 1 + random.int(handOversMax); left > 0; left--) {
    const change = random.int(5) < 3 ? 'joins' : 'leaves'
    faults.push({ kind: 'hand-over', at: at(), change })
  }
  return faults
}

function drawDisk(random: Random, at: () => number): Fault[] {
  return Array.from({ length: 1 + random.int(troublesMax) }, () => {
    const does = (['sync-fails', 'full', 'power-loss'] as const)[random.int(3)] ?? 'full'
    const ms = 1 + random.int(random.int(8) === 0 ? fullMsMax : stallMsMax)
    const seed = random.int(2 ** 31)
    return { kind: 'disk', does, at: at(), ms, seed }
  })
}

/** Those that happen once, in a process. */
type SingleKind = Exclude<FaultKind, (typeof otherKinds)[number]>
const otherKinds = [
  'small-reads',
  'hand-over',
  'stalled',
  'disk',
  'throws',
  'growing-input',
] as const

function isSingle(kind: FaultKind): kind is SingleKind {
  return !otherKinds.some((other) => other === kind)
}

function drawFault(random: Random, kind: SingleKind, commit: number): Fault {
  switch (kind) {
    case 'crash':
      return drawCrash(random, commit)
    case 'commit-fails':
      return { kind, at: commit }
    case 'answer-lost':
      return { kind, at: commit, isApplied: random.int(2) === 0 }
    case 'slow-commit': {
      const applies = random.int(2) === 0 ? 'at-once' : 'after-delay'
      return { kind, at: commit, applies, delayMs: 1 + random.int(40) }
    }
    case 'pause':
      return { kind, at: commit, ms: 1 + random.int(2 * leaseMs) }
    default:
      return unreachable(kind)
  }
}

function drawCrash(random: Random, commit: number): Fault {
  const drawn = random.int(6)
  if (drawn < 2) return { kind: 'crash', when: 'before-commit', at: commit }
  if (drawn < 4) return { kind: 'crash', when: 'after-commit', at: commit }
  if (drawn === 4) return { kind: 'crash', when: 'at-time', at: 1 + random.int(100) }
  const at = random.int(6)
  if (random.int(3) === 0) return { kind: 'crash', when: 'opening', at }
  return { kind: 'crash', when: 'restoring', at, blobs: random.int(3) }
}

/** The same fault sooner, or with smaller numbers: what a reader understands more easily. */
export function simplerFaults(fault: Fault): Fault[] {
  if (fault.kind === 'small-reads') {
    return [1, 2, 4, 8, 16].flatMap((records) =>
      records < fault.records ? { ...fault, records } : [],
    )
  }
  if (fault.kind === 'growing-input') return fault.pieces > 2 ? [{ ...fault, pieces: 2 }] : []
  if (fault.kind === 'throws') {
    return [64, 32, 16].flatMap((oneIn) => (oneIn > fault.oneIn ? { ...fault, oneIn } : []))
  }
  return Array.from({ length: Math.min(fault.at, 8) }, (_, at) => ({ ...fault, at }))
}

/** One line for people. */
export function faultText(fault: Fault): string {
  switch (fault.kind) {
    case 'crash':
      switch (fault.when) {
        case 'before-commit':
          return `crash before commit ${fault.at}`
        case 'after-commit':
          return `crash after commit ${fault.at}, before its answer`
        case 'opening':
          return `crash at opening ${fault.at}`
        case 'restoring':
          return `crash at opening ${fault.at}, after ${fault.blobs} blobs of state`
        case 'hand-over':
          return `crash at loss ${fault.at}`
        case 'power':
          return `power cut before commit ${fault.at}`
        case 'at-time':
          return `crash after ${fault.at} ms`
        default:
          return unreachable(fault)
      }
    case 'commit-fails':
      return `commit ${fault.at} fails`
    case 'answer-lost':
      return `answer of commit ${fault.at} lost, it ${fault.isApplied ? 'happened' : 'did not'}`
    case 'slow-commit': {
      const what = fault.applies === 'at-once' ? 'is answered' : 'takes effect'
      return `commit ${fault.at} ${what} after ${fault.delayMs} ms`
    }
    case 'pause':
      return `pause of ${fault.ms} ms before commit ${fault.at}`
    case 'hand-over':
      return fault.change === 'is slow'
        ? `loss ${fault.at} is heard of after ${fault.ms} ms`
        : `a process ${fault.change} at commit ${fault.at}`
    case 'stalled':
      return `from commit ${fault.at} on an input stalls for ${fault.ms} ms`
    case 'disk':
      return diskText(fault)
    case 'throws':
      return `functions throw at one record of ${fault.oneIn} (seed ${fault.seed})`
    case 'growing-input':
      return `the input comes in ${fault.pieces} pieces, one every ${fault.everyMs} ms`
    case 'small-reads':
      return `records come ${fault.records} at a time, a commit after ${fault.commitEveryMs} ms`
    default:
      return unreachable(fault)
  }
}

function diskText({ does, at, ms }: Extract<Fault, { kind: 'disk' }>): string {
  if (does === 'full') return `the disk is full for ${ms} ms from commit ${at} on`
  return does === 'sync-fails' ? `fsync fails at commit ${at}` : `power cut within commit ${at}`
}
