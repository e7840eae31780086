/** Runs a random pipeline on a log, and reads what it has committed. */
import { systemClock } from '../../../src/core/clock.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { engineDefaults, startPipelines } from '../../../src/engine/run.ts'
import type { EngineRun } from '../../../src/engine/run.ts'
import type { AppendBatch, Log } from '../../../src/log/log.ts'
import { openMemoryLog } from '../../../src/log/memory/memory-log.ts'
import { MemoryStore } from '../../../src/log/memory/memory-store.ts'
import { readOutcome } from '../../../src/testing/simulate/outcome.ts'
import type { Outcome } from '../../../src/testing/simulate/outcome.ts'
import { blocksOf, encodeInput } from '../../../src/testing/simulate/simulation-input.ts'
import { subjectOf } from '../../../src/testing/simulate/subject.ts'
import type { Subject } from '../../../src/testing/simulate/subject.ts'
import { randomCase } from '../../sim/random-case.ts'
import type { RandomCase } from '../../sim/random-case.ts'
import { waitUntil } from '../outcome.ts'

export interface KilledCase {
  readonly one: RandomCase
  readonly subject: Subject
  /** Small blocks, in order. */
  readonly blocks: readonly AppendBatch[]
  /**
   * Whether the input may come bit by bit: with more than one partition, which records meet would
   * depend on when they come.
   */
  readonly mayCome: 'bit-by-bit' | 'at-once'
}

/** Made of the seed alone, by each process for itself. */
export function caseOf(seed: number): KilledCase {
  const one = randomCase(seed, { clock: 'real' })
  const subject = subjectOf(() => one.pipelines(), {
    tasks: one.tasks,
    settleMs: 0,
    betweenMs: 0,
    startAt: 'earliest',
  })
  const input = encodeInput(one.input, subject.sources)
  const partitions = [...subject.sources.values()].reduce(
    (sum, { partitions: count }) => sum + (count ?? 1),
    0,
  )
  return {
    one,
    subject,
    blocks: blocksOf(input, 1 + (seed % 2)),
    mayCome: partitions === 1 ? 'bit-by-bit' : 'at-once',
  }
}

/**
 * As in a simulation the wall clock stands, so that nothing depends on how long a process was dead:
 * which partition is idle, for one.
 */
const clock: Clock = {
  now: () => 1_577_836_800_000, // 2020-01-01 UTC
  monotonic: () => systemClock.monotonic(),
  after: (delayMs, run) => systemClock.after(delayMs, run),
  nextTurn: () => systemClock.nextTurn(),
}

export async function createTopics(log: Log, { subject }: KilledCase): Promise<void> {
  for (const { name, partitions, compact } of subject.sources.values()) {
    const cleanup = compact ? 'compact' : 'delete'
    await log.createTopic(name, { partitions: partitions ?? 1, cleanup })
  }
}

/** Copies: what a log is given is its own. */
export async function appendBlocks(log: Log, blocks: readonly AppendBatch[]): Promise<void> {
  await log.append(blocks.map((block) => ({ ...block, bytes: new Uint8Array(block.bytes) })))
}

export async function startCase(log: Log, { one, subject }: KilledCase): Promise<EngineRun> {
  return await startPipelines(one.pipelines(), {
    ...engineDefaults,
    log,
    clock,
    name: subject.name,
    tasks: one.tasks,
    commitEveryMs: 1,
    print: () => {},
    notify: () => {},
  })
}

/** Sum of the offsets that the pipeline has committed. */
export async function committedOf(log: Log, { subject }: KilledCase): Promise<number> {
  const group = (await log.groups()).find((each) => each.group === subject.name)
  return (group?.offsets ?? []).reduce((sum, { offset }) => sum + offset, 0)
}

/** Whether every input, the repartition topics included, is committed to its end. */
export async function isAllRead(log: Log, { subject }: KilledCase): Promise<boolean> {
  const group = (await log.groups()).find((each) => each.group === subject.name)
  if (group === undefined) return false
  const offsets = new Map(group.offsets.map((one) => [`${one.topic}/${one.partition}`, one.offset]))
  const topics = (await log.listTopics()).filter(({ name }) => subject.places.includes(name))
  return (
    topics.length === subject.places.length &&
    topics.every(({ name, partitions }) =>
      partitions.every(
        ({ partition, endOffset }) =>
          endOffset === 0 || offsets.get(`${name}/${partition}`) === endOffset,
      ),
    )
  )
}

/** Runs what is left, undisturbed, and gives what was committed in all. */
export async function finishCase(log: Log, killed: KilledCase, place: string): Promise<Outcome> {
  const running = await startCase(log, killed)
  let failure: { readonly thrown: unknown } | null = null
  running.done.catch((thrown: unknown) => {
    failure = { thrown }
  })
  await waitUntil(`${place}: all is read`, async () => {
    if (failure !== null) throw failure.thrown
    const isIdle = running.status().every(({ state, inputs }) => {
      return state === 'running' && inputs.every(({ lag }) => lag === 0)
    })
    return isIdle && (await isAllRead(log, killed))
  })
  await running.stop()
  return await outcomeOf(log, killed)
}

async function outcomeOf(log: Log, { one, subject }: KilledCase): Promise<Outcome> {
  const { topics, looseLetters, tables } = subject
  const store = new MemoryStore()
  const copy = openMemoryLog({ store })
  const there = new Map((await log.listTopics()).map((topic) => [topic.name, topic]))
  for (const topic of topics) {
    const info = there.get(topic)
    if (info === undefined) continue
    await copy.createTopic(topic, { partitions: info.partitions.length })
    const inputs = info.partitions.map(({ partition }) => ({ topic, partition, offset: 0 }))
    const reader = await log.openReader(inputs)
    for (const [i, { partition }] of inputs.entries()) {
      for (let batch = reader.poll(i); batch !== null; batch = reader.poll(i)) {
        await copy.append([{ topic, partition, bytes: Buffer.from(batch.bytes) }])
      }
    }
    await reader.close()
  }
  // Which task wrote what is not known of processes that were killed: with several of them, the
  // records of a key are compared as a set.
  const writer = { name: 'some task', isOrdered: false }
  const writerOf = one.tasks === 'one' ? null : () => writer
  return readOutcome(store, { topics, looseLetters, tables, writerOf })
}
