/** The model tests are tested: they pass the engine and reject each way of making it wrong. */
import assert from 'node:assert/strict'
import { afterEach, test, vi } from 'vitest'
import { KeptBlobs } from '../../src/engine/conformance/changelog-session.ts'
import { checkFold } from '../../src/engine/conformance/fold-check.ts'
import type { Sabotage } from '../../src/engine/conformance/case-runner.ts'
import {
  runningAggregate,
  runningReduce,
  windowAggregate,
  windowReduce,
} from '../../src/engine/conformance/fold-pipelines.ts'
import type { TestedFold } from '../../src/engine/conformance/fold-pipelines.ts'
import { Letters } from '../../src/engine/letters.ts'
import { Outputs } from '../../src/engine/outputs.ts'
import { Journal, Store } from '../../src/engine/state/store.ts'
import { TimeHeap } from '../../src/engine/time-heap.ts'
import { Watermark } from '../../src/engine/watermark.ts'

/** Fixed, so that a mutant is rejected always or never. */
const seed = 20_240_117
const runs = 100

interface Mutant {
  readonly name: string
  readonly breaks: 'O1' | 'O3' | 'O4'
  /** Default: windows with every aggregator. */
  readonly fold?: TestedFold
  readonly sabotage?: Sabotage
  readonly patch?: () => void
}

/** The time of a record at the end of a window, as if the window held it. */
const inclusive = (t: number): number => (t % 10 === 0 ? t - 1 : t)

const mutants: readonly Mutant[] = [
  {
    name: 'takes the end of a window as part of it',
    breaks: 'O1',
    fold: windowAggregate(({ t }) => inclusive(t)),
  },
  {
    name: 'lets the watermark go back',
    breaks: 'O1',
    patch: () => {
      const { active } = Watermark.prototype
      vi.spyOn(Watermark.prototype, 'active').mockImplementation(function (
        this: Watermark,
        ...args
      ) {
        this.currentMs -= 3
        active.apply(this, args)
      })
    },
  },
  {
    name: 'is not held back by the slowest input',
    breaks: 'O1',
    patch: () => {
      vi.spyOn(Watermark.prototype, 'candidate').mockImplementation(function (this: Watermark) {
        return Math.max(this.currentMs, ...this.inputs.map((input) => input.reachedMs))
      })
    },
  },
  {
    name: 'drops late records',
    breaks: 'O1',
    patch: () => void vi.spyOn(Letters.prototype, 'late').mockImplementation(() => {}),
  },
  {
    name: 'drops results that a later step refuses',
    breaks: 'O4',
    patch: () => void vi.spyOn(Letters.prototype, 'deadResult').mockImplementation(() => {}),
  },
  {
    name: 'does not undo outputs',
    breaks: 'O4',
    patch: () => {
      vi.spyOn(Outputs.prototype, 'undo').mockImplementation(function (this: Outputs) {
        this.begin()
      })
    },
  },
  ...[windowAggregate(), runningReduce].map((fold): Mutant => ({
    name: `does not undo state (${fold.rules.isWindowed ? 'windows' : 'running'})`,
    breaks: 'O4',
    fold,
    patch: () => {
      vi.spyOn(Journal.prototype, 'undo').mockImplementation(function (this: Journal) {
        this.begin()
      })
    },
  })),
  {
    name: 'commits offsets without outputs',
    breaks: 'O3',
    sabotage: { commit: (commit) => ({ ...commit, appends: [] }) },
  },
  {
    name: 'commits outputs without offsets',
    breaks: 'O3',
    sabotage: { commit: (commit) => ({ ...commit, offsets: commit.offsets.map(() => -1) }) },
  },
  {
    name: 'commits offsets without state',
    breaks: 'O3',
    sabotage: { commit: (commit) => ({ ...commit, changelog: null }) },
  },
  {
    name: 'commits only a part of its outputs',
    breaks: 'O3',
    sabotage: { commit: (commit) => ({ ...commit, appends: commit.appends.slice(1) }) },
  },
  {
    name: 'claims a snapshot to be whole that is not',
    breaks: 'O3',
    patch: () => {
      // Nothing is dirty: what changed is only in the slices, which come too late.
      const { write } = Store.prototype
      vi.spyOn(Store.prototype, 'write').mockImplementation(function (this: Store, entry, value) {
        write.call(this, entry, value)
        if (value === 0 || Array.isArray(value)) this.dirty = this.dirty.slice(0, -1)
      })
    },
  },
  {
    name: 'does not restore windows',
    breaks: 'O3',
    patch: () => {
      const { restore } = Store.prototype
      vi.spyOn(Store.prototype, 'restore').mockImplementation(function (this: Store, id, ...rest) {
        if (id === 0) restore.call(this, id, ...rest)
      })
    },
  },
  {
    name: 'does not restore running folds',
    breaks: 'O3',
    fold: runningReduce,
    patch: () => {
      const { restore } = Store.prototype
      vi.spyOn(Store.prototype, 'restore').mockImplementation(function (this: Store, ...args) {
        if (this.spec.name === '#time') restore.apply(this, args)
      })
    },
  },
  {
    name: 'does not restore event time',
    breaks: 'O3',
    patch: () => {
      const { restore } = Store.prototype
      vi.spyOn(Store.prototype, 'restore').mockImplementation(function (this: Store, ...args) {
        if (this.spec.name !== '#time') restore.apply(this, args)
      })
    },
  },
  {
    name: 'does not count revisions on over a restart',
    breaks: 'O3',
    patch: () => {
      const { restore } = Store.prototype
      vi.spyOn(Store.prototype, 'restore').mockImplementation(function (this: Store, ...args) {
        if (!this.spec.name.endsWith('/revisions')) restore.apply(this, args)
      })
    },
  },
  {
    name: 'does not restore the timers that close windows',
    breaks: 'O3',
    sabotage: {
      begin: (begin) => {
        const add = vi.spyOn(TimeHeap.prototype, 'add').mockImplementation(() => {})
        begin()
        add.mockRestore()
      },
    },
  },
  {
    name: 'has its old changelog deleted too early',
    breaks: 'O3',
    patch: () => {
      vi.spyOn(KeptBlobs.prototype, 'add').mockImplementation(function (this: KeptBlobs, blob) {
        this.blobs = [blob]
      })
    },
  },
]

/** As the test itself runs it: the failure, or null. */
function rejection({ fold = windowAggregate(), sabotage, patch }: Mutant): unknown {
  patch?.()
  try {
    checkFold(fold, { runs, seed, shrinks: 'no', ...(sabotage === undefined ? {} : { sabotage }) })
    return null
  } catch (thrown) {
    return thrown
  }
}

afterEach(() => {
  vi.restoreAllMocks()
})

test('the engine itself passes with the same seed, and exercises what the mutants break', () => {
  for (const fold of [windowAggregate(), windowReduce, runningAggregate, runningReduce]) {
    const work = checkFold(fold, { runs, seed, shrinks: 'no' })
    assert.ok(work.restarts > runs / 2 && work.dead > runs, JSON.stringify(work))
  }
})

for (const mutant of mutants) {
  test(`${mutant.breaks} the model tests reject an engine that ${mutant.name}`, () => {
    const found = rejection(mutant)
    assert.notEqual(found, null, 'it passed')
    assert.match(String(found), /differs from|Property failed/)
  })
}
