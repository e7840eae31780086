/** Everything that is fuzzed, by name: the group's, then its own. */
import { MillraceError } from '../../src/core/error.ts'
import type { Target } from './target.ts'

/** Loaded when they are wanted: some need a client library. */
const groups: Readonly<Record<string, () => Promise<readonly Target[]>>> = {
  codec: async () => (await import('./targets/codecs.ts')).codecTargets,
  text: async () => (await import('./targets/texts.ts')).textTargets,
  state: async () => (await import('./targets/states.ts')).stateTargets,
  records: async () => (await import('./targets/records.ts')).recordTargets,
  kafka: async () => (await import('./targets/kafka.ts')).kafkaTargets,
  connection: async () => (await import('./targets/connections.ts')).connectionTargets,
  format: async () => (await import('./targets/formats.ts')).formatTargets,
  lines: async () => (await import('./targets/lines.ts')).lineTargets,
  http: async () => (await import('./targets/http.ts')).httpTargets,
  file: async () => (await import('./targets/files.ts')).fileTargets,
}

/** @param wanted a target, a group, or '' for all */
export async function targetNames(wanted: string): Promise<string[]> {
  const found: string[] = []
  for (const load of Object.values(groups)) {
    for (const { name } of await load()) {
      if (wanted === '' || name === wanted || name.startsWith(`${wanted}/`)) found.push(name)
    }
  }
  return found
}

/** @throws `invalid-argument` */
export async function loadTarget(name: string): Promise<Target> {
  const [group = ''] = name.split('/')
  const found = (await groups[group]?.())?.find((target) => target.name === name)
  if (found !== undefined) return found
  throw new MillraceError('invalid-argument', `there is no target '${name}'`, {
    hint: `the groups are ${Object.keys(groups).join(', ')}`,
  })
}
