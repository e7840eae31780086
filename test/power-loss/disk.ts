/**
 * A disk as POSIX promises it, and no better: what was not synced when the power goes may be there,
 * or not, or in part. Takes the events of a process one by one and makes, at any moment, an image
 * of what a power cut then could leave.
 *
 * - Bytes of a file are safe from the next sync of that file on. Until then each sector holds what
 *   it held at some moment since the last one. Sectors that a lost write would have added hold
 *   zeros, or rubbish, where the file has grown all the same.
 * - A sync that fails (of a file; after the PostgreSQL "fsyncgate" of 2018) leaves of what was not
 *   synced whatever a power cut would, now and for good: its pages count as clean, and the next
 *   sync passes them over. Reading gives them from the cache all the same. Who writes to such a
 *   page makes all of it unsynced again.
 * - Names are safe from the next sync of their directory on; a sync of a file says nothing of its
 *   name. Until then each name is what it was at some moment since.
 */
import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import type { Random } from '../../src/core/random.ts'
import { Content } from './content.ts'
import type { DiskEvent } from './journal.ts'
import { afterCut, writeAll } from './torn.ts'
import type { CutOptions, Loss, Pending, TornCounts } from './torn.ts'

/** Path below the root → content; null: a directory. Parents come before what they hold. */
export type Image = ReadonlyMap<string, Buffer | null>

/** What the name stands for: the number of a file, a directory, or nothing. */
type Target = number | 'directory' | null

interface File {
  safe: Content
  pending: Pending[]
  /** What reading gives; kept from the first failed sync on. */
  cache: Content | null
}

/** Of memory, which a failed sync marks as clean, and a write as not. */
const pageBytes = 4096
/** What failed syncs leave of their pages. */
const dropped: readonly Loss[] = ['none', 'none', 'all', 'writes', 'sectors', 'prefix']

interface Naming {
  readonly path: string
  readonly target: Target
  readonly order: number
}

export class Disk {
  readonly counts: TornCounts = { lost: 0, torn: 0 }
  /** Syncs that failed. */
  failures = 0
  readonly #files = new Map<number, File>()
  readonly #safeNames = new Map<string, Target>()
  /** By directory. */
  readonly #namings = new Map<string, Naming[]>()
  /** The file that a name stands for, as a process sees it. */
  readonly #now = new Map<string, number>()
  readonly #before: Image
  readonly #random: Random
  #order = 0

  /**
   * @param before what was there at the start, all of it safe
   * @param random decides what failed syncs leave
   */
  constructor(before: Image = new Map(), random: Random = seededRandom(1)) {
    this.#before = before
    this.#random = random
    for (const [path, content] of before) {
      if (content === null) this.#safeNames.set(path, 'directory')
    }
  }

  apply(event: DiskEvent): void {
    this.#order += 1
    switch (event.kind) {
      case 'open': {
        const known = this.#now.get(event.path)
        if (known !== undefined) return void this.#files.set(event.file, this.#file(known))
        const content = this.#before.get(event.path)
        assert.ok(content, `${event.path} was opened, but is not in the image it began with`)
        this.#files.set(event.file, newFile(content))
        this.#now.set(event.path, event.file)
        this.#safeNames.set(event.path, event.file)
        return
      }
      case 'create':
        this.#files.set(event.file, newFile(Buffer.alloc(0)))
        this.#now.set(event.path, event.file)
        return this.#name(event.path, event.file)
      case 'make-directory':
        return this.#name(event.path, 'directory')
      case 'unlink':
        this.#now.delete(event.path)
        return this.#name(event.path, null)
      case 'write':
      case 'truncate': {
        const file = this.#file(event.file)
        return void file.pending.push(changeOf(file, { ...event, order: this.#order }))
      }
      case 'sync': {
        const file = this.#file(event.file)
        writeAll(file.safe, file.pending)
        file.pending = []
        return
      }
      case 'sync-failed':
        return this.#drop(this.#file(event.file))
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

  #drop(file: File): void {
    this.failures += 1
    if (file.cache === null) {
      file.cache = new Content(file.safe.bytes)
      writeAll(file.cache, file.pending)
    }
    const random = this.#random
    const loss = dropped[random.int(dropped.length)] as Loss
    const middle = file.pending[random.int(Math.max(1, file.pending.length))]
    const options = { loss, random, sectorBytes: 512, until: middle?.order ?? 0 } as const
    file.safe = new Content(afterCut(file.safe, file.pending, { ...options, counts: this.counts }))
    file.pending = []
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

function newFile(content: Buffer): File {
  return { safe: new Content(content), pending: [], cache: null }
}

/** A write as the pages that the next sync has to write. */
function changeOf({ cache }: File, change: Pending): Pending {
  if (cache === null) return change
  writeAll(cache, [change])
  if (change.kind === 'truncate') return change
  const at = Math.floor(change.at / pageBytes) * pageBytes
  const end = Math.ceil((change.at + change.bytes.length) / pageBytes) * pageBytes
  return { ...change, at, bytes: Buffer.from(cache.bytes.subarray(at, end)) }
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
