/**
 * Drives the operator of `match` with real stores: records and watermarks go in, what comes out is
 * noted. `restart` commits, and goes on with an operator made anew from the changelog.
 */
import type { Key } from '../../core/key.ts'
import type { MatchSpec } from '../../pipeline/patterns/match-spec.ts'
import { matchOperator } from '../operators/match.ts'
import type { Operator, Push, StepContext, TaskContext } from '../operators/operator.ts'
import { StateSet } from '../state/state-set.ts'

/** What came out, in order. */
export interface MatchNote {
  readonly kind: 'match' | 'timed-out' | 'late' | 'dead'
  readonly key: Key | null
  readonly timeMs: number
  readonly value: unknown
}

export class MatchRun {
  readonly notes: MatchNote[] = []
  /** Of each late record, when the step was done with its time. */
  readonly lateSince: number[] = []
  readonly #spec: MatchSpec
  #blobs: Uint8Array[] = []
  #state = new StateSet()
  #operator: Operator
  #watermarkMs = Number.NEGATIVE_INFINITY
  /** Called with each result, to throw as a later step would. */
  refuse: (value: unknown) => void = () => {}

  constructor(spec: MatchSpec) {
    this.#spec = spec
    this.#operator = this.#open()
  }

  get watermarkMs(): number {
    return this.#watermarkMs
  }

  /** Entries of all stores. */
  get stateEntries(): number {
    return this.#state.entryCount()
  }

  /** Bytes of the last commit. */
  get blobBytes(): number {
    return this.#blobs.at(-1)?.byteLength ?? 0
  }

  take(key: Key | null, timeMs: number, value: unknown): void {
    const late = this.notes.length
    this.#atomic(() => this.#operator.push(value, key, timeMs), { key, timeMs, value })
    const note = this.notes[late]
    if (note?.kind === 'late') this.notes[late] = { ...note, key, timeMs, value }
  }

  advance(watermarkMs: number): void {
    if (watermarkMs <= this.#watermarkMs) return
    const { stateful } = this.#operator
    this.#state.journal.begin()
    if (stateful !== null && watermarkMs >= stateful.watermarkDueMs()) {
      stateful.onWatermark(watermarkMs)
    }
    this.#watermarkMs = watermarkMs
  }

  commit(): void {
    const write = this.#state.pack()
    if (write !== null) this.#blobs.push(write.bytes.slice())
  }

  restart(): void {
    this.commit()
    this.#state = new StateSet()
    this.#operator = this.#open()
    for (const blob of this.#blobs) this.#state.restore(blob)
    this.#state.restored()
    this.#operator.stateful?.onRestored()
  }

  #open(): Operator {
    const note = (kind: MatchNote['kind']): Push => {
      return (value, key, timeMs) => {
        this.refuse(value)
        this.notes.push({ kind, key, timeMs, value })
      }
    }
    return matchOperator(this.#spec, this.#context(), note('match'), note('timed-out'))
  }

  #context(): StepContext {
    const state = this.#state
    const watermark = (): number => this.#watermarkMs
    return {
      step: 'match',
      task: this.#task(),
      time: {
        get watermarkMs() {
          return watermark()
        },
      },
      originPartition: () => 0,
      wantsBefore: false,
      store: ({ part, ...spec }) => {
        return state.store({ ...spec, name: part === undefined ? 'match' : `match/${part}` })
      },
    }
  }

  #task(): TaskContext {
    return {
      nowMs: 0,
      running: '',
      cause: null,
      emitAtomic: (emit, value, key, timeMs) => {
        this.#atomic(() => emit(value, key, timeMs), { key, timeMs, value })
      },
      late: (_step, { windowEndMs }) => {
        this.lateSince.push(windowEndMs)
        this.notes.push({ kind: 'late', key: null, timeMs: 0, value: null })
      },
      outside: { after: () => () => {}, wake: () => {} },
      print: () => {},
    }
  }

  #atomic(act: () => void, place: Omit<MatchNote, 'kind'>): void {
    const { journal } = this.#state
    const mark = this.notes.length
    journal.begin()
    try {
      act()
    } catch (thrown) {
      journal.undo()
      this.notes.length = mark
      this.notes.push({ kind: 'dead', ...place, value: [place.value, String(thrown)] })
    }
    journal.begin()
  }
}
