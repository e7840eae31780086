import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { test } from 'vitest'
import { isCode } from '../../core/error.ts'
import { compareKeys } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { ValueWriter } from '../../core/value-codec.ts'
import type { ChangelogWrite } from '../../log/log.ts'
import { StateSet } from './state-set.ts'
import { absent } from './store.ts'
import type { Store } from './store.ts'

const plain = { toState: (value: unknown) => value, fromState: (state: unknown) => state }
/** Kept as an object, written as text: the two forms must not be mixed up. */
const converted = {
  toState: (value: unknown) => JSON.stringify(value),
  fromState: (state: unknown) => JSON.parse(state as string) as unknown,
}

interface Opened {
  readonly state: StateSet
  readonly stores: readonly Store[]
}

function open(): Opened {
  const state = new StateSet()
  const stores = [
    state.store({ name: 'one', ...plain }),
    state.store({ name: 'two', ...converted }),
  ]
  return { state, stores }
}

/** A log's part in the changelog: blobs before the start of the last complete round are deleted. */
class KeptBlobs {
  blobs: readonly ChangelogWrite[] = []

  add(blob: ChangelogWrite | null): void {
    if (blob === null) return
    this.blobs = [...this.blobs, blob]
    if (!blob.endsRound) return
    const start = this.blobs.findLastIndex((each) => each.startsRound)
    assert.ok(start >= 0, 'a round ends that never began')
    this.blobs = this.blobs.slice(start)
  }

  get bytes(): number {
    return this.blobs.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  restore(): Opened {
    const opened = open()
    for (const { bytes } of this.blobs) opened.state.restore(bytes)
    opened.state.restored()
    return opened
  }
}

type Line = [store: string, namespace: number, key: Key, value: unknown]

function live({ stores }: Opened): Line[] {
  const lines: Line[] = []
  for (const store of stores) {
    for (const namespace of store.namespaces.values()) {
      for (const { key, value } of namespace.entries.values()) {
        if (value !== absent) lines.push([store.spec.name, namespace.id, key, value])
      }
    }
  }
  return lines.toSorted(
    (a, b) => compareKeys([a[0], a[1]], [b[0], b[1]]) || compareKeys(a[2], b[2]),
  )
}

function checkRestores(opened: Opened, kept: KeptBlobs): void {
  assert.deepEqual(live(kept.restore()), live(opened))
}

test('two stores of one name are a fault of the engine', () => {
  const { state } = open()
  assert.throws(
    () => state.store({ name: 'one', ...plain }),
    (thrown) => isCode(thrown, 'assertion-failed'),
  )
})

test('nothing changed: nothing to write', () => {
  const { state, stores } = open()
  assert.equal(state.pack(), null)
  stores[0]?.set('k', 1)
  assert.equal(state.changed, true)
  assert.equal(state.pack()?.startsRound, true)
  assert.equal(state.changed, false)
  assert.equal(state.pack(), null)
})

test('a small state is written whole with every commit, so one blob is kept', () => {
  const opened = open()
  const kept = new KeptBlobs()
  for (let i = 0; i < 100; i++) {
    opened.stores[0]?.set(i % 50, { n: i })
    kept.add(opened.state.pack())
    assert.equal(kept.blobs.length, 1)
    checkRestores(opened, kept)
  }
})

test('a key created and undone leaves nothing, neither in memory nor in the changelog', () => {
  const opened = open()
  const [store] = opened.stores
  const kept = new KeptBlobs()
  store?.set('stays', 1)
  opened.state.journal.begin()
  store?.set('k', 1, 10)
  opened.state.journal.undo()
  kept.add(opened.state.pack())
  assert.equal(opened.state.entryCount(), 1)
  const restored = kept.restore()
  assert.deepEqual(live(restored), [['one', 0, 'stays', 1]])
  assert.deepEqual([...(restored.stores[0]?.namespaces.keys() ?? [])], [0])
})

test('a store that nobody asks for is an orphan: named, not restored', () => {
  const opened = open()
  opened.stores[1]?.set('k', [1])
  const blob = opened.state.pack() as ChangelogWrite
  const fresh = new StateSet()
  fresh.store({ name: 'one', ...plain })
  fresh.restore(blob.bytes)
  assert.deepEqual([...fresh.orphans], ['two'])
  assert.equal(fresh.entryCount(), 0)
})

test('blobs of another version, or with bytes left over, are refused', () => {
  const writer = new ValueWriter()
  writer.writeUint(9)
  const corrupt = (thrown: unknown): boolean => isCode(thrown, 'state-corrupt')
  assert.throws(() => open().state.restore(writer.bytes()), corrupt)
  const { state, stores } = open()
  stores[0]?.set('k', 1)
  const { bytes } = state.pack() as ChangelogWrite
  assert.throws(() => open().state.restore(Buffer.concat([bytes, Buffer.from([0])])), corrupt)
})

test('a bit that has changed in a blob is noticed', () => {
  const { state, stores } = open()
  stores[0]?.set('k', 'a value')
  stores[1]?.set(7, [1, 2, 3])
  const { bytes } = state.pack() as ChangelogWrite
  open().state.restore(bytes)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice()
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
    assert.throws(
      () => open().state.restore(changed),
      (thrown) => isCode(thrown, 'state-corrupt'),
      `bit ${bit}`,
    )
  }
})

const operation = fc.record({
  kind: fc.constantFrom('set', 'set', 'set', 'many', 'delete', 'undo', 'drop', 'commit', 'restart'),
  store: fc.integer({ min: 0, max: 1 }),
  namespace: fc.constantFrom(0, 10, -10),
  key: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constantFrom<Key>('', 'a', ['a', 1], 5n)),
  value: fc.oneof(fc.integer(), fc.string(), fc.array(fc.integer(), { maxLength: 3 })),
})

test('a blob with a key that is none, or a value of another form, is corrupt', () => {
  const blobOf = (store: string, key: unknown): Uint8Array => {
    const writer = new ValueWriter()
    writer.writeUint(2)
    writer.writeFloat64(0) // the checksum's place
    writer.writeUint(1)
    writer.writeString(store)
    writer.writeUint(0)
    writer.writeUint(1)
    writer.writeFloat64(0)
    writer.writeValue(key)
    writer.writeUint(1)
    writer.writeValue('{')
    writer.writeUint(0)
    const bytes = Buffer.from(writer.bytes())
    bytes.writeDoubleLE(crc32(bytes.subarray(9)), 1)
    return bytes
  }
  for (const blob of [blobOf('one', undefined), blobOf('one', [{}]), blobOf('two', 'a')]) {
    assert.throws(
      () => open().state.restore(blob),
      (thrown) => isCode(thrown, 'state-corrupt') && thrown.cause !== undefined,
    )
  }
  open().state.restore(blobOf('one', 'a'))
})

test('O3 whatever happens, the kept blobs give back exactly the live state', () => {
  fc.assert(
    fc.property(fc.array(operation, { minLength: 10, maxLength: 120 }), (operations) => {
      let opened = open()
      const kept = new KeptBlobs()
      for (const { kind, store: index, namespace, key, value } of operations) {
        const store = opened.stores[index] as Store
        const { journal } = opened.state
        journal.begin()
        if (kind === 'set') store.set(key, value, namespace)
        else if (kind === 'many') {
          for (let i = 0; i < 150; i++) store.set(`many ${i}`, value, namespace)
        } else if (kind === 'delete') store.delete(key, namespace)
        else if (kind === 'undo') {
          store.set(key, value, namespace)
          store.delete('a', namespace)
          journal.undo()
        } else if (kind === 'drop') store.drop(namespace)
        else if (kind === 'commit') {
          kept.add(opened.state.pack())
          checkRestores(opened, kept)
        } else {
          kept.add(opened.state.pack())
          opened = kept.restore()
        }
      }
      kept.add(opened.state.pack())
      checkRestores(opened, kept)
    }),
    { numRuns: 200 },
  )
})

/** Bytes of the live state, as one blob would have it. */
function liveBytes(opened: Opened): number {
  const writer = new ValueWriter()
  for (const [, namespace, key, value] of live(opened)) {
    writer.writeFloat64(namespace)
    writer.writeValue(key)
    writer.writeValue(value)
  }
  return writer.bytes().length + 64
}

/** Kept bytes for each byte of live state at most, after a while; live state is 6,000 entries. */
function worstRatio(commits: number, change: (opened: Opened, commit: number) => void): number {
  const opened = open()
  const kept = new KeptBlobs()
  let worst = 0
  for (let commit = 0; commit < commits; commit++) {
    change(opened, commit)
    kept.add(opened.state.pack())
    if (commit > commits / 2 && commit % 5 === 0) {
      worst = Math.max(worst, kept.bytes / liveBytes(opened))
    }
  }
  checkRestores(opened, kept)
  return worst
}

test('what is kept stays a small multiple of the live state: the same keys written over', () => {
  const ratio = worstRatio(120, ({ stores: [store] }, commit) => {
    for (let i = 0; i < 300; i++) store?.set((commit * 300 + i) % 6000, 'x'.repeat(20))
  })
  assert.ok(ratio < 5, `${ratio}`)
})

test('what is kept stays a small multiple of the live state: all keys new, old windows go', () => {
  const ratio = worstRatio(120, ({ stores: [store] }, commit) => {
    const window = Math.floor(commit / 10)
    for (let i = 0; i < 300; i++) store?.set(commit * 300 + i, 'x'.repeat(20), window)
    if (commit % 10 === 0) store?.drop(window - 2)
  })
  assert.ok(ratio < 6, `${ratio}`)
})

test('what is kept stays a small multiple of the live state: few keys change of many', () => {
  const ratio = worstRatio(400, ({ stores: [store] }, commit) => {
    if (commit === 0) for (let i = 0; i < 6000; i++) store?.set(i, 'x'.repeat(20))
    for (let i = 0; i < 3; i++) store?.set((commit * 7 + i * 1999) % 6000, 'y'.repeat(20))
  })
  assert.ok(ratio < 5, `${ratio}`)
})

test('a large state that is dropped is soon gone from the changelog', () => {
  const opened = open()
  const [store] = opened.stores
  const kept = new KeptBlobs()
  for (let i = 0; i < 20_000; i++) store?.set(i, 'x'.repeat(20), 10)
  kept.add(opened.state.pack())
  store?.set('small', 0)
  kept.add(opened.state.pack())
  store?.drop(10)
  for (let i = 0; i < 8; i++) {
    store?.set('small', i)
    kept.add(opened.state.pack())
  }
  assert.ok(kept.bytes < 1000, `${kept.bytes} bytes`)
  checkRestores(opened, kept)
})
