/** `pipeline`: several outputs that run, commit and are named together. */
import { MillraceError } from '../core/error.ts'
import type { Pipeline } from './node.ts'
import { pipelinesOf } from './pipelines-of.ts'

const namePattern = /^[a-zA-Z0-9._-]{1,100}$/

/** @throws `invalid-argument` */
export function checkPipelineName(name: string): void {
  if (typeof name === 'string' && namePattern.test(name)) return
  throw new MillraceError('invalid-argument', `a pipeline cannot be named '${name}'`, {
    hint: "use 1 to 100 of a-z, A-Z, 0-9, '.', '_' and '-'",
  })
}

/**
 * Joins outputs into one pipeline. Its offsets and state belong to the name; streams that several
 * outputs share run once.
 * @param name 1 to 100 of `a-z A-Z 0-9 . _ -`
 * @param pipelines what `to`, `print` and `forEach` gave; at least one
 * @throws `invalid-argument` (name) · `invalid-plan` where something else than a pipeline is given
 * @example
 * const hot = from(readings).filter((r) => r.celsius > 90)
 * export default pipeline('overheating', hot.to(topic('hot')), hot.print())
 */
export function pipeline(name: string, ...pipelines: readonly Pipeline[]): Pipeline {
  checkPipelineName(name)
  const list = pipelinesOf(pipelines)
  const sinks = list.flatMap((each) => each.sinks)
  return { kind: 'pipeline', name, sinks, feeds: list.flatMap((each) => each.feeds) }
}
