/**
 * A process that shares a pipeline's tasks with others, as the cases of membership need it: it
 * opens what it works on and closes what it is told to give up. Task `main/N` copies t/N to out/N.
 */
import assert from 'node:assert/strict'
import { isCode } from '../../core/error.ts'
import { systemClock } from '../../core/clock.ts'
import type { Appended, JoinOptions, Log, Membership, Session, TaskInfo } from '../log.ts'
import type { LogHarness } from './log-case.ts'
import { batchOf, blob, restored, seenIn, taskOf, within } from './log-probe.ts'

export const taskCount = 4
export const taskNames: readonly string[] = Array.from(
  { length: taskCount },
  (_, index) => `main/${index}`,
)

const infos: readonly TaskInfo[] = taskNames.map((task, index) => ({
  task,
  part: 'main',
  index,
  inputs: [{ topic: 't', partition: index, isRepartition: false, isShared: false }],
  isStateful: true,
}))

export const sharedRun: JoinOptions = { pipeline: 'p', tasks: taskNames, infos, takeOver: false }

/** A log with topics `t` and `out`, a partition for each task; those of `t` hold `v0`, `v1`, … */
export async function sharedLog(harness: LogHarness, recordCount: number): Promise<Log> {
  const log = await harness.open()
  for (const topic of ['t', 'out']) await log.createTopic(topic, { partitions: taskCount })
  const values = valuesUpTo(recordCount)
  for (let partition = 0; partition < taskCount; partition++) {
    await log.append([batchOf('t', partition, ...values)])
  }
  return log
}

export function valuesUpTo(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `v${i}`)
}

export type Change = Parameters<Parameters<Membership['onChange']>[0]>[0]

/** A task being worked on. */
export class Copying {
  readonly session: Session
  readonly #partition: number
  readonly #read: { readonly offset: number; readonly value: string }[] = []
  /** Committed by all owners of the task. */
  #count: number

  private constructor(session: Session, partition: number, count: number) {
    this.session = session
    this.#partition = partition
    this.#count = count
  }

  /** Opens the task; its state must be as old as its offset. */
  static async open(log: Log, task: string): Promise<Copying> {
    const partition = taskNames.indexOf(task)
    const session = await log.open(taskOf({ task, partitions: [partition] }))
    const count = session.offsets[0] ?? -1
    const state = await restored(session)
    assert.deepEqual(state, count === 0 ? [] : [`<${count}>`], `state of ${task} at ${count}`)
    return new Copying(session, partition, count)
  }

  get count(): number {
    return this.#count
  }

  /** Copies up to `count` records, waiting for the first. */
  async copy(count: number, limitMs: number): Promise<readonly Appended[]> {
    while (this.#read.length === 0) {
      const batch = this.session.poll(0)
      if (batch !== null) {
        const seen = seenIn(batch)
        this.#read.push(...seen.map(({ offset, value }) => ({ offset, value: value ?? '' })))
        continue
      }
      const ready = await within(limitMs, this.session.wait(Infinity), `t/${this.#partition}`)
      if (ready === 'closed') return []
    }
    const taken = this.#read.splice(0, count)
    const end = (taken.at(-1)?.offset ?? -1) + 1
    const { appended } = await this.session.commit({
      offsets: [end],
      appends: [batchOf('out', this.#partition, ...taken.map(({ value }) => value))],
      changelog: blob(`<${end}>`),
    })
    this.#count = end
    return appended
  }
}

export class MemberProcess {
  readonly log: Log
  readonly member: Membership
  /** As it was told. */
  readonly owned: Set<string>
  readonly copying = new Map<string, Copying>()
  readonly told: Change[] = []
  /** What it does with what it loses, before it is free for others. */
  giveUp: (copying: Copying) => Promise<void> = ({ session }) => session.close()

  private constructor(log: Log, member: Membership) {
    this.log = log
    this.member = member
    this.owned = new Set(member.owned)
    member.onChange((change) => this.#take(change))
  }

  static async join(log: Log, options: JoinOptions = sharedRun): Promise<MemberProcess> {
    return new MemberProcess(log, await log.join(options))
  }

  async #take(change: Change): Promise<void> {
    this.told.push(change)
    for (const task of change.lost) this.owned.delete(task)
    for (const task of change.lost) {
      const copying = this.copying.get(task)
      this.copying.delete(task)
      if (copying !== undefined) await this.giveUp(copying)
    }
    for (const task of change.gained) this.owned.add(task)
  }

  async work(task: string): Promise<Copying> {
    const known = this.copying.get(task)
    if (known !== undefined) return known
    const opened = await Copying.open(this.log, task)
    // It may have been told meanwhile that the task goes to another.
    if (this.owned.has(task)) this.copying.set(task, opened)
    return opened
  }

  /** After `task-fenced`: whether the task is still its own, and may be opened again. */
  async reopen(task: string): Promise<boolean> {
    const lost = this.copying.get(task)
    this.copying.delete(task)
    await lost?.session.close()
    return await this.member.confirm(task)
  }

  async leave(): Promise<void> {
    await Promise.all([...this.copying.values()].map(({ session }) => session.close()))
    this.copying.clear()
    await this.member.leave()
    this.owned.clear()
  }

  toString(): string {
    const told = this.told.map(({ gained, lost, reason }) => `${reason} +${gained} -${lost}`)
    return `owns ${[...this.owned].join()}; was told: ${told.join('; ')}`
  }
}

/** Each task has one owner, and nobody has two more than another. */
export function areShared(processes: readonly MemberProcess[]): boolean {
  const owned = processes.flatMap((process) => [...process.owned]).toSorted()
  const sizes = processes.map((process) => process.owned.size)
  return owned.join() === taskNames.join() && Math.max(...sizes) - Math.min(...sizes) <= 1
}

/** Waits until all tasks are shared out among just these processes. */
export function untilShared(
  processes: readonly MemberProcess[],
  { limitMs }: LogHarness,
): Promise<void> {
  const story = (): string => `tasks are not shared out:\n${processes.join('\n')}`
  return until(() => areShared(processes), limitMs, story)
}

export async function until(
  condition: () => boolean,
  limitMs: number,
  story: () => string,
): Promise<void> {
  const lateMs = systemClock.monotonic() + limitMs
  while (!condition()) {
    assert.ok(systemClock.monotonic() < lateMs, story())
    await new Promise<void>((resolve) => void systemClock.after(5, resolve))
  }
}

/** The result, or null where the task was fenced. */
export async function unlessFenced<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise
  } catch (error) {
    if (isCode(error, 'task-fenced') || isCode(error, 'log-closed')) return null
    throw error
  }
}
