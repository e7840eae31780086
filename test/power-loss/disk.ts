/**
 * A disk as POSIX promises it, and no better: what was not synced when the power goes may be there,
 * or not, or in part. Takes the events of a process one by one and makes, at any moment, an image
 * of what a power cut then could leave.
 *
 * - Bytes of a file are safe from the next sync of that file on. Until then each sector holds what
 *   it held at some moment since the last one. Sectors that a lost write would have added hold
 *   zeros, or rubbish, where the file has grown all the same.
 * - Names are safe from the next sync of their directory on; a sync of a file says nothing of its
 *   name. Until then each name is what it was at some moment since.
 */
import assert from 'node:assert/strict'
import { Content } from './content.ts'
import type { DiskEvent } from './journal.ts'
import { afterCut, writeAll } from './torn.ts'
import type { CutOptions, Pending, TornCounts } from './torn.ts'

/** Path below the root → content; null: a directory. Parents come before what they hold. */
export type Image = ReadonlyMap<string, Buffer | null>

/** What the name stands for: the number of a file, a directory, or nothing. */
type Target = number | 'directory' | null

interface File {
  readonly safe: Content
  pending: Pending[]
}

interface Naming {
  readonly path: string
  readonly target: Target
  readonly order: number
}

export class Disk {
  readonly counts: TornCounts = { lost: 0, torn: 0 }
  readonly #files = new Map<number, File>()
  readonly #safeNames = new Map<string, Target>()
  /** By directory. */
  readonly #namings = new Map<string, Naming[]>()
  readonly #before: Image
  #order = 0

  /** @param before what was there at the start, all of it safe */
  constructor(before: Image = new Map()) {
    this.#before = before
    for (const [path, content] of before) {
      if (content === null) this.#safeNames.set(path, 'directory')
    }
  }

  apply(event: DiskEvent): void {
    this.#order += 1
    switch (event.kind) {
      case 'open': {
        const content = this.#before.get(event.path)
        assert.ok(content, `${event.path} was opened, but is not in the image it began with`)
        this.#files.set(event.file, { safe: new Content(content), pending: [] })
        this.#safeNames.set(event.path, event.file)
        return
      }
      case 'create':
        this.#files.set(event.file, { safe: new Content(Buffer.alloc(0)), pending: [] })
        return this.#name(event.path, event.file)
      case 'make-directory':
        return this.#name(event.path, 'directory')
      case 'unlink':
        return this.#name(event.path, null)
      case 'write':
      case 'truncate':
        return void this.#file(event.file).pending.push({ ...event, order: this.#order })
      case 'sync': {
        const file = this.#file(event.file)
        writeAll(file.safe, file.pending)
        file.pending = []
        return
      }
      case 'sync-directory': {
        for (const { path, target } of this.#namings.get(event.path) ?? [])
          this.#safeNames.set(path, target)
        this.#namings.delete(event.path)
        return
      }
      case 'note':
        return
    }
  }

  #file(number: number): File {
    const file = this.#files.get(number)
    assert.ok(file, `file ${number} was never opened`)
    return file
  }

  #name(path: string, target: Target): void {
    const directory = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
    const namings = this.#namings.get(directory) ?? []
    this.#namings.set(directory, namings)
    namings.push({ path, target, order: this.#order })
  }

  /** What the power cut leaves, now. */
  cut(options: CutOptions): Image {
    const { random, loss } = options
    // Everything that is pending is older than this moment; `prefix` keeps what is older than that.
    const orders = [
      ...[...this.#files.values()].flatMap((file) => file.pending.map((one) => one.order)),
      ...[...this.#namings.values()].flatMap((list) => list.map((one) => one.order)),
    ].toSorted((a, b) => a - b)
    const until = loss === 'prefix' ? (orders[random.int(orders.length + 1)] ?? Infinity) : 0
    const names = new Map<string, Target>([
      ...[...this.#before.keys()].map((path): [string, Target] => [path, this.#target(path)]),
      ...this.#safeNames,
    ])
    for (const list of this.#namings.values()) {
      for (const [path, own] of Map.groupBy(list, (naming) => naming.path)) {
        const kept = keptNames(own, { ...options, until })
        const last = own[kept - 1]
        if (last !== undefined) names.set(path, last.target)
      }
    }
    return this.#imageOf(names, { ...options, until })
  }

  /** A name that nobody has opened yet stands for what was there at the start: negative. */
  #target(path: string): Target {
    return this.#before.get(path) === null ? 'directory' : -1
  }

  #imageOf(names: Map<string, Target>, options: CutOptions & { readonly until: number }): Image {
    const image = new Map<string, Buffer | null>()
    for (const path of [...names.keys()].toSorted()) {
      const target = names.get(path) ?? null
      const above = path.slice(0, Math.max(0, path.lastIndexOf('/')))
      if (target === null || (above !== '' && image.get(above) !== null)) continue
      if (target === 'directory') image.set(path, null)
      else if (target < 0) image.set(path, this.#before.get(path) as Buffer)
      else {
        const { safe, pending } = this.#file(target)
        image.set(path, afterCut(safe, pending, { ...options, counts: this.counts }))
      }
    }
    return image
  }
}

/** How many of the changes of one name are kept: the last of them counts. */
function keptNames(
  own: readonly Naming[],
  { loss, random, until }: CutOptions & { readonly until: number },
): number {
  switch (loss) {
    case 'none':
      return 0
    case 'all':
      return own.length
    case 'prefix':
      return own.filter(({ order }) => order < until).length
    case 'writes':
    case 'sectors':
      return random.int(own.length + 1)
  }
}
