/** What the project promises in one place and must show in another: errors, invariants, words. */
import { asserts } from './tree.ts'
import type { CodeFile, Tree, Violation } from './tree.ts'

/**
 * Error code → why no line throws it or no test asserts it yet. Only what is missing may stand
 * here.
 */
export type ErrorGaps = Readonly<Record<string, { thrown?: string; asserted?: string }>>

const errorFile = 'src/core/error.ts'

/** Every code of the error table is thrown somewhere and asserted somewhere. */
export function checkErrors(tree: Tree, gaps: ErrorGaps): Violation[] {
  const table = tree.code.find(({ path }) => path === errorFile)
  if (table === undefined) return []
  const codes = errorCodes(table)
  const inSources = quoted(
    tree,
    (path) => path.startsWith('src/') && path !== errorFile && !asserts(path),
  )
  const inTests = quoted(tree, asserts)
  const at = (line: number, text: string): Violation => ({ path: errorFile, line, text })
  const judge = (
    code: string,
    line: number,
    seen: boolean,
    gap: string | undefined,
    what: string,
  ): Violation[] => {
    if (seen && gap !== undefined) {
      return [at(line, `'${code}' is ${what} now: remove its line in errorGaps`)]
    }
    return seen || gap !== undefined ? [] : [at(line, `'${code}' is never ${what}`)]
  }
  const unknown = Object.keys(gaps).filter((code) => !codes.some((one) => one.code === code))
  return [
    ...codes.flatMap(({ code, line }) => [
      ...judge(code, line, inSources.has(code), gaps[code]?.thrown, 'thrown in src/'),
      ...judge(code, line, inTests.has(code), gaps[code]?.asserted, 'asserted in a test'),
    ]),
    ...unknown.map((code) => at(1, `errorGaps names '${code}', which is no error code: remove it`)),
  ]
}

/** The keys of `errorTable`. */
export function errorCodes({ code, text }: CodeFile): { code: string; line: number }[] {
  const start = code.indexOf('errorTable')
  const end = code.indexOf('\n}', start)
  const startLine = code.slice(0, start).split('\n').length
  return text
    .slice(start, end)
    .split('\n')
    .flatMap((line, index) => {
      const name = /^\s*(?:'([a-z-]+)'|([a-z]+)):\s*\{/.exec(line)
      const found = name?.[1] ?? name?.[2]
      return found === undefined ? [] : [{ code: found, line: startLine + index }]
    })
}

function quoted(tree: Tree, wanted: (path: string) => boolean): Set<string> {
  const values = tree.code
    .filter(({ path }) => wanted(path))
    .flatMap(({ strings }) => strings.map(({ value }) => value))
  return new Set(values)
}

/** The invariants of the contracts; a test title starts with the id. */
export const invariants = ['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L7', 'O1', 'O2', 'O3', 'O4']

export function checkInvariants(tree: Tree): Violation[] {
  const titles = tree.code
    .filter(({ path }) => asserts(path) && !path.startsWith('test/tidy/'))
    .flatMap(({ strings }) => strings.map(({ value }) => value))
  return invariants.flatMap((id) =>
    titles.some((title) => new RegExp(`^(?:[LO]\\d\\s+)*${id}\\b[ :]`).test(title))
      ? []
      : [
          {
            path: 'src',
            line: 1,
            text: `invariant ${id} has no test: start a test's title with '${id} '`,
          },
        ],
  )
}

/** The words of the field that this project uses, each defined once in docs/glossary.md. */
export const words =
  `record, key, value, event time, topic, partition, offset, log, batch, source, sink, action,
  pipeline, plan, task, operator, watermark, lateness, window, pane, timer, state store, changelog,
  commit, dead letter, expectation, lag`.split(/,\s+/)

export function checkGlossary(tree: Tree): Violation[] {
  const path = 'docs/glossary.md'
  const glossary = tree.files.find((file) => file.path === path)
  if (glossary === undefined)
    return [{ path, line: 1, text: 'does not exist: define each word there' }]
  return words.flatMap((word) => {
    const entries = glossary.text.split('\n').filter((line) => line.startsWith(`- **${word}**`))
    if (entries.length === 1) return []
    const text = `defines '${word}' ${entries.length} times: one line '- **${word}** …'`
    return [{ path, line: 1, text }]
  })
}
