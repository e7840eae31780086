/**
 * All stores of a task: packs what changed into one changelog blob a commit, folds old blobs away
 * by a rolling snapshot (each commit also writes the next slice of the live state; when the slice
 * pointer has gone round, everything before the round may be deleted), and restores from the blobs.
 *
 * Blob: version, CRC-32 of the rest as a float64, then twice (changes, slice) a section: store
 * count, and for each store its name, the dropped namespaces, and the entries (namespace, key,
 * present, value), all by `ValueWriter`.
 */
import { crc32 } from 'node:zlib'
import { assert } from '../../core/assert.ts'
import { isCode, messageOf, MillraceError } from '../../core/error.ts'
import type { Key } from '../../core/key.ts'
import { ValueReader, ValueWriter } from '../../core/value-codec.ts'
import type { ChangelogWrite } from '../../log/log.ts'
import { absent, Journal, Store } from './store.ts'
import type { Entry, StoreSpec } from './store.ts'

const blobVersion = 2
/** Version and checksum. */
const headBytes = 1 + 8
/**
 * A slice is about this many bytes at least, and about as many as changed: recovery reads at most
 * about four times the live state. Bytes and not entries: a change of small entries must not
 * rewrite as many large ones.
 */
const sliceBytesMin = 1024
/**
 * Entries looked at for a slice, beside four for each that changed: those that the round has
 * already written as changes are passed over. So a round ends also where every commit adds as many
 * entries as it writes.
 */
const looksMin = 256
const looksPerChange = 4

export class StateSet {
  readonly journal: Journal = new Journal()
  readonly #stores: Map<string, Store> = new Map()
  readonly #writer = new ValueWriter()
  #round: Iterator<Entry> | null = null
  /** The commit in which the round began. */
  #roundStartedIn = 0
  /** Names of stores that were in the changelog but that no step asks for. */
  readonly orphans: Set<string> = new Set()

  /** A new store. @throws `assertion-failed` when the name is taken */
  store(spec: StoreSpec): Store {
    assert(!this.#stores.has(spec.name), () => `two stores are named '${spec.name}'`)
    const store = new Store(spec, this.journal)
    this.#stores.set(spec.name, store)
    return store
  }

  /** Entries of all stores: for limits and status. */
  entryCount(): number {
    let sum = 0
    for (const count of this.entryCounts().values()) sum += count
    return sum
  }

  /** By the name of the store. */
  entryCounts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const [name, store] of this.#stores) {
      let count = 0
      for (const namespace of store.namespaces.values()) count += namespace.entries.size
      counts.set(name, count)
    }
    return counts
  }

  /** Whether anything was written since the last `pack`. */
  get changed(): boolean {
    for (const store of this.#stores.values())
      if (store.dirty.length > 0 || store.drops.length > 0) return true
    return false
  }

  /**
   * What changed since the last call, plus the next slice of the snapshot; null when nothing
   * changed.
   */
  pack(): ChangelogWrite | null {
    if (!this.changed) return null
    const writer = this.#writer
    writer.reset()
    writer.writeUint(blobVersion)
    writer.writeFloat64(0) // the checksum's place
    const changed = [...this.#stores.values()].filter(
      (store) => store.dirty.length > 0 || store.drops.length > 0,
    )
    let written = 0
    const startBytes = writer.length
    writer.writeUint(changed.length)
    for (const store of changed) {
      writer.writeString(store.spec.name)
      writer.writeUint(store.drops.length)
      for (const id of store.drops) writer.writeFloat64(id)
      const dirty =
        store.drops.length === 0
          ? store.dirty
          : store.dirty.filter((entry) => !entry.namespace.dropped)
      writer.writeUint(dirty.length)
      const before = writer.length
      for (const entry of dirty) {
        this.#writeEntry(entry)
        store.settle(entry)
      }
      if (dirty.length > 0) store.entryBytes = (writer.length - before) / dirty.length
      written += dirty.length
      store.dirty = []
      store.drops = []
    }
    const startsRound = this.#round === null
    if (startsRound) this.#roundStartedIn = this.journal.commitNumber
    this.#round ??= this.#liveEntries()
    this.journal.commitNumber += 1
    const bytes = Math.max(sliceBytesMin, writer.length - startBytes)
    const looks = Math.max(looksMin, written * looksPerChange)
    const endsRound = this.#writeSlice(this.#round, bytes, looks)
    if (endsRound) this.#round = null
    return { bytes: withChecksum(writer.bytes()), startsRound, endsRound }
  }

  /** Applies one blob; blobs come in commit order. @throws `state-corrupt` */
  restore(blob: Uint8Array): void {
    const reader = new ValueReader(blob)
    const version = reader.readUint()
    if (version !== blobVersion) {
      throw new MillraceError(
        'state-corrupt',
        `a changelog blob has version ${version}, known is ${blobVersion}`,
        {
          hint: 'use the version of Millrace that wrote it, or run the pipeline under another name',
        },
      )
    }
    checkSum(blob, reader.readFloat64())
    try {
      this.#restoreSection(reader)
      this.#restoreSection(reader)
    } catch (thrown) {
      if (isCode(thrown, 'state-corrupt')) throw thrown
      // What is no key, or not of the form that a store gave.
      const text = `a changelog blob does not fit: ${messageOf(thrown)}`
      throw new MillraceError('state-corrupt', text, { cause: thrown })
    }
    if (!reader.done)
      throw new MillraceError('state-corrupt', 'a changelog blob has bytes left over')
  }

  /** To be called once after the last blob: nothing is dirty, the next commit starts a round. */
  restored(): void {
    for (const store of this.#stores.values()) {
      for (const [id, namespace] of store.namespaces)
        if (namespace.entries.size === 0) store.namespaces.delete(id)
    }
  }

  #writeEntry(entry: Entry): void {
    const writer = this.#writer
    const { namespace } = entry
    const present = entry.value !== absent
    writer.writeFloat64(namespace.id)
    writer.writeValue(entry.key)
    writer.writeUint(present ? 1 : 0)
    if (present) writer.writeValue(namespace.store.spec.toState(entry.value))
  }

  *#liveEntries(): IterableIterator<Entry> {
    for (const store of this.#stores.values()) {
      for (const namespace of store.namespaces.values()) {
        for (const entry of namespace.entries.values()) {
          if (namespace.dropped) break
          yield entry
        }
      }
    }
  }

  /** @returns whether the round is complete */
  #writeSlice(round: Iterator<Entry>, byteLimit: number, lookLimit: number): boolean {
    const byStore = new Map<Store, Entry[]>()
    let complete = false
    let bytes = 0
    for (let looked = 0; bytes < byteLimit && looked < lookLimit; looked++) {
      const next = round.next()
      if (next.done === true) {
        complete = true
        break
      }
      const entry = next.value
      if (entry.value === absent || entry.namespace.dropped) continue
      // A blob of this round has it, as it is now.
      if (entry.dirtyIn >= this.#roundStartedIn) continue
      bytes += entry.namespace.store.entryBytes
      const entries = byStore.get(entry.namespace.store)
      if (entries === undefined) byStore.set(entry.namespace.store, [entry])
      else entries.push(entry)
    }
    this.#writer.writeUint(byStore.size)
    for (const [store, entries] of byStore) {
      this.#writer.writeString(store.spec.name)
      this.#writer.writeUint(0)
      this.#writer.writeUint(entries.length)
      for (const entry of entries) this.#writeEntry(entry)
    }
    return complete
  }

  #restoreSection(reader: ValueReader): void {
    const stores = reader.readUint()
    for (let s = 0; s < stores; s++) {
      const name = reader.readString()
      const store = this.#stores.get(name)
      if (store === undefined) this.orphans.add(name)
      const drops = reader.readUint()
      for (let d = 0; d < drops; d++) {
        const id = reader.readFloat64()
        store?.namespaces.delete(id)
      }
      const entries = reader.readUint()
      for (let e = 0; e < entries; e++) this.#restoreEntry(reader, store)
    }
  }

  #restoreEntry(reader: ValueReader, store: Store | undefined): void {
    const id = reader.readFloat64()
    const key = reader.readValue() as Key
    const present = reader.readUint() === 1
    const state = present ? reader.readValue() : undefined
    if (store === undefined) return
    if (present) store.restore(id, key, state)
    else store.restoreAbsent(id, key)
  }
}

/** @param blob with room for it; is changed */
function withChecksum<Bytes extends Uint8Array>(blob: Bytes): Bytes {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
  view.setFloat64(1, crc32(blob.subarray(headBytes)), true)
  return blob
}

/** A log that keeps blobs may have no checksum of its own. @throws `state-corrupt` */
function checkSum(blob: Uint8Array, sum: number): void {
  if (crc32(blob.subarray(headBytes)) === sum) return
  throw new MillraceError(
    'state-corrupt',
    `a changelog blob of ${blob.length} bytes fails its checksum`,
    { hint: 'check the disk, and restore the data from a copy' },
  )
}
