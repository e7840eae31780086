import assert from 'node:assert/strict'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import { seededRandom } from '../../../core/random.ts'
import type { Random } from '../../../core/random.ts'
import type { CopyEntry, CopyIdentity } from './copy-entry.ts'
import { LocalCopy } from './local-copy.ts'

const root = mkdtempSync(join(tmpdir(), 'local-copy-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const mine: CopyIdentity = { clusterId: 'c', topicId: 't', topic: 'x-changelog', partition: 0 }
let directories = 0

function newDirectory(): string {
  return join(root, String(directories++))
}

function opened(directory: string, from: number | null, identity = mine): Promise<LocalCopy> {
  const onFailure = (error: unknown): void => assert.fail(String(error))
  return LocalCopy.open({ directory, identity, from, onFailure, segmentBytes: 200 })
}

async function blobsOf(copy: LocalCopy, from: number): Promise<CopyEntry[]> {
  const blobs: CopyEntry[] = []
  for await (const { base, to, bytes } of copy.read(from)) {
    blobs.push({ base, to, bytes: Buffer.from(bytes) })
  }
  return blobs
}

/** As commits leave them: offsets without a record between them, some blobs of several records. */
function someBlobs(random: Random, count: number, from: number): CopyEntry[] {
  let offset = from
  return Array.from({ length: count }, () => {
    const base = offset
    const to = base + 1 + random.int(3)
    offset = to + random.int(3)
    const bytes = Buffer.from(Array.from({ length: random.int(90) }, () => random.int(256)))
    return { base, to, bytes }
  })
}

async function filled(directory: string, blobs: readonly CopyEntry[]): Promise<void> {
  const copy = await opened(directory, null)
  for (const blob of blobs) copy.append(blob)
  await copy.close()
}

test('what was appended is there after a restart, from any of its blobs on', async () => {
  const directory = newDirectory()
  const blobs = someBlobs(seededRandom(1), 30, 7)
  await filled(directory, blobs)
  for (const at of [0, 13, 29]) {
    const from = blobs[at]?.base ?? 0
    const copy = await opened(directory, from)
    assert.equal(copy.end, blobs.at(-1)?.to)
    assert.equal(copy.last?.base, blobs.at(-1)?.base)
    assert.deepEqual(await blobsOf(copy, from), blobs.slice(at))
    await copy.close()
  }
})

test('a copy that a restore cannot begin in is dropped', async () => {
  const blobs: CopyEntry[] = [5, 8, 11].map((base) => ({
    base,
    to: base + 2,
    bytes: Buffer.alloc(9),
  }))
  for (const from of [4, 9, 13, 99]) {
    const directory = newDirectory()
    await filled(directory, blobs)
    const copy = await opened(directory, from)
    assert.equal(copy.end, null, `from ${from}`)
    assert.deepEqual(await blobsOf(copy, from), [])
    await copy.close()
    assert.deepEqual(readdirSync(directory), [])
  }
})

test('a copy of another cluster, topic or partition is not taken for this one', async () => {
  const others = [{ clusterId: 'd' }, { topicId: 'u' }, { topic: 'y' }, { partition: 1 }]
  for (const other of others) {
    const directory = newDirectory()
    await filled(directory, someBlobs(seededRandom(2), 5, 0))
    const copy = await opened(directory, 0, { ...mine, ...other })
    assert.equal(copy.end, null, JSON.stringify(other))
    await copy.close()
  }
})

test('segments below the start of a restore are deleted', async () => {
  const directory = newDirectory()
  const copy = await opened(directory, null)
  for (let at = 0; at < 400; at++) {
    copy.append({ base: at, to: at + 1, bytes: Buffer.alloc(40, at) })
    if (at % 10 === 9) copy.keepFrom(at - 9)
  }
  await copy.close()
  assert.ok(readdirSync(directory).length <= 6, readdirSync(directory).join())
  const again = await opened(directory, 390)
  assert.equal((await blobsOf(again, 390)).length, 10)
  await again.close()
})

test('a disk that cannot be written costs the copy, and is told', async () => {
  const directory = join(newDirectory(), 'file')
  await filled(join(directory, '..'), [])
  writeFileSync(directory, '')
  const failures: unknown[] = []
  const onFailure = (error: unknown): void => void failures.push(error)
  const copy = await LocalCopy.open({ directory, identity: mine, from: 3, onFailure })
  assert.equal(copy.end, null)
  copy.append({ base: 3, to: 4, bytes: Buffer.alloc(1) })
  await copy.room()
  await copy.close()
  assert.equal(failures.length, 1)
})

test('whatever is cut or changed, only blobs as they were are given, without a hole', async () => {
  let shorter = 0
  for (let seed = 1; seed <= 150; seed++) {
    const random = seededRandom(seed)
    const directory = newDirectory()
    const blobs = someBlobs(random, 20, 0)
    await filled(directory, blobs)
    const names = readdirSync(directory).toSorted()
    const path = join(directory, names[random.int(names.length)] ?? '')
    const bytes = readFileSync(path)
    const kind = random.int(3)
    if (kind === 0) truncateSync(path, random.int(bytes.length))
    else if (kind === 1) rmSync(path)
    else {
      const at = random.int(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 + random.int(255))
      writeFileSync(path, bytes)
    }
    const copy = await opened(directory, 0)
    const given = await blobsOf(copy, 0)
    assert.deepEqual(given, blobs.slice(0, given.length), `seed ${seed}`)
    assert.equal(copy.end, given.at(-1)?.to ?? null, `seed ${seed}`)
    if (given.length < blobs.length) shorter++
    // It is filled up again, as a restore does, and whole afterwards.
    for (const blob of blobs.slice(given.length)) copy.append(blob)
    await copy.close()
    const again = await opened(directory, 0)
    assert.deepEqual(await blobsOf(again, 0), blobs, `seed ${seed}, filled up`)
    await again.close()
  }
  assert.ok(shorter > 100, `${shorter} runs lost something`)
})
