/** Checks of what users give, for JavaScript and for what types cannot say. */
import { MillraceError } from '../core/error.ts'
import type { TopicSpec } from './topic-spec.ts'

export type Untyped<R> = (value: unknown) => R

/** @throws `invalid-argument` for what is no topic */
export function specOf(topic: { readonly spec: TopicSpec }, method: string): TopicSpec {
  if (typeof topic?.spec?.name === 'string') return topic.spec
  throw refuse(`${method} takes a topic: topic('name')`, topic)
}

/** The function, without its types. @throws `invalid-argument` for what is none */
export function checked<R>(fn: unknown, method: string): Untyped<R> {
  if (typeof fn !== 'function') throw refuse(`${method} takes a function`, fn)
  return fn as Untyped<R>
}

export function refuse(rule: string, given: unknown): MillraceError {
  const shown = typeof given === 'string' ? `'${given}'` : String(given)
  return new MillraceError('invalid-argument', `${rule}, not ${shown}`, {
    hint: 'see the example in its documentation',
  })
}

/** A name for a step. @throws `invalid-argument` for one that no step can have */
export function checkedName(name: string): string {
  if (typeof name === 'string' && /^[a-z0-9._-]{1,60}$/.test(name) && name !== 'main') return name
  throw new MillraceError('invalid-argument', `a step cannot be named '${name}'`, {
    hint: "use 1 to 60 of a-z, 0-9, '.', '_' and '-', but not 'main'",
  })
}
