/**
 * A member with its own connections, as a process of its own has, for the tests on a real broker.
 */
import { systemClock } from '../../../core/clock.ts'
import type { GroupMembership } from '../contracts.ts'
import type { Cluster } from '../wire/cluster.ts'
import { connectCluster } from '../wire/connect-cluster.ts'
import { joinGroup, type JoinGroupOptions } from './join-group.ts'

export interface TestProcess {
  readonly cluster: Cluster
  readonly membership: GroupMembership
  /** As told by the membership, beginning with what it owned. */
  readonly owned: Set<string>
  /** What it was told, as text. */
  readonly log: string[]
}

export async function startProcess(
  brokers: readonly string[],
  options: Omit<JoinGroupOptions, 'cluster' | 'clock'>,
): Promise<TestProcess> {
  const cluster = await connectCluster({ brokers, clock: systemClock })
  const log: string[] = []
  const notify: JoinGroupOptions['notify'] = (event) => log.push(`${event.kind}: ${event.text}`)
  const common = { cluster, clock: systemClock, sessionTimeoutMs: 2_000, heartbeatMs: 200, notify }
  try {
    const membership = await joinGroup({ ...common, ...options })
    const owned = new Set(membership.owned)
    membership.onChange(async ({ gained, lost, reason }) => {
      log.push(`${reason} +${gained.join()} -${lost.join()}`)
      for (const task of gained) owned.add(task)
      for (const task of lost) owned.delete(task)
    })
    return { cluster, membership, owned, log }
  } catch (thrown) {
    await cluster.close()
    throw thrown
  }
}

export async function endProcess({ cluster, membership }: TestProcess): Promise<void> {
  await membership.leave()
  await cluster.close()
}

/** @returns after how many ms it was so */
export async function until(
  condition: () => boolean,
  limitMs: number,
  describe: () => string,
): Promise<number> {
  const startMs = systemClock.monotonic()
  while (!condition()) {
    const ms = systemClock.monotonic() - startMs
    if (ms > limitMs) throw new Error(`not within ${limitMs} ms: ${describe()}`)
    await new Promise<void>((resolve) => systemClock.after(10, resolve))
  }
  return systemClock.monotonic() - startMs
}

/** Whether each task has one owner, and they have so many each. */
export function areShared(processes: readonly TestProcess[], ...sizes: number[]): boolean {
  const all = processes.flatMap(({ owned }) => [...owned])
  const isEach = processes.every(({ owned }, i) => owned.size === sizes[i])
  return isEach && new Set(all).size === all.length && processes.length === sizes.length
}

export function describeAll(processes: readonly TestProcess[]): string {
  return processes
    .map(({ membership, owned, log }) =>
      [membership.describe(), [...owned].join(), ...log].join('\n'),
    )
    .join('\n\n')
}
