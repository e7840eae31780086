/** The tree as the checks see it: every text file, read once. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { lineAt, scan } from './scan.ts'
import type { Scanned } from './scan.ts'

export interface Import {
  line: number
  /** As written: './a.ts', 'node:fs', 'zod'. */
  specifier: string
  /** A file of the tree for a relative specifier, else undefined. */
  path: string | undefined
  isTypeOnly: boolean
}

export interface SourceFile {
  /** From the root, with `/`. */
  path: string
  text: string
}

/** A TypeScript or JavaScript file. */
export interface CodeFile extends SourceFile, Scanned {
  imports: Import[]
}

export interface Tree {
  files: SourceFile[]
  code: CodeFile[]
}

export interface Violation {
  path: string
  line: number
  /** What is wrong and what to do instead. */
  text: string
}

const notOurs = new Set([
  'node_modules',
  'dist',
  '.git',
  '.millrace',
  'coverage',
  'package.json.full',
])
const isText =
  /\.(?:ts|tsx|mts|js|mjs|json|md|html|css|txt|ya?ml|sh|ndjson|csv|svg)$|^(?:[^.]|\.[a-z]+rc)*$/

/** Reads the tree under `root`. */
export function readTree(root: string): Tree {
  const files: Record<string, string> = {}
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (notOurs.has(entry.name)) continue
      const path = posix.join(folder, entry.name)
      if (entry.isDirectory()) visit(path)
      else if (entry.isFile() && isText.test(entry.name))
        files[path] = readFileSync(join(root, path), 'utf8')
    }
  }
  visit('')
  return treeOf(files)
}

/** A tree out of path → text; the checker's own tests make theirs so. */
export function treeOf(texts: Record<string, string>): Tree {
  const files = Object.entries(texts)
    .map(([path, text]) => ({ path, text }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  const code = files
    .filter(({ path }) => /\.(?:ts|tsx|mts|js|mjs)$/.test(path))
    .map(({ path, text }) => {
      const scanned = scan(text)
      return { path, text, ...scanned, imports: importsOf(path, text, scanned) }
    })
  return { files, code }
}

const clause = String.raw`(?:\s*[\w*{][^'"\`;()=]*?\bfrom)?`
const fromClause = String.raw`\b(?:import|export)(\s+type\b)?${clause}\s*(?=['"])`
const dynamicImport = String.raw`\bimport\s*\(\s*(?=['"\`])`
/** How a worker's entry is named: `new URL('./writer.ts', import.meta.url)`. */
const urlOfModule = String.raw`\bnew\s+URL\s*\(\s*(?=['"])(?=[^)]*import\.meta\.url)`
const importHead = new RegExp([fromClause, dynamicImport, urlOfModule].join('|'), 'g')

function importsOf(path: string, text: string, { code }: Scanned): Import[] {
  const found: Import[] = []
  for (const match of code.matchAll(importHead)) {
    const start = match.index + match[0].length
    const quote = text[start] ?? ''
    const specifier = text.slice(start + 1, text.indexOf(quote, start + 1))
    if (specifier.includes('${')) continue
    const isUrl = match[0].startsWith('new')
    if (isUrl && !specifier.endsWith('.ts')) continue // a folder or an asset, not code
    found.push({
      line: lineAt(text, start),
      specifier,
      path: specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined,
      isTypeOnly: match[1] !== undefined,
    })
  }
  return found
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/')
}

/** Test or conformance code: what asserts. */
export function asserts(path: string): boolean {
  return isTest(path) || /\.conformance\.ts$|\/conformance\//.test(path)
}

/** One line a violation, as an editor can jump to it; empty when all is well. */
export function report(violations: readonly Violation[]): string {
  return violations.map(({ path, line, text }) => `${path}:${line}  ${text}`).join('\n')
}

/** Each match of `pattern` in a file's code (not in comments or strings), as a violation. */
export function matches(
  file: CodeFile,
  pattern: RegExp,
  text: string | ((found: string) => string),
): Violation[] {
  return [...file.code.matchAll(pattern)].map((match) => ({
    path: file.path,
    line: lineAt(file.code, match.index),
    text: typeof text === 'string' ? text : text(match[0]),
  }))
}
