/** How the topics of changelogs are made, and told from topics of users with such a name. */

/** Of a batch; an odd number, by which a changelog is known. */
const batchBytesMax = (2 << 20) + 1

/** Not compacted: what is not needed is deleted as soon as that is so (session/changelog.ts). */
export const changelogSettings: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': String(batchBytesMax),
}

export function isChangelog(settings: ReadonlyMap<string, string | null>): boolean {
  return Object.entries(changelogSettings).every(([name, value]) => settings.get(name) === value)
}

/**
 * What of a topic's settings would lose state, as text; null: nothing. It may take larger batches
 * than ours.
 */
export function changelogFault(settings: ReadonlyMap<string, string | null>): string | null {
  const wrong = Object.entries(changelogSettings).filter(([name, wanted]) => {
    const found = settings.get(name)
    if (found === undefined) return false // not told
    if (name === 'max.message.bytes') return Number(found) < Number(wanted)
    return found !== wanted
  })
  return wrong.length === 0
    ? null
    : wrong.map(([name, wanted]) => `${name}=${settings.get(name)}, not ${wanted}`).join('; ')
}
