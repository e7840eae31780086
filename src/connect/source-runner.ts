/**
 * Runs a source: its records go to a topic, its position to the changelog of a task of its own, in
 * one commit. [L1] There is nothing else that remembers where the source was. Where several
 * processes run it, the log says which of them has the task, and so reads.
 */
import type { Clock } from '../core/clock.ts'
import { isCode } from '../core/error.ts'
import { systemRandom } from '../core/random.ts'
import type { Random } from '../core/random.ts'
import { OwnedTasks } from '../engine/owned-tasks.ts'
import type { Log, TaskInfo, TopicConfig } from '../log/log.ts'
import { checkSourceName } from '../pipeline/source-start.ts'
import type { DedupeSpec } from '../pipeline/source-spec.ts'
import type { Source } from './source.ts'
import { pipelineOf, positionTask, SourceLoop } from './source-loop.ts'
import type { SourceEvent, SourceStatus } from './source-loop.ts'

export { pipelineOf } from './source-loop.ts'
export type { SourceEvent, SourceStatus } from './source-loop.ts'

export interface SourceOptions {
  /** Where the records go. */
  readonly topic: string
  /** Settings with which the topic is made when it does not exist; absent: it must exist. */
  readonly create?: Partial<TopicConfig>
  readonly clock: Clock
  /** Default: the machine's. */
  readonly random?: Random
  /**
   * Fence whoever runs this source now, instead of failing with `pipeline-running`. Default false.
   */
  readonly takeOver?: boolean
  /** Failures in a row, without a commit between, after which the run ends. Default 8. */
  readonly attemptsMax?: number
  /** Ids that are remembered, so that no record is appended twice. Default: none. */
  readonly dedupe?: DedupeSpec | null
  /** Told what goes on. */
  readonly notify?: (event: SourceEvent) => void
}

/** A running source. */
export interface SourceRun<P> {
  /**
   * The committed position that the run began at; null: at the beginning, or in another process.
   */
  readonly from: P | null
  /** Resolves when the source ended or was stopped; rejects with what ended it otherwise. */
  readonly done: Promise<void>
  /** Commits what is in hand and gives the source up. Idempotent; never rejects. */
  stop(): Promise<void>
  status(): SourceStatus<P>
}

const attemptsMaxDefault = 8

/**
 * Starts a source in this process. On a log for one machine a second run of it fails with
 * `pipeline-running`; on one that shares tasks it waits until the source comes to it.
 * @returns when the source has its place in the log and its position was read; records may not have
 * been
 * @throws `unknown-topic` · `pipeline-running` · `invalid-argument` for its name · what the log
 * throws
 */
export async function runSource<P>(
  log: Log,
  source: Source<P>,
  options: SourceOptions,
): Promise<SourceRun<P>> {
  const { name } = source
  checkSourceName(name)
  const { topic, clock, notify = () => {}, attemptsMax = attemptsMaxDefault } = options
  const partitionCount = await topicPartitions(log, options)
  const pipeline = pipelineOf(name)
  const membership = await log.join({
    pipeline,
    tasks: [positionTask],
    infos: [taskInfo],
    takeOver: options.takeOver ?? false,
  })
  const status: { -readonly [F in keyof SourceStatus<P>]: SourceStatus<P>[F] } = {
    source: name,
    topic,
    state: 'elsewhere',
    position: null,
    recordCount: 0,
    commitCount: 0,
    refusedCount: 0,
    dedupe: null,
  }
  const random = options.random ?? systemRandom
  const { dedupe = null } = options
  const reading = { log, source, status, partitionCount, dedupe }
  const parts = { ...reading, clock, random, attemptsMax, notify }
  const owned: OwnedTasks<SourceLoop<P>> = new OwnedTasks({
    pipeline,
    tasks: [positionTask],
    membership,
    clock,
    // A source that has nothing more ends the run; there is nothing to own any more.
    loopOf: () => new SourceLoop({ ...parts, onEnd: () => owned.stop() }),
    notify: ({ kind }) => {
      if (kind === 'lost') status.state = 'elsewhere'
      if (kind === 'lost' || kind === 'gained') notify({ kind: `source-${kind}`, source: name })
    },
  })
  const done = owned.ended()
  done.catch(() => {}) // whoever asks for `done` gets it; nobody asking must not end the process
  const [first] = owned.loops
  await owned.opened()
  if (first?.hasOpened === false) await done // throws: it could not be opened
  return {
    from: first?.from ?? null,
    done,
    stop: async () => {
      owned.stop()
      await done.catch(() => {})
    },
    status: () => ({ ...status }),
  }
}

const taskInfo: TaskInfo = {
  task: positionTask,
  part: 'source',
  index: 0,
  inputs: [],
  isStateful: true,
}

async function topicPartitions(log: Log, { topic, create }: SourceOptions): Promise<number> {
  try {
    return (await log.describeTopic(topic)).partitions.length
  } catch (thrown) {
    if (create === undefined || !isCode(thrown, 'unknown-topic')) throw thrown
    return (await log.createTopic(topic, create)).partitions.length
  }
}
