/**
 * Drives the operator of one step with real stores: records, watermarks and the clock go in, what
 * comes out is noted. `restart` commits, and goes on with an operator made anew from the changelog;
 * `crash` does not commit.
 */
import type { Key } from '../../core/key.ts'
import type { Operator, Push, StepContext, StepOutputs } from '../operators/operator.ts'
import type { TaskContext } from '../operators/operator.ts'
import { StateSet } from '../state/state-set.ts'

/** What came out. */
export interface OutputNote {
  /** The output's name, `dead` or `late`. */
  readonly output: string
  readonly value: unknown
  readonly key: Key | null
  readonly timeMs: number
}

export class OperatorRun {
  notes: OutputNote[] = []
  /** Of each late record, when the step was done with its time. */
  readonly lateSince: number[] = []
  /** Called with each result, to throw as a later step would. */
  refuse: (value: unknown) => void = () => {}
  watermarkMs: number = Number.NEGATIVE_INFINITY
  nowMs = 0
  readonly #make: (context: StepContext, outputs: StepOutputs) => Operator
  readonly #blobs: Uint8Array[] = []
  #inHand: Omit<OutputNote, 'output'> = { value: null, key: null, timeMs: 0 }
  #state = new StateSet()
  #operator: Operator
  /** As of the last commit: a crash goes back there. */
  #committed: { notes: OutputNote[]; watermarkMs: number } = { notes: [], watermarkMs: -Infinity }

  constructor(make: (context: StepContext, outputs: StepOutputs) => Operator) {
    this.#make = make
    this.#operator = this.#open()
  }

  take(value: unknown, key: Key | null, timeMs: number): void {
    this.#inHand = { value, key, timeMs }
    this.#atomic(() => this.#operator.push(value, key, timeMs), this.#inHand)
  }

  advance(watermarkMs: number): void {
    if (watermarkMs <= this.watermarkMs) return
    const { stateful } = this.#operator
    this.#state.journal.begin()
    if (stateful !== null && watermarkMs >= stateful.watermarkDueMs()) {
      stateful.onWatermark(watermarkMs)
    }
    this.watermarkMs = watermarkMs
  }

  tick(nowMs: number): void {
    this.nowMs = nowMs
    const { stateful } = this.#operator
    this.#state.journal.begin()
    if (stateful !== null && stateful.clockDueMs() <= nowMs) stateful.onClock(nowMs)
  }

  /** Bytes of the last commit. */
  get blobBytes(): number {
    return this.#blobs.at(-1)?.byteLength ?? 0
  }

  /** Entries of all stores. */
  get stateEntries(): number {
    return this.#state.entryCount()
  }

  commit(): void {
    const write = this.#state.pack()
    if (write !== null) this.#blobs.push(write.bytes.slice())
    this.#committed = { notes: [...this.notes], watermarkMs: this.watermarkMs }
  }

  restart(): void {
    this.commit()
    this.crash()
  }

  /** What was done since the last commit is lost; the clock goes on. */
  crash(): void {
    this.notes = [...this.#committed.notes]
    this.watermarkMs = this.#committed.watermarkMs
    this.#state = new StateSet()
    this.#operator = this.#open()
    for (const blob of this.#blobs) this.#state.restore(blob)
    this.#state.restored()
    this.#operator.stateful?.onRestored()
  }

  #open(): Operator {
    const note = (output: string): Push => {
      return (value, key, timeMs) => {
        this.refuse(value)
        this.notes.push({ output, value, key, timeMs })
      }
    }
    return this.#make(this.#context(), { main: note('main'), named: note })
  }

  #context(): StepContext {
    const state = this.#state
    const watermark = (): number => this.watermarkMs
    return {
      step: 'step',
      task: this.#task(),
      time: {
        get watermarkMs() {
          return watermark()
        },
      },
      originPartition: () => 0,
      wantsBefore: false,
      store: ({ part, ...spec }) => {
        return state.store({ ...spec, name: part === undefined ? 'step' : `step/${part}` })
      },
    }
  }

  #task(): TaskContext {
    const now = (): number => this.nowMs
    return {
      get nowMs() {
        return now()
      },
      running: '',
      cause: null,
      emitAtomic: (emit, value, key, timeMs) => {
        this.#atomic(() => emit(value, key, timeMs), { value, key, timeMs })
      },
      late: (_step, { windowEndMs }) => {
        this.lateSince.push(windowEndMs)
        this.notes.push({ output: 'late', ...this.#inHand })
      },
      outside: { after: () => () => {}, wake: () => {} },
      print: () => {},
    }
  }

  #atomic(act: () => void, place: Omit<OutputNote, 'output'>): void {
    const { journal } = this.#state
    const mark = this.notes.length
    journal.begin()
    try {
      act()
    } catch (thrown) {
      journal.undo()
      this.notes.length = mark
      this.notes.push({ output: 'dead', ...place, value: [place.value, String(thrown)] })
    }
    journal.begin()
  }
}
