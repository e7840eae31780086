/** The files that come into a folder, each read once. */
import type { Duration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import { checkSourceName } from '../../pipeline/source-start.ts'
import { readFolder } from '../files/read-folder.ts'
import type { FolderPosition, WhenDone } from '../files/read-folder.ts'
import { rowFormat, rowOptionNames } from '../files/row-format.ts'
import type { RowOptions } from '../files/row-format.ts'
import { checkOptionNames } from '../option-names.ts'
import { atLeastMs, checkPath, nameOfPath } from '../source-options.ts'
import type { Source } from '../source.ts'

export type { FolderPosition } from '../files/read-folder.ts'

export interface FolderSourceOptions extends RowOptions {
  /** Its position is kept under it. Default: the folder's name. */
  readonly name?: string
  /**
   * Which files, by name: a text with `*` and `?`, or a RegExp. Default: all. Names that begin with
   * a dot are never read: writers use them for what is not complete.
   */
  readonly match?: string | RegExp
  /** In which order files that are there are read. Default `'name'`. */
  readonly order?: 'name' | 'mtime'
  /**
   * What becomes of a file when its last record is committed. `keep` (default): it stays, and a
   * later file whose place in the order is before the last 256 done is not read, which is told.
   */
  readonly whenDone?: WhenDone
  /** How long a file must not have changed to be complete; `'0s'`: at once. Default `'1s'`. */
  readonly settle?: Duration
  /** Between two looks, where the system does not tell of changes. Default `'1s'`. */
  readonly poll?: Duration
}

/**
 * A watched folder as a source: files that are there and that come are read one after the other,
 * each once; NDJSON, CSV or lines, packed where a name ends with `.gz`. Exactly-once into its
 * topic, however often the program is killed; its position does not grow with the number of files.
 *
 * Write a file under a name that begins with a dot or does not match, then rename it; or let it
 * rest for `settle`. With `whenDone: 'delete'` or `{ move: 'done' }` files are cleared away after
 * their last commit; names may come again, and in any order.
 * @param folder that is there; folders in it are not looked into
 * @throws `invalid-argument` · `invalid-duration`. The run ends with `record-too-large`
 * @example
 * const arrivals = folderSource('inbox', {
 *   format: 'csv', match: '*.csv', key: 'device', whenDone: { move: 'inbox/done' },
 * })
 * from(arrivals).to(readings).kind // => 'pipeline'
 */
export function folderSource(folder: string, options: FolderSourceOptions): Source<FolderPosition> {
  checkPath('folderSource', folder)
  const { name = nameOfPath(folder), match, order = 'name', whenDone = 'keep' } = options
  checkSourceName(name)
  const who = `source '${name}'`
  checkOptionNames(who, options, folderOptionNames)
  const format = rowFormat(who, options)
  if (match !== undefined && !(match instanceof RegExp) && typeof match !== 'string')
    throw refused(who, 'match', "a text such as '*.csv', or a RegExp")
  if (order !== 'name' && order !== 'mtime') throw refused(who, 'order', "'name' or 'mtime'")
  if (whenDone !== 'keep' && whenDone !== 'delete' && typeof whenDone?.move !== 'string')
    throw refused(who, 'whenDone', "'keep', 'delete' or { move: 'folder' }")
  const pollMs = atLeastMs(who, 'poll', { value: options.poll ?? '1s', leastMs: 1 })
  const settleMs = atLeastMs(who, 'settle', { value: options.settle ?? '1s', leastMs: 0 })
  const pattern = patternOf(match)
  const isWanted = (file: string): boolean => pattern.test(file)
  const reading = { folder, isWanted, order, whenDone, format, settleMs, pollMs }
  return {
    kind: 'source',
    name,
    type: 'folder',
    replayable: true,
    open: (position, { clock, signal, notice }) =>
      readFolder(position, { ...reading, clock, signal, notice }),
  }
}

/** `*` and `?` mean what they mean in a shell. */
function patternOf(match: string | RegExp | undefined): RegExp {
  if (match === undefined) return /^/
  // A RegExp with `g` remembers where it was.
  if (match instanceof RegExp) return new RegExp(match.source, match.flags.replaceAll(/[gy]/g, ''))
  const escaped = match.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's')
}

function refused(who: string, option: string, allowed: string): MillraceError {
  const text = `${option} of ${who} has a value that it cannot have`
  return new MillraceError('invalid-argument', text, { hint: `use ${allowed}` })
}

const folderOptionNames = [
  ...rowOptionNames,
  'name',
  'match',
  'order',
  'whenDone',
  'settle',
  'poll',
] as const satisfies readonly (keyof FolderSourceOptions)[]
