/** The disk that power cuts are tried on: neither kinder nor crueller than it says. */
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { Disk } from './disk.ts'
import type { Image } from './disk.ts'
import type { DiskEvent } from './journal.ts'
import type { CutOptions, Loss } from './torn.ts'

const sectorBytes = 512
const cut = (loss: Loss, seed = 1): CutOptions => ({
  loss,
  sectorBytes,
  random: seededRandom(seed),
})
const write = (file: number, at: number, text: string): DiskEvent => {
  return { kind: 'write', file, at, bytes: Buffer.from(text) }
}
const sync = (file: number): DiskEvent => ({ kind: 'sync', file })
const syncRoot: DiskEvent = { kind: 'sync-directory', path: '' }

function diskAfter(...events: DiskEvent[]): Disk {
  const disk = new Disk()
  for (const event of events) disk.apply(event)
  return disk
}

const shown = (image: Image): string =>
  [...image].map(([path, content]) => `${path}=${content?.toString() ?? '/'}`).join(' ')

const named: DiskEvent[] = [{ kind: 'create', file: 1, path: 'f' }, syncRoot]

describe('what is safe', () => {
  const rows: [string, DiskEvent[], string, string][] = [
    ['nothing', [], '', ''],
    ['no bytes without a sync', [...named, write(1, 0, 'ab')], 'f=', 'f=ab'],
    [
      'the bytes before a sync',
      [...named, write(1, 0, 'ab'), sync(1), write(1, 1, 'cd')],
      'f=ab',
      'f=acd',
    ],
    [
      'no name by the sync of its file',
      [{ kind: 'create', file: 1, path: 'f' }, write(1, 0, 'a'), sync(1)],
      '',
      'f=a',
    ],
    [
      'no file in a directory that is not',
      [
        { kind: 'make-directory', path: 'd' },
        { kind: 'create', file: 1, path: 'd/f' },
        { kind: 'sync-directory', path: 'd' },
      ],
      '',
      'd=/ d/f=',
    ],
    [
      'both, each by the sync of what holds it',
      [
        { kind: 'make-directory', path: 'd' },
        { kind: 'create', file: 1, path: 'd/f' },
        { kind: 'sync-directory', path: 'd' },
        syncRoot,
      ],
      'd=/ d/f=',
      'd=/ d/f=',
    ],
    ['a name until its end is safe', [...named, { kind: 'unlink', path: 'f' }], 'f=', ''],
    ['not a name whose end is', [...named, { kind: 'unlink', path: 'f' }, syncRoot], '', ''],
    [
      'the old file of a name that has a new one',
      [
        ...named,
        write(1, 0, 'old'),
        sync(1),
        { kind: 'unlink', path: 'f' },
        { kind: 'create', file: 2, path: 'f' },
        write(2, 0, 'new'),
        sync(2),
      ],
      'f=old',
      'f=new',
    ],
    [
      'the length before it was cut',
      [...named, write(1, 0, 'abc'), sync(1), { kind: 'truncate', file: 1, size: 1 }],
      'f=abc',
      'f=a',
    ],
    [
      'zeros where nothing was written',
      [...named, write(1, 2, 'c'), sync(1)],
      'f=\0\0c',
      'f=\0\0c',
    ],
  ]
  for (const [title, events, none, all] of rows) {
    test(title, () => {
      const disk = diskAfter(...events)
      assert.equal(shown(disk.cut(cut('none'))), none)
      assert.equal(shown(disk.cut(cut('all'))), all)
    })
  }
})

test('what was there at the start is safe, opened or not', () => {
  const before: Image = new Map([
    ['d', null],
    ['d/f', Buffer.from('old')],
    ['d/g', Buffer.from('left alone')],
  ])
  const disk = new Disk(before)
  disk.apply({ kind: 'open', file: 1, path: 'd/f' })
  disk.apply(write(1, 0, 'new'))
  assert.equal(shown(disk.cut(cut('none'))), 'd=/ d/f=old d/g=left alone')
  assert.equal(shown(disk.cut(cut('all'))), 'd=/ d/f=new d/g=left alone')
  disk.apply({ kind: 'unlink', path: 'd/g' })
  disk.apply({ kind: 'sync-directory', path: 'd' })
  assert.equal(shown(disk.cut(cut('none'))), 'd=/ d/f=old')
})

/** Each sector as the letters it holds: 'a' safe, then 'b' and 'c' over it, each two sectors. */
function sectorsOf(loss: Loss): Set<string> {
  const disk = diskAfter(
    ...named,
    write(1, 0, 'a'.repeat(4 * sectorBytes)),
    sync(1),
    write(1, 100, 'b'.repeat(2 * sectorBytes)),
    write(1, 3 * sectorBytes, 'c'.repeat(sectorBytes)),
  )
  const found = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const content = disk.cut(cut(loss, seed)).get('f')?.toString() ?? ''
    const sectors = content.match(/.{512}/g) ?? []
    found.add(sectors.map((sector) => [...new Set(sector)].join('')).join(' '))
  }
  return found
}

describe('what is not', () => {
  test('each write is there or not', () => {
    const expected = ['a a a a', 'ab b ba a', 'a a a c', 'ab b ba c']
    assert.deepEqual(sectorsOf('writes'), new Set(expected))
  })

  test('each sector is there or not', () => {
    const found = sectorsOf('sectors')
    assert.equal(found.size, 16)
    assert.ok(found.has('a b a c') && found.has('ab a ba a'), [...found].join(', '))
  })

  test('what came before a moment is there, and the first sectors of what came then', () => {
    const expected = ['a a a a', 'ab a a a', 'ab b a a', 'ab b ba a', 'ab b ba c']
    assert.deepEqual(sectorsOf('prefix'), new Set(expected))
  })

  test('a sector holds what several writes left at one moment', () => {
    const disk = diskAfter(...named, write(1, 0, 'xx'), write(1, 1, 'yy'), write(1, 2, 'zz'))
    const found = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const content = disk.cut(cut('sectors', seed)).get('f')?.toString('latin1') ?? ''
      found.add(content.replaceAll(/[^xyz]/g, '.').slice(0, 3))
    }
    for (const text of ['xyz', 'xyy', 'xx']) assert.ok(found.has(text), text)
    assert.ok(!found.has('.yz') && !found.has('.yy'), [...found].join(', '))
  })

  test('a file may have grown without its bytes: zeros or rubbish', () => {
    const disk = diskAfter(...named, write(1, 0, 'x'.repeat(100)))
    const found = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const content = disk.cut(cut('writes', seed)).get('f') ?? Buffer.alloc(0)
      const kinds = content.every((byte) => byte === 0) ? 'zeros' : 'rubbish'
      found.add(content.length === 0 ? 'short' : content[0] === 120 ? 'written' : kinds)
    }
    assert.deepEqual(found, new Set(['short', 'zeros', 'rubbish', 'written']))
  })

  test('what is lost and torn is counted', () => {
    const disk = diskAfter(...named, write(1, 0, 'x'.repeat(5 * sectorBytes)))
    disk.cut(cut('none'))
    assert.deepEqual(disk.counts, { lost: 1, torn: 0 })
    for (let seed = 0; seed < 20; seed++) disk.cut(cut('sectors', seed))
    assert.ok(disk.counts.torn >= 15, JSON.stringify(disk.counts))
  })
})

describe('a sync that failed', () => {
  const failed = (file: number): DiskEvent => ({ kind: 'sync-failed', file })
  const fates = (...events: DiskEvent[]): Set<string> => {
    const found = new Set<string>()
    for (let seed = 0; seed < 60; seed++) {
      const disk = new Disk(new Map(), seededRandom(seed))
      for (const event of [...named, ...events]) disk.apply(event)
      const content = disk.cut(cut('none', seed)).get('f')?.toString('latin1') ?? ''
      found.add(content.replaceAll(/[^a-z]+/g, '.'))
    }
    return found
  }

  test('leaves its pages to chance, for good: the next one passes them over', () => {
    const found = fates(write(1, 0, 'ab'), failed(1), sync(1))
    assert.ok(found.has('') && found.has('ab'), [...found].join(', '))
  })

  test('leaves what was safe before', () => {
    const found = fates(write(1, 0, 'a'), sync(1), write(1, 1, 'b'), failed(1), sync(1))
    assert.ok(found.has('a') && found.has('ab'), [...found].join(', '))
    assert.ok([...found].every((content) => content.startsWith('a')))
  })

  test('is made good by writing the same page again, and by nothing on another one', () => {
    const again = fates(write(1, 0, 'ab'), failed(1), write(1, 1, 'b'), sync(1))
    assert.deepEqual(again, new Set(['ab']))
    const other = fates(write(1, 0, 'ab'), failed(1), write(1, 4096, 'c'), sync(1))
    assert.ok(other.has('.c') && other.has('ab.c'), [...other].join(', '))
  })

  test('is seen by a process that opens the file later, as the cache has it', () => {
    const disk = new Disk(new Map(), seededRandom(1))
    const reopened: DiskEvent = { kind: 'open', file: 5000, path: 'f' }
    for (const event of [...named, write(1, 0, 'ab'), failed(1), reopened, write(5000, 1, 'c')]) {
      disk.apply(event)
    }
    disk.apply(sync(5000))
    assert.equal(shown(disk.cut(cut('none'))), 'f=ac')
    assert.equal(disk.failures, 1)
  })
})
