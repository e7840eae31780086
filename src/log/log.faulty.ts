/**
 * A log that fails on purpose, around a good one. Each append and commit meets the next fault of
 * a plan: an effect (it happened or not) and a report (an error, a late answer). It also asserts
 * what the contract demands of its caller; what it finds stays in `violations`, as a caller may
 * have swallowed the error.
 */
import { type Clock, systemClock } from '../core/clock.ts'
import { MillraceError } from '../core/error.ts'
import { type Random, seededRandom } from '../core/random.ts'
import { FaultySession } from './faulty-session.ts'
import { type Fault, meet } from './faulty-write.ts'
import type { Appended, Log, Session, TaskSpec } from './log.ts'

export type { Fault } from './faulty-write.ts'

export type Write = 'append' | 'commit'

export interface FaultPlan {
  /** What happens to this write; null: nothing. Called once for each, in order. */
  next(write: Write): Fault | null
  /** For delays. Default: the machine's clock. */
  readonly clock?: Clock
}

export interface FaultyLog extends Log {
  /** What callers did that the contract forbids. */
  readonly violations: readonly string[]
  /** The faults that writes met, in order. */
  readonly met: readonly Fault[]
}

/** The faults in order, for commits and appends alike; nothing fails after the last. */
export function scriptedFaults(faults: readonly (Fault | null)[], clock?: Clock): FaultPlan {
  const left = [...faults]
  const next = (): Fault | null => left.shift() ?? null
  return clock === undefined ? { next } : { next, clock }
}

export interface SeededFaultsOptions {
  /** How many writes of a hundred meet a fault. Default 20. */
  readonly percent?: number
  readonly delayMsMax?: number
  readonly clock?: Clock
}

const allFaults: readonly ((random: Random, delayMsMax: number) => Fault)[] = [
  (random) => ({ kind: 'fails', code: pick(random, ['log-failed', 'log-busy', 'disk-full']) }),
  (random) => ({ kind: 'unknown', effect: pick(random, ['applied', 'not-applied']) }),
  (random, delayMsMax) => ({
    kind: 'late',
    applies: pick(random, ['at-once', 'after-delay']),
    delayMs: random.int(delayMsMax + 1),
  }),
  () => ({ kind: 'fenced' }),
]

/**
 * Random faults, the same for the same seed. The seed also turns some kinds off entirely, so that
 * others get room.
 */
export function seededFaults(seed: number, options: SeededFaultsOptions = {}): FaultPlan {
  const { percent = 20, delayMsMax = 20, clock = systemClock } = options
  const random = seededRandom(seed)
  const off = random.int(2 ** allFaults.length - 1) // never all of them
  const kinds = allFaults.filter((_make, i) => (off & (1 << i)) === 0)
  const next = (write: Write): Fault | null => {
    if (random.int(100) >= percent) return null
    const fault = pick(random, kinds)(random, delayMsMax)
    return fault.kind === 'fenced' && write === 'append' ? null : fault
  }
  return { next, clock }
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.int(values.length)] as T
}

export function faultyLog(log: Log, plan: FaultPlan): FaultyLog {
  const violations: string[] = []
  const met: Fault[] = []
  /** The highest epoch that each task was given. */
  const epochs = new Map<string, number>()
  const duty = (isMet: boolean, text: () => string): void => {
    if (isMet) return
    violations.push(text())
    throw new MillraceError('assertion-failed', text(), {
      hint: 'the contract in log.ts forbids it',
    })
  }
  const next = (write: Write): Fault | null => {
    const fault = plan.next(write)
    if (fault !== null) met.push(fault)
    return fault
  }
  const clock = plan.clock ?? systemClock
  const append = async (...args: Parameters<Log['append']>): Promise<Appended[]> => {
    const fault = next('append')
    duty(fault?.kind !== 'fenced', () => 'an append cannot be fenced, only a commit can')
    return await meet({ fault, clock, write: () => log.append(...args) })
  }
  const open = async (spec: TaskSpec): Promise<Session> => {
    const session = await log.open(spec)
    const key = JSON.stringify([spec.pipeline, spec.task])
    const last = epochs.get(key) ?? -1
    duty(session.epoch > last, () => `epoch ${session.epoch} of ${key} follows ${last}`)
    epochs.set(key, session.epoch)
    const steal = async (): Promise<void> => {
      const thief = await log.open(spec)
      epochs.set(key, Math.max(thief.epoch, epochs.get(key) ?? 0))
      await thief.close()
    }
    return new FaultySession({ session, duty, clock, steal, next: () => next('commit') })
  }
  return {
    kind: log.kind,
    place: log.place,
    violations,
    met,
    append,
    open,
    createTopic: (...args) => log.createTopic(...args),
    describeTopic: (name) => log.describeTopic(name),
    listTopics: () => log.listTopics(),
    deleteTopic: (name) => log.deleteTopic(name),
    alterTopic: (...args) => log.alterTopic(...args),
    trim: (offsets) => log.trim(offsets),
    openReader: (...args) => log.openReader(...args),
    offsetAtTime: (...args) => log.offsetAtTime(...args),
    groups: () => log.groups(),
    commitGroup: (...args) => log.commitGroup(...args),
    deleteGroup: (group) => log.deleteGroup(group),
    join: (options) => log.join(options),
    close: () => log.close(),
  }
}
