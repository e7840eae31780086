/**
 * A round of random use of a log on a failing disk, checked: whenever it is looked at, the log has
 * all that it acknowledged, and of what it left open all or nothing, in order. What was once seen
 * stays.
 */
import { deepStrictEqual } from 'node:assert'
import { VirtualClock } from '../../../core/clock.ts'
import { messageOf, MillraceError } from '../../../core/error.ts'
import { type Random, seededRandom } from '../../../core/random.ts'
import { BatchBuilder } from '../../../log/batch.ts'
import type { AppendBatch, Session, TaskSpec } from '../../../log/log.ts'
import { type DiskLog, openDiskLog } from './disk-log.ts'
import { type DiskFault, DiskModel, type DiskStep } from './disk-model.ts'
import { DiskStorage } from './disk-storage.ts'

export interface RoundOptions {
  readonly seed: number
  readonly steps: number
  /** Another storage than the right one. */
  readonly storageOf?: (disk: DiskModel) => DiskStorage
}

/** How much happened: a round in which nothing does proves nothing. */
export interface RoundWork {
  acknowledged: number
  /** Of outcome unknown. */
  open: number
  /** Of those, how many were found later. */
  found: number
  refused: number
  powerLosses: number
  crashes: number
}

interface State {
  readonly values: readonly (readonly string[])[]
  readonly blobs: readonly string[]
  readonly taskOffset: number
  readonly groupOffset: number
}

/** What a step changes. */
type Deed = (state: State) => State

const spec: TaskSpec = {
  pipeline: 'p',
  task: 'main/0',
  inputs: [{ topic: 't', partition: 0 }],
  startAt: ['earliest'],
}
const group = 'g'
/** More than a page, so that frames lie on several. */
const valueBytesMax = 6_000

/** @throws with seed and step, where the log is wrong */
export async function diskRound(options: RoundOptions): Promise<RoundWork> {
  const round = new Round(options)
  let step = 0
  try {
    await round.begin()
    for (; step < options.steps; step++) await round.step(step)
    await round.end()
  } catch (thrown) {
    const where = `seed ${options.seed}, step ${step}`
    throw new Error(`${where}: ${messageOf(thrown)}`, { cause: thrown })
  }
  return round.work
}

class Round {
  readonly work: RoundWork = {
    acknowledged: 0,
    open: 0,
    found: 0,
    refused: 0,
    powerLosses: 0,
    crashes: 0,
  }
  readonly #random: Random
  readonly #disk: DiskModel
  readonly #storage: DiskStorage
  readonly #clock = new VirtualClock(0)
  #isFailing = false
  /** End offsets as they were seen last. */
  #ends: readonly number[] = [0, 0]
  #log: DiskLog | null = null
  #session: Session | null = null
  /** One of these it is; several where something was left open. */
  #states: State[] = [{ values: [[], []], blobs: [], taskOffset: 0, groupOffset: -1 }]

  constructor({ seed, storageOf }: RoundOptions) {
    this.#random = seededRandom(seed)
    const meet = (step: DiskStep): DiskFault | null => this.#meet(step)
    this.#disk = new DiskModel({ random: this.#random, meet })
    this.#storage = storageOf?.(this.#disk) ?? new DiskStorage({ disk: this.#disk })
  }

  #meet(step: DiskStep): DiskFault | null {
    if (!this.#isFailing) return null
    const drawn = this.#random.int(50)
    if (drawn === 0) return 'power-loss'
    return drawn <= 3 && step !== 'truncate' ? 'fails' : null
  }

  async begin(): Promise<void> {
    await this.#reopen()
    await this.#opened.createTopic('t', { partitions: 2 })
    this.#isFailing = true
  }

  async end(): Promise<void> {
    this.#losePower()
    await this.#look()
  }

  async step(number: number): Promise<void> {
    const drawn = this.#random.int(20)
    if (drawn === 0) this.#losePower()
    else if (drawn === 1 || (this.#states.length > 1 && drawn > 16)) await this.#crash()
    else if (drawn === 2) await this.#look()
    else if (drawn === 3) this.#disk.bytesMax = this.#disk.bytes + this.#random.int(9_000)
    else if (drawn === 4) this.#disk.bytesMax = Number.POSITIVE_INFINITY
    else await this.#write(number, drawn)
  }

  get #opened(): DiskLog {
    if (this.#log === null) throw new Error('no log is open')
    return this.#log
  }

  async #write(number: number, drawn: number): Promise<void> {
    if (this.#log === null) await this.#reopen()
    if (this.#log === null) return
    const text = `${number}.`.padEnd(1 + this.#random.int(valueBytesMax), 'x')
    const before = this.#disk.losses
    const [work, deed] = this.#deed(drawn, text)
    try {
      await work()
      this.#states = this.#states.map(deed)
      this.work.acknowledged += 1
    } catch (thrown) {
      if (!(thrown instanceof MillraceError)) throw thrown
      this.#session = null
      if (thrown.outcome === 'unknown') {
        this.#states = [...this.#states, ...this.#states.map(deed)]
        this.work.open += 1
      } else this.work.refused += 1
    }
    if (before !== this.#disk.losses) this.#dead()
    else await this.#peek()
  }

  #deed(drawn: number, text: string): [() => Promise<unknown>, Deed] {
    const log = this.#opened
    const short = shortened(text)
    if (drawn < 11) {
      const appended: Deed = (state) => ({
        ...state,
        values: state.values.map((all) => [...all, short]),
      })
      return [() => log.append([block(0, text), block(1, text)]), appended]
    }
    const offset = this.#ends[0] ?? 0
    if (drawn < 18) {
      const changelog = { bytes: Buffer.from(text), startsRound: false, endsRound: false }
      const commit = async (): Promise<void> => {
        this.#session ??= await log.open(spec)
        const appends = [block(1, text)]
        await this.#session.commit({ offsets: [offset], appends, changelog })
      }
      const committed: Deed = (state) => ({
        ...state,
        values: state.values.map((all, i) => (i === 1 ? [...all, short] : all)),
        blobs: [...state.blobs, short],
        taskOffset: offset,
      })
      return [commit, committed]
    }
    const place = { topic: 't', partition: 0, offset }
    return [() => log.commitGroup(group, [place]), (state) => ({ ...state, groupOffset: offset })]
  }

  /** Looks without writing: what is seen now is never gone again. */
  async #peek(): Promise<void> {
    const { partitions } = await this.#opened.describeTopic('t')
    this.#ends = partitions.map(({ endOffset }) => endOffset)
    const seen = String(this.#ends)
    const isOne = this.#states.some(({ values }) => seen === String(values.map(countOf)))
    if (!isOne) deepStrictEqual(this.#ends, this.#states, 'end offsets')
    // What was left open may still come, but what is seen does not go.
    this.#states = this.#states.filter(({ values }) =>
      values.every((all, i) => all.length >= (this.#ends[i] ?? 0)),
    )
  }

  /** The disk is well meanwhile. */
  async #look(): Promise<void> {
    const was = this.#isFailing
    const room = this.#disk.bytesMax
    this.#isFailing = false
    this.#disk.bytesMax = Number.POSITIVE_INFINITY
    if (this.#log === null) await this.#reopen()
    const state = await this.#state()
    const text = JSON.stringify(state)
    const found = this.#states.findIndex((possible) => JSON.stringify(possible) === text)
    if (found < 0) deepStrictEqual(state, this.#states)
    if (found > 0) this.work.found += 1
    this.#states = [state]
    this.#ends = state.values.map(countOf)
    this.#isFailing = was
    this.#disk.bytesMax = room
  }

  async #state(): Promise<State> {
    const log = this.#opened
    const values = await Promise.all([0, 1].map((partition) => valuesOf(log, partition)))
    this.#session = await log.open(spec)
    const blobs: string[] = []
    for await (const blob of this.#session.restore())
      blobs.push(shortened(Buffer.from(blob).toString()))
    const place = (await log.groups()).find((one) => one.group === group)?.offsets[0]
    const taskOffset = this.#session.offsets[0] ?? -1
    return { values, blobs, taskOffset, groupOffset: place?.offset ?? -1 }
  }

  /** Whoever cannot open it tries again later. */
  async #reopen(): Promise<void> {
    const log = await openDiskLog({ storage: this.#storage, clock: this.#clock }).catch(
      (thrown: unknown) => {
        if (thrown instanceof MillraceError && this.#isFailing) return null
        throw thrown
      },
    )
    this.#log = log
    // What was left open is decided now: looked at before anything is written after it.
    if (log !== null && this.#states.length > 1) await this.#look()
  }

  async #crash(): Promise<void> {
    await this.#log?.crash()
    this.work.crashes += 1
    this.#log = null
    this.#session = null
  }

  #losePower(): void {
    this.#disk.losePower()
    this.#dead()
  }

  #dead(): void {
    this.work.powerLosses += 1
    this.#log = null
    this.#session = null
  }
}

function countOf(values: readonly string[]): number {
  return values.length
}

/** Where it ends and its start: what differs, in few letters. */
function shortened(text: string): string {
  return `${text.slice(0, text.indexOf('.'))} of ${text.length}`
}

function block(partition: number, value: string): AppendBatch {
  const builder = new BatchBuilder()
  builder.add('k', value, 1)
  return { topic: 't', partition, bytes: builder.finish() }
}

async function valuesOf(log: DiskLog, partition: number): Promise<string[]> {
  const reader = await log.openReader([{ topic: 't', partition, offset: 0 }])
  const values: string[] = []
  for (let batch = reader.poll(0); batch !== null; batch = reader.poll(0)) {
    for (let i = batch.first; i < batch.count; i++) values.push(shortened(String(batch.value(i))))
  }
  await reader.close()
  return values
}
