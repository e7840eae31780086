/** The disk itself: what stays of a file, and what may. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { seededRandom } from '../../../core/random.ts'
import { type DiskFault, type DiskFile, DiskModel, pageBytes, sectorBytes } from './disk-model.ts'

const old = Buffer.alloc(pageBytes, 'a')
const fresh = Buffer.alloc(pageBytes, 'b')

interface Setup {
  readonly disk: DiskModel
  readonly file: DiskFile
  /** The next step meets it. */
  next(fault: DiskFault): void
}

/** A file with one synced page of `a`. */
function diskOf(seed: number): Setup {
  let armed: DiskFault | null = null
  const meet = (): DiskFault | null => {
    const fault = armed
    armed = null
    return fault
  }
  const disk = new DiskModel({ random: seededRandom(seed), meet })
  const file = disk.file('f')
  file.write(0, old)
  file.sync()
  return { disk, file, next: (fault) => void (armed = fault) }
}

function fateOf(content: Buffer): 'kept' | 'lost' | 'torn' {
  if (content.equals(fresh)) return 'kept'
  if (content.equals(old)) return 'lost'
  for (let at = 0; at < pageBytes; at += sectorBytes) {
    const sector = content.subarray(at, at + sectorBytes)
    assert.ok(/^(a+|b+)$/.test(sector.toString()), 'a sector is old or new')
  }
  return 'torn'
}

test('D2 a page that was not synced is kept, lost or torn; one that was is kept', () => {
  const fates = new Set<string>()
  for (let seed = 0; seed < 30; seed++) {
    const { disk, file } = diskOf(seed)
    file.write(0, fresh)
    assert.ok(file.read().equals(fresh), 'D1 the cache has it')
    disk.losePower()
    fates.add(fateOf(file.read()))
    file.write(0, fresh)
    file.sync()
    disk.losePower()
    assert.ok(file.read().equals(fresh))
  }
  assert.deepEqual([...fates].toSorted(), ['kept', 'lost', 'torn'])
})

test('D2 a file that grew has its old size or the new one', () => {
  const sizes = new Set<number>()
  for (let seed = 0; seed < 30; seed++) {
    const { disk, file } = diskOf(seed)
    file.write(pageBytes, fresh)
    disk.losePower()
    sizes.add(file.size)
    assert.ok(file.read().subarray(0, pageBytes).equals(old))
  }
  assert.deepEqual(
    [...sizes].toSorted((a, b) => a - b),
    [pageBytes, 2 * pageBytes],
  )
})

test('D3 after a sync that failed the next one does not write the pages', () => {
  const fates = new Set<string>()
  for (let seed = 0; seed < 30; seed++) {
    const { disk, file, next } = diskOf(seed)
    file.write(0, fresh)
    next('fails')
    assert.throws(() => file.sync(), { code: 'log-failed' })
    assert.ok(file.read().equals(fresh), 'it is read from the cache')
    file.sync()
    disk.losePower()
    fates.add(fateOf(file.read()))
  }
  assert.deepEqual([...fates].toSorted(), ['kept', 'lost', 'torn'])
})

test('D4 without room a write fails, and what is there stays', () => {
  const { disk, file } = diskOf(1)
  disk.bytesMax = pageBytes + 10
  assert.throws(() => file.write(pageBytes, fresh), { code: 'disk-full' })
  assert.ok(file.size <= pageBytes + 10)
  assert.ok(file.read().subarray(0, pageBytes).equals(old))
  file.truncate(pageBytes)
  disk.bytesMax = 3 * pageBytes
  file.write(pageBytes, fresh)
  assert.ok(file.read().subarray(pageBytes).equals(fresh))
})

test('a step may be cut short by a power loss', () => {
  const { disk, file, next } = diskOf(1)
  next('power-loss')
  assert.throws(() => file.write(pageBytes, fresh), { code: 'log-closed' })
  assert.equal(disk.losses, 1)
})

test('a file that was cut does not show what was there when it grows again', () => {
  const { disk, file } = diskOf(1)
  file.truncate(100)
  file.write(200, fresh.subarray(0, 10))
  file.sync()
  disk.losePower()
  const content = file.read()
  assert.equal(content.toString('latin1', 0, 100), 'a'.repeat(100))
  assert.ok(content.subarray(100, 200).every((byte) => byte === 0))
})
