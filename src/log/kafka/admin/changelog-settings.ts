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
