/**
 * Puts event times into values: finds by trying which member of a value its topic's `time` function
 * reads, and in which form.
 */
import { isPlainObject } from './json-schema.ts'

/** From a value as it is written to what functions of the pipeline get; throws where refused. */
export type ReadValue = (value: unknown) => unknown

/** A copy of `value` with its event time there; null: the value decides over its time in no way. */
export type PutTime = (value: unknown, timeMs: number) => unknown

export interface TimedTopic {
  readonly time: (value: unknown) => Date | number
  readonly read: ReadValue
}

/** Ways in which a time is written, the usual ones first. */
const forms: readonly ((timeMs: number) => unknown)[] = [
  (timeMs) => timeMs,
  (timeMs) => new Date(timeMs).toISOString(),
  (timeMs) => new Date(timeMs),
  (timeMs) => timeMs / 1000,
  (timeMs) => timeMs * 1000,
]

/** Whole seconds: of a time in seconds nothing is lost. 2001 and 2033. */
const probesMs = [1_000_000_000_000, 2_000_000_000_000]
/** Members of members that are looked at. */
const depthMax = 3

type Path = readonly string[]

/**
 * @param sample a value that the topic takes
 * @returns how to put a time into values like `sample`; null: no member of it, in no known form,
 * gives the time
 */
export function findTime(sample: unknown, topic: TimedTopic): PutTime | null {
  for (const path of pathsOf(sample, depthMax)) {
    for (const form of forms) {
      const put: PutTime = (value, timeMs) => withMember(value, path, form(timeMs))
      if (probesMs.every((timeMs) => timeOf(put(sample, timeMs), topic) === timeMs)) return put
    }
  }
  return null
}

/** Event time of a value, ms; null: it has none, or is refused. */
export function timeOf(value: unknown, { time, read }: TimedTopic): number | null {
  try {
    const found = time(read(value))
    const timeMs = found instanceof Date ? found.getTime() : found
    return typeof timeMs === 'number' && Number.isFinite(timeMs) ? timeMs : null
  } catch {
    return null
  }
}

/** The value itself, then its members, outer ones first. */
function pathsOf(value: unknown, depth: number): Path[] {
  const paths: Path[] = [[]]
  let level: { readonly path: Path; readonly value: unknown }[] = [{ path: [], value }]
  for (let i = 0; i < depth; i++) {
    level = level.flatMap((one) =>
      isPlainObject(one.value) && !(one.value instanceof Date)
        ? Object.entries(one.value).map(([name, member]) => {
            return { path: [...one.path, name], value: member }
          })
        : [],
    )
    paths.push(...level.map(({ path }) => path))
  }
  return paths
}

function withMember(value: unknown, path: Path, member: unknown): unknown {
  const [name, ...rest] = path
  if (name === undefined) return member
  const members = isPlainObject(value) ? value : {}
  return { ...members, [name]: withMember(members[name], rest, member) }
}
