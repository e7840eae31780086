/** The sources of a run: each feeds a topic of its pipelines. */
import type { Source } from '../connect/source.ts'
import { runSource } from '../connect/source-runner.ts'
import type { SourceEvent, SourceRun, SourceStatus } from '../connect/source-runner.ts'
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/error.ts'
import type { EngineRun } from '../engine/run.ts'
import { configOf, ensure } from '../engine/topics.ts'
import type { Log } from '../log/log.ts'
import type { Pipeline } from '../pipeline/node.ts'
import { feedsOf } from '../pipeline/source-start.ts'
import type { FeedSpec } from '../pipeline/source-spec.ts'
import type { Deliveries } from './deliveries.ts'

export interface FeedOptions {
  readonly log: Log
  readonly clock: Clock
  readonly takeOver: boolean
  readonly notify: (event: SourceEvent) => void
}

export interface Sources {
  /** Settles when all have ended or were stopped; rejects with what ended the first that failed. */
  readonly done: Promise<void>
  stop(): Promise<void>
  status(): SourceStatus<unknown>[]
}

/**
 * Before pipelines start: what they read from is there, if sources feed it.
 * @throws `invalid-plan` · `invalid-argument` for what is no source · what the log throws
 */
export async function prepareFeeds(
  pipelines: readonly Pipeline[],
  { log }: FeedOptions,
): Promise<FeedSpec[]> {
  const feeds = feedsOf(pipelines)
  for (const { source, topic } of feeds) {
    asSource(source)
    await ensure(log, topic.name, configOf(topic, 1))
  }
  return feeds
}

/** @throws what one of them cannot start with; then the rest of the run is stopped, too */
export async function startSources(
  feeds: readonly FeedSpec[],
  options: FeedOptions & { readonly engine: EngineRun; readonly deliveries: Deliveries },
): Promise<Sources> {
  const { log, clock, takeOver, notify, engine, deliveries } = options
  const runs: SourceRun<unknown>[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(runs.map((run) => run.stop()))
  }
  try {
    for (const { source, topic, dedupe } of feeds) {
      const parts = { topic: topic.name, dedupe, clock, takeOver, notify }
      // What is outside comes back, however long that takes.
      const attemptsMax = Number.POSITIVE_INFINITY
      runs.push(await runSource(log, asSource(source), { ...parts, attemptsMax }))
    }
  } catch (thrown) {
    await stop()
    await engine.stop()
    await deliveries.stop()
    throw thrown
  }
  const done = Promise.all(runs.map((run) => run.done)).then(() => {})
  done.catch(stop)
  return { done, stop, status: () => runs.map((run) => run.status()) }
}

function asSource(spec: FeedSpec['source']): Source<unknown> {
  const source = spec as Partial<Source<unknown>>
  if (typeof source.open === 'function') return spec as Source<unknown>
  throw new MillraceError('invalid-argument', `source '${spec.name}' cannot be opened`, {
    hint: 'a source has open(position, context): see the contract of sources',
  })
}
