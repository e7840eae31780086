/** The table of planted bugs in docs/RELIABILITY.md: written by the command, never by hand. */
import { basename } from 'node:path'
import type { Planted } from './planted-bug.ts'
import type { Failure } from './test-run.ts'

const marks = ['<!-- planted bugs: begin -->', '<!-- planted bugs: end -->'] as const
const head = ['| bug | caught by | s | simulated |', '|---|---|---|---|']
const titleMax = 72

export interface Verdict {
  readonly bug: Planted
  /** null: nobody. */
  readonly by: Failure | null
  /** Until then; of all tests where nobody catches it. */
  readonly seconds: number
  /** `unseen`: the simulations do not load its file. */
  readonly simulated: 'yes' | 'no' | 'unseen' | 'not asked'
}

/**
 * The document with the rows of these verdicts; rows of others stay, and those of bugs that are
 * not planted any more go.
 * @throws where the document has no place for the table
 */
export function withRows(
  text: string,
  verdicts: readonly Verdict[],
  planted: readonly Planted[],
): string {
  const [from, to] = [text.indexOf(marks[0]), text.indexOf(marks[1])]
  if (from < 0 || to < from) throw new Error('the document has no place for the table')
  const rows = new Map<string, string>()
  for (const line of text.slice(from, to).split('\n')) {
    const name = /^\| (.+?) \|/.exec(line)?.[1]
    if (name !== undefined && name !== 'bug') rows.set(name, line)
  }
  for (const verdict of verdicts) rows.set(cell(verdict.bug.name), rowOf(verdict))
  const ordered = planted.flatMap(({ name }) => rows.get(cell(name)) ?? [])
  const table = [marks[0], '', ...head, ...ordered, '', marks[1]].join('\n')
  return text.slice(0, from) + table + text.slice(to + marks[1].length)
}

const simulatedCell = { yes: 'yes', no: '–', unseen: '–', 'not asked': '?' } as const

function rowOf({ bug, by, seconds, simulated }: Verdict): string {
  const cells = [bug.name, byText(by), String(seconds), simulatedCell[simulated]]
  return `| ${cells.map(cell).join(' | ')} |`
}

export function byText(by: Failure | null): string {
  if (by === null) return '**nobody**'
  if (by.file === null) return `time-out: ${by.test}`
  const title = by.test.length > titleMax ? `${by.test.slice(0, titleMax - 1)}…` : by.test
  return `${basename(by.file, '.test.ts')}: ${title}`
}

/** One line, without what Markdown or HTML would take for something else. */
function cell(text: string): string {
  return text
    .replaceAll('\n', ' ')
    .replaceAll('\\', '')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
}
