/** A `packages` entry of a lock file, as far as it is looked at. */
interface Locked {
  version?: string
  link?: boolean
  optional?: boolean
  os?: string | string[]
  cpu?: string | string[]
  libc?: string[]
}

export function mismatch(
  locked: Record<string, Locked>,
  installed: Record<string, Locked>,
  platform: { os: string; cpu: string },
  triedAlready: boolean,
): string | undefined
export function install(root: string): Promise<number>
