/**
 * Accumulators over one body that changes in place. The newest version holds the body; each older
 * one holds what it differs by, and the version after it. Asked for an older one, the changes are
 * played back and the body moves there (H. Baker, "Shallow binding makes functional arrays fast",
 * 1991). So every version stays valid for ever, a change costs one small object, and what is not
 * referred to any more, older or dropped, is garbage.
 */

/** Something made of slots. `swap` sets one of them and gives back what it held. */
export interface Body<S, O> {
  swap(slot: S, value: O): O
}

export class Version<B extends Body<S, O>, S, O> {
  /** Null: `slot` held `value` here, all else is as in `newer`. */
  body: B | null
  slot: S | undefined = undefined
  value: O | undefined = undefined
  newer: Version<B, S, O> | null = null

  constructor(body: B) {
    this.body = body
  }
}

/** The body as it is in this version: to read, until another version is asked for. */
export function bodyOf<B extends Body<S, O>, S, O>(version: Version<B, S, O>): B {
  return version.body ?? moveTo(version)
}

/** The version in which `slot` holds `value`. */
export function withSlot<B extends Body<S, O>, S, O>(
  version: Version<B, S, O>,
  slot: S,
  value: O,
): Version<B, S, O> {
  const body = bodyOf(version)
  const next = new Version<B, S, O>(body)
  leave(version, next, slot, body.swap(slot, value))
  return next
}

function moveTo<B extends Body<S, O>, S, O>(version: Version<B, S, O>): B {
  const path: Version<B, S, O>[] = []
  let at = version
  while (at.newer !== null) {
    path.push(at)
    at = at.newer
  }
  const body = at.body as B
  for (let older = path.pop(); older !== undefined; older = path.pop()) {
    const slot = older.slot as S
    leave(at, older, slot, body.swap(slot, older.value as O))
    older.body = body
    older.newer = null
    older.slot = undefined
    older.value = undefined
    at = older
  }
  return body
}

function leave<B extends Body<S, O>, S, O>(
  version: Version<B, S, O>,
  newer: Version<B, S, O>,
  slot: S,
  value: O,
): void {
  version.body = null
  version.slot = slot
  version.value = value
  version.newer = newer
}
