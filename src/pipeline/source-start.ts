/** `from(source)`, and the feeds that come of it. */
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import { specOf } from './checked.ts'
import type { Pipeline } from './node.ts'
import type { DedupeSpec, FeedSpec, SourceSpec } from './source-spec.ts'
import type { Topic } from './topic.ts'

/** What `from(source)` gives. */
export interface SourceStart {
  /**
   * Appends what the source gives to a topic, in the same step with the source's position. The
   * topic is made where it does not exist, with the partitions that it declares, else one.
   * @throws `invalid-argument`
   */
  to(topic: Topic<never, unknown>): Pipeline
}

/** How a source is read. */
export interface SourceStartOptions {
  /**
   * Leaves out records whose `id` was committed before: for a source that gives some twice, as one
   * that is redelivered to after a crash. Exact over restarts and crashes; records without id pass.
   * Default: nothing is left out.
   */
  readonly dedupe?: {
    /** For how long an id is remembered from its commit on, by the wall clock. Above 0. */
    readonly within: Duration
    /**
     * Most ids that are remembered, about 150 bytes of memory each; beyond that the oldest are
     * forgotten, and counted. 1 to 10,000,000. Default 100,000.
     */
    readonly max?: number
  }
}

const idsMaxMax = 10_000_000

const namePattern = /^[a-zA-Z0-9._-]{1,200}$/

export function isSource(given: unknown): given is SourceSpec {
  return typeof given === 'object' && given !== null && 'kind' in given && given.kind === 'source'
}

/** @throws `invalid-argument` for a name that no source can have */
export function checkSourceName(name: string): void {
  if (typeof name === 'string' && namePattern.test(name)) return
  throw new MillraceError('invalid-argument', `'${name}' cannot be the name of a source`, {
    hint: 'a name has 1 to 200 letters, digits, dots, underscores and hyphens',
  })
}

/** @throws `invalid-argument` for a name that no source can have · `invalid-duration` */
export function startOf(source: SourceSpec, options: SourceStartOptions = {}): SourceStart {
  checkSourceName(source.name)
  const dedupe = dedupeOf(source.name, options)
  return {
    to: (topic) => ({
      kind: 'pipeline',
      name: null,
      sinks: [],
      feeds: [{ source, topic: specOf(topic, 'to'), dedupe }],
    }),
  }
}

/**
 * The feeds of pipelines, each once.
 * @throws `invalid-plan` where two sources have one name, or one source two topics
 */
export function feedsOf(pipelines: readonly Pipeline[]): FeedSpec[] {
  const feeds = new Map<string, FeedSpec>()
  for (const feed of pipelines.flatMap((pipeline) => pipeline.feeds)) {
    const { name } = feed.source
    const other = feeds.get(name)
    if (other !== undefined && !isSame(other, feed)) {
      throw new MillraceError('invalid-plan', `two sources are named '${name}'`, {
        at: { topic: feed.topic.name },
        hint: 'give each its own name: its position belongs to it; a source feeds one topic',
      })
    }
    feeds.set(name, feed)
  }
  return [...feeds.values()]
}

function isSame(a: FeedSpec, b: FeedSpec): boolean {
  const isAlike = a.dedupe?.withinMs === b.dedupe?.withinMs && a.dedupe?.max === b.dedupe?.max
  return a.source === b.source && a.topic === b.topic && isAlike
}

function dedupeOf(source: string, options: SourceStartOptions): DedupeSpec | null {
  for (const option of Object.keys(options))
    if (option !== 'dedupe') throw refused(source, `there is no option '${option}'`, 'dedupe')
  const { dedupe } = options
  if (dedupe === undefined) return null
  const hint = "dedupe: { within: '10m', max: 100_000 }"
  for (const option of Object.keys(dedupe))
    if (option !== 'within' && option !== 'max')
      throw refused(source, `dedupe has no option '${option}'`, hint)
  const { within, max = 100_000 } = dedupe
  const withinMs = durationMs(within, 'within')
  if (withinMs < 1) throw refused(source, 'within is a time above 0', hint)
  if (!Number.isInteger(max) || max < 1 || max > idsMaxMax)
    throw refused(source, `max is a whole number from 1 to ${idsMaxMax}, not ${max}`, hint)
  return { withinMs, max }
}

function refused(source: string, text: string, hint: string): MillraceError {
  return new MillraceError('invalid-argument', `from source '${source}': ${text}`, {
    hint: `use ${hint}`,
  })
}
