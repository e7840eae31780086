/** Secrets of sources and sinks: given as they are, or where they are found. */
import { readFile } from 'node:fs/promises'
import { MillraceError, messageOf } from '../core/error.ts'

/** A password or token; `env`: an environment variable's name; `file`: a path. */
export type Secret = string | { readonly env: string } | { readonly file: string }

/**
 * Reads a secret. Of a file, line ends at its end do not count. No error holds what was read.
 * @throws `invalid-argument` for a variable that is not set, or what is no secret ·
 * `file-not-found`
 */
export async function secret(value: Secret): Promise<string> {
  if (typeof value === 'string') return value
  if (typeof value === 'object' && value !== null) {
    if ('env' in value && typeof value.env === 'string') return fromEnvironment(value.env)
    if ('file' in value && typeof value.file === 'string') return await fromFile(value.file)
  }
  throw new MillraceError('invalid-argument', 'a secret is neither text nor where to find it', {
    hint: "give a string, { env: 'NAME' } or { file: 'path' }",
  })
}

function fromEnvironment(name: string): string {
  const found = process.env[name]
  if (found !== undefined && found !== '') return found
  throw new MillraceError('invalid-argument', `the environment variable ${name} is not set`, {
    hint: 'it holds a secret: set it where the program is started',
  })
}

async function fromFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/[\r\n]+$/, '')
  } catch (thrown) {
    throw new MillraceError('file-not-found', `the secret cannot be read: ${messageOf(thrown)}`, {
      at: { file: path },
      cause: thrown,
    })
  }
}
