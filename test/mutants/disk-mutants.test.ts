/** The rounds on a failing disk are tested: they reject each wrong storage. */
import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import { test } from 'vitest'
import { diskRound } from '../../src/testing/simulate/disk/disk-round.ts'
import type { DiskFile, DiskModel } from '../../src/testing/simulate/disk/disk-model.ts'
import { DiskStorage } from '../../src/testing/simulate/disk/disk-storage.ts'
import { type FrameFormat, frames } from '../../src/testing/simulate/disk/frame.ts'
import { change } from './wrap-log.ts'

/** Storage on a file with some calls done wrong. */
function onFile(wrong: (file: DiskFile) => Partial<DiskFile>): (disk: DiskModel) => DiskStorage {
  return (disk) => {
    const file = disk.file('data')
    return new DiskStorage({ disk, file: change(file, wrong(file)) })
  }
}

function written(format: Partial<FrameFormat>): (disk: DiskModel) => DiskStorage {
  return (disk) => new DiskStorage({ disk, format: { ...frames, ...format } })
}

/** Checksums are made to fit whatever was found. */
function unchecked(file: Buffer): Buffer {
  const copy = Buffer.from(file)
  let checksum = 0
  for (let at = 0; at + 12 <= copy.length;) {
    const end = at + 12 + copy.readUInt32LE(at + 4)
    if (end > copy.length) break
    checksum = crc32(copy.subarray(at + 12, end), checksum)
    copy.writeUInt32LE(checksum, at + 8)
    at = end
  }
  return copy
}

const mutants: Record<string, (disk: DiskModel) => DiskStorage> = {
  'acknowledges without a sync': onFile(() => ({ sync: () => undefined })),
  'acknowledges after a sync that failed': onFile((file) => ({
    sync: () => {
      try {
        file.sync()
      } catch {
        return
      }
    },
  })),
  'acknowledges a write that found no room': onFile((file) => ({
    write: (position, bytes) => {
      try {
        file.write(position, bytes)
      } catch {
        return
      }
    },
  })),
  'syncs before it writes': onFile((file) => {
    let late: (() => void) | null = null
    const flush = (): void => {
      late?.()
      late = null
    }
    return {
      read: () => (flush(), file.read()),
      write: (position, bytes) => {
        flush()
        late = () => file.write(position, bytes)
      },
      sync: () => {
        file.sync()
        flush()
      },
    }
  }),
  'does not look at checksums': written({ read: (file) => frames.read(unchecked(file)) }),
  'believes the cache at the opening': written({
    read: (file) => {
      const found = frames.read(file)
      return { ...found, lastAt: found.end }
    },
  }),
  'forgets the last change at the opening': written({
    read: (file) => {
      const found = frames.read(file)
      return { ...found, entries: found.entries.slice(0, -1) }
    },
  }),
  'shows a change before it is on the disk': (disk) => {
    const storage = new DiskStorage({ disk })
    return change(storage, {
      write: (entry, apply) => {
        const result = apply()
        return storage.write(entry, () => result)
      },
    })
  },
}

for (const [name, storageOf] of Object.entries(mutants)) {
  test(`rejected: a storage that ${name}`, async () => {
    let found: unknown = null
    for (let seed = 0; seed < 60 && found === null; seed++) {
      await diskRound({ seed, steps: 60, storageOf }).catch((thrown: unknown) => {
        found = thrown
      })
    }
    assert.ok(found instanceof Error, `60 rounds have not noticed it`)
  })
}

test('the right storage passes, wrapped as the wrong ones are', async () => {
  await diskRound({ seed: 1, steps: 60, storageOf: onFile(() => ({})) })
  await diskRound({ seed: 1, steps: 60, storageOf: written({}) })
})
