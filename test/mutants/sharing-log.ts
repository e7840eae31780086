/**
 * The memory log with pipelines that many handles share: the plainest log that does so, for the
 * cases of membership; and the same with one fault each.
 */
import type { JoinOptions, Log, Membership } from '../../src/log/log.ts'
import { change, type LogMutant, type Storage } from './wrap-log.ts'

type Tell = Parameters<Membership['onChange']>[0]

export interface SharingFault {
  readonly name: string
  /** Does not wait until a task was given up. */
  readonly isHasty?: boolean
  readonly keepsTasksOfGone?: boolean
  readonly givesAllToAll?: boolean
  readonly losesOneTask?: boolean
  readonly confirmsAll?: boolean
  readonly confirmsNone?: boolean
  readonly givesAllToLast?: boolean
  /** Does not tell who loses a task. */
  readonly isSilent?: boolean
  /** Closing a log leaves its members in. */
  readonly forgetsToLeave?: boolean
}

export const sharingFaults: readonly SharingFault[] = [
  { name: 'hands a task over before its owner is done', isHasty: true },
  { name: 'forgets the tasks of a member that left', keepsTasksOfGone: true },
  { name: 'gives every member all tasks', givesAllToAll: true },
  { name: 'gives one task to nobody', losesOneTask: true },
  { name: 'gives all tasks to the newest member', givesAllToLast: true },
  { name: 'confirms tasks of others', confirmsAll: true },
  { name: 'never confirms a task', confirmsNone: true },
  { name: 'does not tell who loses a task', isSilent: true },
  { name: 'keeps members of a closed log', forgetsToLeave: true },
]

export function sharingLog(fault: SharingFault): LogMutant['wrap'] {
  return (log, storage) => {
    const joined: SharingMember[] = []
    const leave = (): Promise<unknown> => Promise.all(joined.map((member) => member.leave()))
    return change(log as Log, {
      join: async (options) => {
        await log.listTopics() // refused where the log was closed
        const group = groupOf(storage, options, fault)
        const member = new SharingMember(group)
        joined.push(member)
        group.join(member)
        return member
      },
      close: async () => {
        if (fault.forgetsToLeave !== true) await leave()
        await log.close()
      },
    })
  }
}

function groupOf(storage: Storage, options: JoinOptions, fault: SharingFault): Group {
  const name = `group ${options.pipeline}`
  const known = storage.notes.get(name) as Group | undefined
  const group = known ?? new Group(options.tasks, fault)
  storage.notes.set(name, group)
  return group
}

class Group {
  readonly fault: SharingFault
  readonly #tasks: readonly string[]
  readonly #members: SharingMember[] = []
  #sharing: Promise<void> = Promise.resolve()

  constructor(tasks: readonly string[], fault: SharingFault) {
    this.#tasks = fault.losesOneTask === true ? tasks.slice(1) : tasks
    this.fault = fault
  }

  join(member: SharingMember): void {
    this.#members.push(member)
    if (this.#members.length === 1) for (const task of this.#tasks) member.held.add(task)
    else this.#shareLater()
  }

  leave(member: SharingMember): void {
    const index = this.#members.indexOf(member)
    if (index === -1) return
    if (this.fault.keepsTasksOfGone !== true) this.#members.splice(index, 1)
    this.#shareLater()
  }

  #shareLater(): void {
    this.#sharing = this.#sharing.then(() => this.#share())
  }

  async #share(): Promise<void> {
    const members = [...this.#members]
    const wanted = this.#wanted(members)
    for (const member of members) {
      const lost = [...member.held].filter((task) => wanted.get(member)?.has(task) !== true)
      const done = member.lose(lost)
      if (this.fault.isHasty !== true) await done
    }
    for (const member of members) {
      if (!this.#members.includes(member)) continue
      member.gain([...(wanted.get(member) ?? [])].filter((task) => !member.held.has(task)))
    }
  }

  /** Tasks stay where they are as far as that is even. */
  #wanted(members: readonly SharingMember[]): Map<SharingMember, Set<string>> {
    const { givesAllToAll, givesAllToLast } = this.fault
    if (givesAllToAll === true) return new Map(members.map((one) => [one, new Set(this.#tasks)]))
    if (givesAllToLast === true) {
      return new Map(members.slice(-1).map((one) => [one, new Set(this.#tasks)]))
    }
    const least = Math.floor(this.#tasks.length / members.length)
    const extra = this.#tasks.length % members.length
    const bySize = members.toSorted((a, b) => b.held.size - a.held.size)
    const quotas = new Map(bySize.map((one, i) => [one, least + (i < extra ? 1 : 0)]))
    const wanted = new Map(
      members.map((one) => [one, new Set([...one.held].slice(0, quotas.get(one)))]),
    )
    const placed = new Set([...wanted.values()].flatMap((tasks) => [...tasks]))
    for (const task of this.#tasks) {
      if (placed.has(task)) continue
      const next = [...wanted].find(([one, has]) => has.size < (quotas.get(one) ?? 0))
      next?.[1].add(task)
    }
    return wanted
  }
}

class SharingMember implements Membership {
  readonly rejoins = true
  readonly held = new Set<string>()
  readonly #group: Group
  #tell: Tell | null = null
  #told: Promise<void> = Promise.resolve()

  constructor(group: Group) {
    this.#group = group
  }

  get owned(): readonly string[] {
    return [...this.held]
  }

  onChange(tell: Tell): void {
    this.#tell = tell
  }

  lose(lost: readonly string[]): Promise<void> {
    for (const task of lost) this.held.delete(task)
    return this.#group.fault.isSilent === true ? Promise.resolve() : this.#change([], lost)
  }

  gain(gained: readonly string[]): void {
    for (const task of gained) this.held.add(task)
    void this.#change(gained, [])
  }

  #change(gained: readonly string[], lost: readonly string[]): Promise<void> {
    if (gained.length + lost.length === 0) return this.#told
    const change = { gained, lost, reason: 'rebalanced' } as const
    this.#told = this.#told.then(() => this.#tell?.(change)).catch(() => undefined)
    return this.#told
  }

  async confirm(task: string): Promise<boolean> {
    const { confirmsAll, confirmsNone } = this.#group.fault
    return confirmsNone !== true && (confirmsAll === true || this.held.has(task))
  }

  async leave(): Promise<void> {
    this.held.clear()
    this.#tell = null
    this.#group.leave(this)
  }
}
