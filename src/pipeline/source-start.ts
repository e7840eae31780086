/** `from(source)`, and the feeds that come of it. */
import { MillraceError } from '../core/error.ts'
import { specOf } from './checked.ts'
import type { Pipeline } from './node.ts'
import type { FeedSpec, SourceSpec } from './source-spec.ts'
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

/** @throws `invalid-argument` for a name that no source can have */
export function startOf(source: SourceSpec): SourceStart {
  checkSourceName(source.name)
  return {
    to: (topic) => ({
      kind: 'pipeline',
      name: null,
      sinks: [],
      feeds: [{ source, topic: specOf(topic, 'to') }],
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
    if (other !== undefined && (other.source !== feed.source || other.topic !== feed.topic)) {
      throw new MillraceError('invalid-plan', `two sources are named '${name}'`, {
        at: { topic: feed.topic.name },
        hint: 'give each its own name: its position belongs to it; a source feeds one topic',
      })
    }
    feeds.set(name, feed)
  }
  return [...feeds.values()]
}
