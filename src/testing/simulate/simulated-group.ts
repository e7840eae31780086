/**
 * The processes of a simulation that share a pipeline's tasks, as a consumer group of Kafka does:
 * tasks stay where they are as far as that is even; one that moves is given to its new owner when
 * the old one has ended it. Who does not answer for longer than the lease is put out, its tasks
 * move at once, and when it wakes it learns that it has lost them all and joins again.
 */
import type { Membership } from '../../log/log.ts'

type Tell = Parameters<Membership['onChange']>[0]
type Change = Parameters<Tell>[0]

export class SimulatedGroup {
  readonly #note: (text: string) => void
  readonly #members = new Map<number, Member>()
  #tasks: readonly string[] = []

  /** @param note told of what moves */
  constructor(note: (text: string) => void) {
    this.#note = note
  }

  /** @param process its number, by which `expel` and `forget` know it */
  join(process: number, tasks: readonly string[]): Membership {
    this.#tasks = tasks
    const member = new Member(process, this)
    if (this.#members.size === 0) for (const task of tasks) member.held.add(task)
    this.#members.set(process, member)
    this.share()
    return member
  }

  has(process: number): boolean {
    return this.#members.has(process)
  }

  /** Its lease is over: its tasks go to others. It is told when it runs again, and joins again. */
  expel(process: number): void {
    const member = this.#members.get(process)
    if (member === undefined) return
    this.#members.delete(process)
    this.#note(`process ${process} is put out of the group, its lease is over`)
    const lost = member.putOut()
    void member.tell({ gained: [], lost, reason: 'fenced' }).then(() => {
      if (member.hasLeft) return
      this.#members.set(process, member)
      this.share()
    })
    this.share()
  }

  /** It is dead, and its lease is over. */
  forget(process: number): void {
    const member = this.#members.get(process)
    this.#members.delete(process)
    member?.putOut()
    this.share()
  }

  leave(member: Member): void {
    if (this.#members.get(member.process) !== member) return
    this.#members.delete(member.process)
    member.putOut()
    this.share()
  }

  /** Takes tasks from who has too many, and gives those that nobody has. */
  share(): void {
    const wanted = this.#wanted()
    for (const [member, tasks] of wanted) {
      const lost = [...member.held].filter((task) => !tasks.has(task) && !member.ending.has(task))
      if (lost.length === 0) continue
      const { term } = member
      this.#note(`process ${member.process} is to give up ${lost.join(' ')}`)
      for (const task of lost) member.ending.add(task)
      void member.tell({ gained: [], lost, reason: 'rebalanced' }).then(() => {
        if (member.term !== term) return // put out meanwhile: they have gone already
        for (const task of lost) {
          member.held.delete(task)
          member.ending.delete(task)
        }
        this.share()
      })
    }
    for (const [member, tasks] of wanted) {
      const gained = [...tasks].filter((task) => this.#ownerOf(task) === null)
      if (gained.length === 0) continue
      this.#note(`process ${member.process} is given ${gained.join(' ')}`)
      for (const task of gained) member.held.add(task)
      void member.tell({ gained, lost: [], reason: 'rebalanced' })
    }
  }

  #ownerOf(task: string): Member | null {
    for (const member of this.#members.values()) if (member.held.has(task)) return member
    return null
  }

  /** Who shall have what: as even as it goes, with the fewest moves. */
  #wanted(): Map<Member, Set<string>> {
    const members = [...this.#members.values()].toSorted((a, b) => b.held.size - a.held.size)
    const least = Math.floor(this.#tasks.length / members.length)
    const extra = this.#tasks.length % members.length
    const quotas = members.map((_, i) => least + (i < extra ? 1 : 0))
    const wanted = new Map<Member, Set<string>>()
    const left = new Set(this.#tasks)
    for (const [i, member] of members.entries()) {
      const kept = this.#tasks.filter((task) => member.held.has(task)).slice(0, quotas[i])
      wanted.set(member, new Set(kept))
      for (const task of kept) left.delete(task)
    }
    for (const [i, member] of members.entries()) {
      const own = wanted.get(member) as Set<string>
      for (const task of left) {
        if (own.size >= (quotas[i] as number)) break
        own.add(task)
        left.delete(task)
      }
    }
    return wanted
  }
}

class Member implements Membership {
  readonly rejoins = true
  readonly process: number
  /** Tasks that are its own, those that it is giving up included. */
  readonly held = new Set<string>()
  /** Tasks that it has been asked to give up. */
  readonly ending = new Set<string>()
  /** Counts how often it was put out. */
  term = 0
  hasLeft = false
  readonly #group: SimulatedGroup
  #tell: Tell | null = null
  #early: (() => void)[] = []
  /** Changes are told one after the other. */
  #telling: Promise<void> = Promise.resolve()

  constructor(process: number, group: SimulatedGroup) {
    this.process = process
    this.#group = group
  }

  get owned(): readonly string[] {
    return [...this.held].filter((task) => !this.ending.has(task))
  }

  onChange(tell: Tell): void {
    this.#tell = tell
    for (const run of this.#early) run()
    this.#early = []
  }

  /** Resolves when the process has done what the change asks of it. */
  async tell(change: Change): Promise<void> {
    const before = this.#telling
    this.#telling = (async () => {
      if (this.#tell === null) await new Promise<void>((resolve) => this.#early.push(resolve))
      await before
      await this.#tell?.(change)
    })()
    await this.#telling
  }

  confirm(task: string): Promise<boolean> {
    return Promise.resolve(this.held.has(task) && !this.ending.has(task))
  }

  /** @returns what it had */
  putOut(): string[] {
    const lost = [...this.held]
    this.held.clear()
    this.ending.clear()
    this.term += 1
    return lost
  }

  async leave(): Promise<void> {
    this.hasLeft = true
    this.#group.leave(this)
    await Promise.resolve()
  }
}
