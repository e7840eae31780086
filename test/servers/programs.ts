/**
 * The programs that tests start: servers, and the browser that the page is shown in. Where one is
 * not installed, the tests that need it are skipped and say why; MILLRACE_REQUIRE_SERVERS=1 (CI)
 * makes that a failure: setup.ts.
 */
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export type ServerName = 'chromium' | 'mosquitto' | 'postgres'

export const serverNames = ['chromium', 'mosquitto', 'postgres'] as const satisfies ServerName[]

/** Debian's folders of servers, which a user's path often lacks. */
const serverFolders = ['/usr/sbin', '/usr/local/sbin']
const postgresVersions = '/usr/lib/postgresql'

/** Where it is; null: it is not installed. */
export function programOf(server: ServerName): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...serverFolders]
  if (server === 'postgres') folders.push(...postgresFolders())
  const paths = folders.filter((folder) => folder !== '').map((folder) => join(folder, server))
  return paths.find((path) => existsSync(path)) ?? null
}

/** Why it cannot be started; null: it can. */
export function whyNoServer(server: ServerName): string | null {
  if (programOf(server) !== null) return null
  const text = server === 'postgres' ? 'postgresql' : server
  return `${server} is not installed (Debian: apt-get install ${text})`
}

/** The newest first. */
function postgresFolders(): string[] {
  if (!existsSync(postgresVersions)) return []
  const versions = readdirSync(postgresVersions).toSorted((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(postgresVersions, version, 'bin'))
}
