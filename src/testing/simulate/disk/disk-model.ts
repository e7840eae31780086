/**
 * A disk below an operating system, as a model: files are pages in a cache and on the disk. What
 * was written is in the cache; only what was synced is on the disk for sure.
 *
 * D1 A process that dies takes nothing with it: the cache stays.
 * D2 When power is lost each page that was not synced is kept, lost or torn (some of its sectors
 * are the new ones), and so is the file's size.
 * D3 After a sync that failed the pages count as clean, as on Linux: nobody knows whether they are
 * on the disk, reading gives them from the cache, and the next sync does not write them again.
 * D4 A write that finds no room may have written its first part.
 *
 * Every doubt is drawn from one seeded random. All calls are synchronous.
 */
import { MillraceError } from '../../../core/error.ts'
import type { Random } from '../../../core/random.ts'

export const pageBytes = 4096
/** What a disk writes whole. */
export const sectorBytes = 512

/** What a file is asked to do; each is a step of its disk, numbered from 0. */
export type DiskStep = 'write' | 'truncate' | 'sync'

/** `fails`: the step ends with an error. `power-loss`: it is cut short. */
export type DiskFault = 'fails' | 'power-loss'

export interface DiskModelOptions {
  readonly random: Random
  /** Room in all, bytes. Default: without limit. */
  readonly bytesMax?: number
  /** Asked at each step which fault it meets; null: none. */
  readonly meet?: (step: DiskStep, number: number) => DiskFault | null
}

/** A file as a log uses it. */
export interface DiskFile {
  /** As the cache has it, bytes. */
  readonly size: number
  /** All of it, as the cache has it; a copy. */
  read(): Buffer
  /**
   * Writes at a position; the file grows where needed.
   * @throws `disk-full` · `log-failed` · `log-closed` (power was lost); a first part may be written
   */
  write(position: number, bytes: Uint8Array): void
  /** Cuts the file; nothing where it is shorter. @throws `log-failed` · `log-closed` */
  truncate(size: number): void
  /** All that was written is on the disk when it returns. @throws `log-failed` · `log-closed` */
  sync(): void
}

export class DiskModel {
  /** Room in all, bytes; may change at any time. */
  bytesMax: number
  readonly random: Random
  readonly #meet: (step: DiskStep, number: number) => DiskFault | null
  readonly #files = new Map<string, ModelFile>()
  #steps = 0
  #losses = 0

  constructor({ random, bytesMax, meet }: DiskModelOptions) {
    this.random = random
    this.bytesMax = bytesMax ?? Number.POSITIVE_INFINITY
    this.#meet = meet ?? (() => null)
  }

  /** How often power was lost: whoever has it open since an earlier number is dead. */
  get losses(): number {
    return this.#losses
  }

  /** Bytes in use. */
  get bytes(): number {
    return [...this.#files.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** A file, made where there is none. */
  file(name: string): DiskFile {
    const found = this.#files.get(name) ?? new ModelFile(this)
    this.#files.set(name, found)
    return found
  }

  /** The machine stops at once. [D2] */
  losePower(): void {
    this.#losses += 1
    for (const file of this.#files.values()) file.losePower()
  }

  /** What the step at hand meets. */
  step(step: DiskStep): DiskFault | null {
    const number = this.#steps
    this.#steps += 1
    return this.#meet(step, number)
  }
}

class ModelFile implements DiskFile {
  readonly #disk: DiskModel
  readonly #dirty = new Set<number>()
  #cache = Buffer.alloc(pageBytes)
  #kept = Buffer.alloc(pageBytes)
  #size = 0
  #keptSize = 0
  #isSizeDirty = false

  constructor(disk: DiskModel) {
    this.#disk = disk
  }

  get size(): number {
    return this.#size
  }

  read(): Buffer {
    return Buffer.from(this.#cache.subarray(0, this.#size))
  }

  write(position: number, bytes: Uint8Array): void {
    const fault = this.#disk.step('write')
    const room = Math.max(0, this.#disk.bytesMax - this.#disk.bytes + this.#size - position)
    const isFull = bytes.length > room
    const end = isFull ? Math.floor(room) : bytes.length
    const written = fault === null && !isFull ? end : this.#disk.random.int(end + 1)
    this.#put(position, bytes.subarray(0, written))
    if (fault !== null) this.#fail(fault, 'write to')
    if (!isFull) return
    throw new MillraceError('disk-full', `no room is left for ${bytes.length} bytes`, {
      hint: 'make room on the disk, then try again; everything acknowledged is kept',
    })
  }

  truncate(size: number): void {
    const fault = this.#disk.step('truncate')
    if (fault !== null) this.#fail(fault, 'cut')
    if (size >= this.#size) return
    // The rest of the last page is zeroed, so that growing again does not show what was there.
    this.#cache.fill(0, size, this.#size)
    for (const page of this.#dirty) if (page * pageBytes >= size) this.#dirty.delete(page)
    if (size % pageBytes !== 0) this.#dirty.add(Math.floor(size / pageBytes))
    this.#size = size
    this.#isSizeDirty = true
  }

  sync(): void {
    const fault = this.#disk.step('sync')
    if (fault === 'power-loss') this.#fail(fault, 'sync')
    if (fault === 'fails') {
      this.#settle()
      this.#fail(fault, 'sync')
    }
    for (const page of this.#dirty) this.#keep(page * pageBytes, pageBytes)
    this.#dirty.clear()
    this.#keepSize(this.#size)
  }

  losePower(): void {
    this.#settle()
    this.#cache = Buffer.from(this.#kept)
    this.#size = this.#keptSize
  }

  #put(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const end = position + bytes.length
    this.#cache = grown(this.#cache, end)
    this.#kept = grown(this.#kept, end)
    this.#cache.set(bytes, position)
    const last = Math.floor((end - 1) / pageBytes)
    for (let page = Math.floor(position / pageBytes); page <= last; page++) this.#dirty.add(page)
    if (end <= this.#size) return
    this.#size = end
    this.#isSizeDirty = true
  }

  /** Draws for each dirty page what the disk has of it. [D2, D3] */
  #settle(): void {
    const { random } = this.#disk
    for (const page of this.#dirty) {
      const fate = random.int(3)
      if (fate === 0) continue
      for (let at = 0; at < pageBytes; at += sectorBytes) {
        if (fate === 1 || random.int(2) === 0) this.#keep(page * pageBytes + at, sectorBytes)
      }
    }
    this.#dirty.clear()
    if (this.#isSizeDirty && random.int(3) > 0) this.#keepSize(this.#size)
    this.#isSizeDirty = false
    // Behind the end there is nothing: a file that grows again does not show it.
    const last = Math.ceil(this.#size / pageBytes) * pageBytes
    if (last > this.#keptSize) this.#kept.fill(0, this.#keptSize, last)
  }

  #keep(from: number, count: number): void {
    this.#cache.copy(this.#kept, from, from, from + count)
  }

  /** What a file is shortened by is gone. */
  #keepSize(size: number): void {
    if (size < this.#keptSize) this.#kept.fill(0, size, this.#keptSize)
    this.#keptSize = size
    this.#isSizeDirty = false
  }

  #fail(fault: DiskFault, what: string): never {
    if (fault === 'fails') {
      throw new MillraceError('log-failed', `could not ${what} the simulated disk`, {
        hint: 'check the disk, then try again',
      })
    }
    this.#disk.losePower()
    throw powerLost()
  }
}

/** What whoever had the disk open gets from then on. */
export function powerLost(): MillraceError {
  return new MillraceError('log-closed', 'the machine of the simulated disk lost its power', {
    hint: 'open it again',
    outcome: 'unknown',
  })
}

/** Whole pages, at least `size` bytes. */
function grown(buffer: Buffer<ArrayBuffer>, size: number): Buffer<ArrayBuffer> {
  if (size <= buffer.length) return buffer
  let length = buffer.length
  while (length < size) length *= 2
  const larger = Buffer.alloc(length)
  buffer.copy(larger)
  return larger
}
