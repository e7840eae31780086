/** The pages of docs/reference/: made from the code, compared by a test, written by `update.ts`. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { errorTable } from '../../src/core/error.ts'
import { root } from './blocks.ts'

const made = 'Made from the code; `npx node test/docs/update.ts` in a clone writes it anew.'

const blameText = {
  user: 'the caller: a pipeline, an option, a command line',
  external: 'the world outside: data, disk, another process',
  engine: 'Millrace itself; please report it',
} as const

const retryText = {
  never: 'the same call fails again',
  backoff: 'the same call may succeed later',
  reopen: 'what was open is to be thrown away and opened anew',
} as const

export function errorsPage(): string {
  const rows = Object.entries(errorTable)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { blame, retry, text }]) => `| \`${code}\` | ${text} | ${blame} | ${retry} |`)
  const list = (texts: Readonly<Record<string, string>>): string =>
    Object.entries(texts)
      .map(([name, text]) => `- \`${name}\`: ${text}`)
      .join('\n')
  return `# Error codes

${made}

Whatever Millrace throws is a \`MillraceError\`. Programs decide by its \`code\`; the message is one
clause with the values, followed by the place in brackets where one is known, and \`hint\` says what
to do. \`at\` holds the place (pipeline, step, task, topic, partition, offset, file, line),
\`cause\` what was thrown underneath. Of a dead letter, the header \`millrace-reason\` is one of
these codes.

| code | what happened | blame | retry |
|---|---|---|---|
${rows.join('\n')}

\`blame\`, whose fault it is:

${list(blameText)}

\`retry\`, whether trying again helps:

${list(retryText)}

\`outcome\`, for whatever writes: \`not-applied\` (nothing was written; the default) or
\`unknown\` (it may have been written: read the offsets before writing it again).
`
}

const runFile = promisify(execFile)
/** Commands asked for help at a time. */
const width = 2

/** Help of the command and of all below it, in the order in which help lists them. */
export async function cliPage(): Promise<string> {
  const sections: string[] = []
  const waiting: string[][] = [[]]
  while (waiting.length > 0) {
    const now = waiting.splice(0, width)
    const helps = await Promise.all(now.map((command) => helpOf(command)))
    for (const [i, help] of helps.entries()) {
      const command = now[i] as string[]
      const level = command.length === 0 ? '##' : '###'
      const title = ['millrace', ...command].join(' ')
      sections.push([`${level} ${title}`, '', '```text', help, '```', ''].join('\n'))
      waiting.push(...commandsIn(help).map((name) => [...command, name]))
    }
  }
  return `# The command line\n\n${made}\n\n${sections.join('\n')}`
}

async function helpOf(command: readonly string[]): Promise<string> {
  const args = [join(root, 'bin', 'millrace.js'), ...command, '--help']
  const { COLUMNS: _, ...env } = process.env
  const { stdout } = await runFile(process.execPath, args, { env })
  return stdout.trimEnd()
}

/** The names under `Commands:`, without `help`. */
export function commandsIn(help: string): string[] {
  const lines = help.split('\n')
  const start = lines.indexOf('Commands:')
  if (start < 0) return []
  const names: string[] = []
  for (const line of lines.slice(start + 1)) {
    if (line.trim() === '') break
    const name = /^ {2}([a-z-]+)/.exec(line)?.[1]
    if (name !== undefined && name !== 'help') names.push(name)
  }
  return names
}

/** Page → how it is made. */
export const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/reference/errors.md': errorsPage,
  'docs/reference/cli.md': cliPage,
}
