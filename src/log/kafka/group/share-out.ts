/**
 * Who shall have which task: a pure function, so that any leader comes to the same result.
 *
 * - Stateful and stateless tasks are each spread evenly (within one), and so is their sum.
 * - A task stays where it is as long as evenness allows; nothing moves that need not.
 * - A task that moves goes to a member that has a copy of its state, where one has room.
 * - A second share-out of the result changes nothing.
 */

export interface ShareMember {
  /** Unique; gives the order in which equals come. */
  readonly id: string
  /** Tasks that are this member's, and shall be if evenness allows. A task has one at most. */
  readonly holds: readonly string[]
  /** Tasks whose state it has a copy of. */
  readonly warm: readonly string[]
  /** Tasks of which it keeps a standby copy now. */
  readonly standbys: readonly string[]
}

export interface ShareTask {
  readonly task: string
  readonly isStateful: boolean
}

export interface Shares {
  /** Member id → its tasks, in the order of the task list. */
  readonly active: ReadonlyMap<string, readonly string[]>
  readonly standbys: ReadonlyMap<string, readonly string[]>
}

interface Lot {
  readonly member: ShareMember
  readonly holds: ReadonlySet<string>
  readonly warm: ReadonlySet<string>
  readonly active: Set<string>
  readonly standbys: Set<string>
}

/** @param copies standby copies of each stateful task, on members other than its own */
export function shareOut(
  tasks: readonly ShareTask[],
  members: readonly ShareMember[],
  copies: number,
): Shares {
  const lots = members
    .map((member) => ({
      member,
      holds: new Set(member.holds),
      warm: new Set(member.warm),
      active: new Set<string>(),
      standbys: new Set<string>(),
    }))
    .toSorted((a, b) => compare(a.member.id, b.member.id))
  const stateful = tasks.filter(({ isStateful }) => isStateful).map(({ task }) => task)
  const stateless = tasks.filter(({ isStateful }) => !isStateful).map(({ task }) => task)
  shareEvenly(stateful, stateless, lots)
  shareEvenly(stateless, [], lots)
  shareCopies(stateful, lots, Math.min(copies, lots.length - 1))
  const inOrder = (set: ReadonlySet<string>): string[] =>
    tasks.flatMap(({ task }) => (set.has(task) ? [task] : []))
  return {
    active: new Map(lots.map((lot) => [lot.member.id, inOrder(lot.active)])),
    standbys: new Map(lots.map((lot) => [lot.member.id, inOrder(lot.standbys)])),
  }
}

/** @param later the tasks that are shared out afterwards, which decide between equals */
function shareEvenly(tasks: readonly string[], later: readonly string[], lots: Lot[]): void {
  if (lots.length === 0) return
  const least = Math.floor(tasks.length / lots.length)
  const more = new Set(onesWithMore(tasks, later, lots))
  const room = new Map(lots.map((lot) => [lot, least + (more.has(lot) ? 1 : 0)]))
  const place = (task: string, lot: Lot): void => {
    lot.active.add(task)
    room.set(lot, (room.get(lot) ?? 0) - 1)
  }
  const placed = new Set<string>()
  for (const lot of lots) {
    const held = tasks.filter((task) => lot.holds.has(task))
    // Who must give some up gives those of which another has a copy.
    const isElsewhere = (task: string): boolean =>
      lots.some((other) => other !== lot && other.warm.has(task))
    const kept = [...held.filter((t) => !isElsewhere(t)), ...held.filter(isElsewhere)]
    for (const task of kept.slice(0, room.get(lot))) {
      place(task, lot)
      placed.add(task)
    }
  }
  const free = tasks.filter((task) => !placed.has(task))
  const cold = free.filter((task) => {
    const warm = roomiest(lots, room, (lot) => lot.warm.has(task))
    if (warm !== null) place(task, warm)
    return warm === null
  })
  for (const task of cold) {
    const lot = roomiest(lots, room, () => true)
    if (lot !== null) place(task, lot)
  }
}

/**
 * Which members get one task more than the others, where the number does not divide: so that the
 * sum stays even, then those that have one more already, then those with copies of free tasks.
 */
function onesWithMore(tasks: readonly string[], later: readonly string[], lots: Lot[]): Lot[] {
  const least = Math.floor(tasks.length / lots.length)
  const leastLater = Math.floor(later.length / lots.length)
  const held = new Set(lots.flatMap((lot) => [...lot.holds]))
  const rank = (lot: Lot): number[] => {
    const mine = count(tasks, lot.holds)
    return [
      lot.active.size, // what was shared out before
      mine > least ? 0 : 1,
      count(later, lot.holds) > leastLater ? 1 : 0,
      -tasks.filter((task) => !held.has(task) && lot.warm.has(task)).length,
      -mine,
    ]
  }
  const ranked = lots.map((lot) => ({ lot, rank: rank(lot) }))
  ranked.sort((a, b) => compareAll(a.rank, b.rank))
  return ranked.slice(0, tasks.length % lots.length).map(({ lot }) => lot)
}

function roomiest(
  lots: readonly Lot[],
  room: ReadonlyMap<Lot, number>,
  fits: (lot: Lot) => boolean,
): Lot | null {
  let best: Lot | null = null
  let most = 0
  for (const lot of lots) {
    const has = room.get(lot) ?? 0
    if (has > most && fits(lot)) {
      best = lot
      most = has
    }
  }
  return best
}

function shareCopies(tasks: readonly string[], lots: Lot[], copies: number): void {
  if (copies <= 0) return
  const most = Math.ceil((tasks.length * copies) / lots.length)
  const missing = new Map(tasks.map((task) => [task, copies]))
  const give = (task: string, lot: Lot): void => {
    lot.standbys.add(task)
    missing.set(task, (missing.get(task) ?? 0) - 1)
  }
  const mayHave = (task: string, lot: Lot): boolean =>
    !lot.active.has(task) && !lot.standbys.has(task)
  // A copy stays; next best is where a copy of the state was left behind.
  for (const isThere of [
    (task: string, lot: Lot): boolean => lot.member.standbys.includes(task),
    (task: string, lot: Lot): boolean => lot.warm.has(task) || lot.holds.has(task),
  ]) {
    for (const task of tasks) {
      for (const lot of lots) {
        const isWanted = (missing.get(task) ?? 0) > 0 && lot.standbys.size < most
        if (isWanted && mayHave(task, lot) && isThere(task, lot)) give(task, lot)
      }
    }
  }
  for (const task of tasks) {
    while ((missing.get(task) ?? 0) > 0) {
      const able = lots.filter((lot) => mayHave(task, lot))
      const [lot] = able.toSorted((a, b) => a.standbys.size - b.standbys.size)
      if (lot === undefined) break
      give(task, lot)
    }
  }
  while (evenOut(tasks, lots, mayHave));
}

/** Moves one copy from a member with many to one with at least two less. */
function evenOut(
  tasks: readonly string[],
  lots: readonly Lot[],
  mayHave: (task: string, lot: Lot) => boolean,
): boolean {
  const ranked = lots.toSorted((a, b) => a.standbys.size - b.standbys.size)
  for (const poor of ranked) {
    for (const rich of ranked.toReversed()) {
      if (rich.standbys.size < poor.standbys.size + 2) break
      const task = tasks.find((one) => rich.standbys.has(one) && mayHave(one, poor))
      if (task === undefined) continue
      rich.standbys.delete(task)
      poor.standbys.add(task)
      return true
    }
  }
  return false
}

function count(tasks: readonly string[], set: ReadonlySet<string>): number {
  let n = 0
  for (const task of tasks) if (set.has(task)) n++
  return n
}

function compareAll(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** By code units: the same on every machine, whatever its locale. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
