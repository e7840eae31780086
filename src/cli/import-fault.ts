/** Why a file could not be imported, in one clause with file and line. */
import { pathToFileURL } from 'node:url'
import { type ErrorPlace, MillraceError, messageOf } from '../core/error.ts'

export interface ImportedFile {
  /** As it was written. */
  readonly file: string
  /** Absolute. */
  readonly path: string
}

/** @param thrown what `import` or the file's own code threw */
export function importFault(thrown: unknown, { file, path }: ImportedFile): MillraceError {
  const line = lineIn(thrown, path)
  const at: ErrorPlace = { file, ...(line === null ? {} : { line }) }
  if (thrown instanceof MillraceError) {
    const hint = thrown.hint === undefined ? {} : { hint: thrown.hint }
    return new MillraceError(thrown.code, thrown.message, { ...hint, at, cause: thrown })
  }
  const fault = faultOf(thrown)
  return new MillraceError('invalid-pipeline-file', fault.text, {
    hint: fault.hint,
    at,
    cause: thrown,
  })
}

function faultOf(thrown: unknown): { text: string; hint: string } {
  const message = firstLine(messageOf(thrown))
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return {
      text: message,
      hint: 'Node only strips types: write it in another way (no enum, no namespace)',
    }
  }
  if (thrown instanceof SyntaxError || code === 'ERR_INVALID_TYPESCRIPT_SYNTAX') {
    return { text: `syntax error: ${message}`, hint: 'correct the line' }
  }
  if (code === 'ERR_MODULE_NOT_FOUND') {
    const name = /^Cannot find package '([^']+)'/.exec(message)?.[1]
    const hint =
      name === undefined
        ? 'correct the import; relative paths need their ending: ./x.ts'
        : `install it: npm install ${name}`
    return { text: message, hint }
  }
  const kind = thrown instanceof Error ? thrown.name : 'it'
  return {
    text: `${kind} thrown while loading: ${message}`,
    hint: 'correct the file; --debug shows the stack',
  }
}

/** The first line of the file that the stack names. */
function lineIn(thrown: unknown, path: string): number | null {
  if (!(thrown instanceof Error) || thrown.stack === undefined) return null
  for (const place of [pathToFileURL(path).href, path]) {
    const at = thrown.stack.indexOf(`${place}:`)
    const line = at === -1 ? null : /^\d+/.exec(thrown.stack.slice(at + place.length + 1))
    if (line !== null) return Number(line[0])
  }
  return null
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
