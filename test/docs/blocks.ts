/** What stands in the documentation and can be run: fenced blocks, examples of doc comments. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

export interface Block {
  /** From the root, with `/`. */
  readonly path: string
  /** Line of the first line of `text`, from 1. */
  readonly line: number
  /** The word behind the fence: ts, sh, text, mermaid … */
  readonly language: string
  readonly text: string
  /** What `<!-- docs: … -->` on the line above says; empty without. */
  readonly directive: string
  /** The heading of the second level above the block; empty before the first. */
  readonly section: string
}

/** README.md and all of docs/. */
export function documents(): string[] {
  const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  const pages = inDocs.map((name) => `docs/${name.replaceAll('\\', '/')}`).toSorted()
  return ['README.md', ...pages.filter((path) => path.endsWith('.md'))]
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** The fenced blocks of a Markdown text, in order. @throws Error for a fence that is not closed */
export function blocksOf(path: string, text: string): Block[] {
  const blocks: Block[] = []
  let section = ''
  let directive = ''
  let open: { line: number; language: string; lines: string[] } | null = null
  for (const [index, line] of text.split('\n').entries()) {
    if (open !== null) {
      if (line.trimEnd() === '```') {
        const { lines, ...place } = open
        blocks.push({ path, ...place, text: lines.join('\n'), directive, section })
        open = null
        directive = ''
      } else open.lines.push(line)
      continue
    }
    const fence = /^```(\w*)\s*$/.exec(line)
    if (fence !== null) {
      open = { line: index + 2, language: fence[1] ?? '', lines: [] }
      continue
    }
    if (line.startsWith('## ')) section = line.slice(3).trim()
    const found = /^<!-- docs: (.*) -->$/.exec(line.trim())
    if (found !== null) directive = found[1] ?? ''
    else if (line.trim() !== '') directive = ''
  }
  if (open !== null) throw new Error(`${path}:${open.line - 1}: a fence is not closed`)
  return blocks
}

/** The `@example`s of the doc comments of a source file, without the comment's stars. */
export function examplesOf(path: string, text: string): Block[] {
  const blocks: Block[] = []
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    if (!/^\s*\* @example\s*$/.test(line)) continue
    const body: string[] = []
    for (const next of lines.slice(index + 1)) {
      const inside = /^\s*\*(?!\/) ?(.*)$/.exec(next)
      if (inside === null || /^@\w/.test(inside[1] ?? '')) break
      body.push(inside[1] ?? '')
    }
    blocks.push({
      path,
      line: index + 2,
      language: 'ts',
      text: body.join('\n'),
      directive: '',
      section: '',
    })
  }
  return blocks
}

/** Every source file that is no test. */
export function sources(): string[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => `src/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .toSorted()
}
