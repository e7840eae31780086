/** The loop: an input out of the corpus, changed, judged; kept where it reached what none had. */
import type { Random } from '../../src/core/random.ts'
import type { Coverage } from './coverage.ts'
import { judge } from './judge.ts'
import type { Fault } from './judge.ts'
import { minimise } from './minimise.ts'
import { mutate, pick } from './mutate.ts'
import type { Materials } from './mutate.ts'
import type { Subject, Target } from './target.ts'

/** Inputs between two looks at what has run. */
const batchSize = 200
const corpusMax = 2000
const bytesMaxDefault = 4096

export interface Found extends Fault {
  readonly input: Buffer
}

export interface LoopOptions {
  readonly target: Target
  readonly subject: Subject
  readonly random: Random
  /** null: every input starts from a seed. */
  readonly coverage: Coverage | null
  readonly isOver: (executions: number) => boolean
  /** Told of each input before it runs: whoever waits for an answer in vain knows which it was. */
  readonly onInput: (bytes: Buffer) => void
  /** Once for each kind. */
  readonly onFound: (found: Found) => void
}

export interface LoopReport {
  readonly executions: number
  /** Of these inputs taken; the others were refused by an error that is allowed. */
  readonly taken: number
  readonly corpus: number
  /** Blocks that the seeds reached, and all inputs. 0 without coverage. */
  readonly seedBlocks: number
  readonly blocks: number
}

export async function fuzzLoop(options: LoopOptions): Promise<LoopReport> {
  const { target, random, coverage, isOver } = options
  const state = new Loop(options)
  const bytesMax = target.bytesMax ?? bytesMaxDefault
  const dictionary = (target.dictionary ?? []).map((piece) => Buffer.from(piece as Uint8Array))
  for (const seed of target.seeds) await state.feed(Buffer.from(seed))
  coverage?.takeNew()
  const seedBlocks = coverage?.size ?? 0
  const corpus: Buffer[] = target.seeds.map((seed) => Buffer.from(seed))
  const materials: Materials = { corpus, dictionary, bytesMax }
  while (!isOver(state.executions)) {
    const batch: Buffer[] = []
    while (batch.length < batchSize && !isOver(state.executions)) {
      const input = next(materials, random, target)
      batch.push(input)
      await state.feed(input)
    }
    const fresh = coverage?.takeNew() ?? new Set()
    if (coverage === null || fresh.size === 0) continue
    for (const input of await state.reachers(batch, fresh, coverage)) {
      if (corpus.length < corpusMax) corpus.push(input)
      else corpus[random.int(corpus.length)] = input
    }
  }
  const { executions, taken } = state
  return { executions, taken, corpus: corpus.length, seedBlocks, blocks: coverage?.size ?? 0 }
}

function next(materials: Materials, random: Random, { repair }: Target): Buffer {
  const { corpus } = materials
  // The newest reach farthest: half of the time one of them.
  const newest = corpus.slice(-8)
  const from = pick(random.int(2) === 0 ? newest : corpus, random) ?? Buffer.alloc(0)
  const input = mutate(from, random, materials)
  return repair !== undefined && random.int(4) > 0 ? repair(input) : input
}

class Loop {
  executions = 0
  taken = 0
  readonly #options: LoopOptions
  readonly #signs = new Set<string>()

  constructor(options: LoopOptions) {
    this.#options = options
  }

  async feed(input: Buffer): Promise<void> {
    const { target, subject, onInput, onFound } = this.#options
    this.executions += 1
    onInput(input)
    const verdict = await judge(target, subject, input)
    if (verdict.kind === 'taken') this.taken += 1
    if (verdict.kind !== 'fault' || this.#signs.has(verdict.fault.sign)) return
    this.#signs.add(verdict.fault.sign)
    const { sign } = verdict.fault
    const isSame = async (smaller: Buffer): Promise<boolean> => {
      onInput(smaller)
      const again = await judge(target, subject, smaller)
      return again.kind === 'fault' && again.fault.sign === sign
    }
    onFound({ ...verdict.fault, input: await minimise(input, isSame) })
  }

  /** Which of a batch reached the new blocks is found by running each of them again. */
  async reachers(
    batch: readonly Buffer[],
    fresh: Set<string>,
    coverage: Coverage,
  ): Promise<Buffer[]> {
    const { target, subject, onInput } = this.#options
    const found: Buffer[] = []
    for (const input of batch) {
      if (fresh.size === 0) break
      onInput(input)
      await judge(target, subject, input)
      const reached = coverage.takeOf(fresh)
      if (reached.length > 0) found.push(input)
      for (const block of reached) fresh.delete(block)
    }
    return found
  }
}
