/** A file that nobody writes to any more, from its first row to its last. */
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import type { SourceBatch } from '../source.ts'
import { beginsAs, headBytesMax } from './file-identity.ts'
import type { FileIdentity } from './file-identity.ts'
import type { RowFormat } from './row-format.ts'
import { RowFile } from './row-file.ts'
import { fileStart } from './row-records.ts'
import type { Place } from './row-records.ts'

/** A place, and of which file. */
export interface FilePosition extends Place {
  readonly file: FileIdentity
}

export interface WholeReading {
  readonly path: string
  readonly format: RowFormat
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly notice: (text: string) => void
}

/** @throws `file-not-found` · as `RowFile` */
export async function* readWhole(
  from: FilePosition | null,
  { path, format, clock, signal, notice }: WholeReading,
): AsyncGenerator<SourceBatch<FilePosition>, void> {
  const file = await RowFile.open(path, format).catch(notFound(path))
  try {
    const isSame = from !== null && (await beginsAs(file.handle, from.file))
    if (from !== null && !isSame)
      notice(`${path} is another file than the one read before: it is read from its start`)
    await file.goTo(isSame ? from : fileStart)
    const identity = await file.identity(headBytesMax)
    while (!signal.aborted) {
      const { records, isAtEnd } = await file.take(clock.now(), true)
      if (records.length > 0) yield { records, position: { file: identity, ...file.place } }
      if (isAtEnd) return
    }
  } finally {
    await file.close()
  }
}

function notFound(path: string): (thrown: unknown) => never {
  return (thrown) => {
    if ((thrown as NodeJS.ErrnoException | null)?.code !== 'ENOENT') throw thrown
    throw new MillraceError('file-not-found', 'there is no such file', {
      at: { file: path },
      hint: 'correct the path; with follow: true a file may come later',
      cause: thrown,
    })
  }
}
