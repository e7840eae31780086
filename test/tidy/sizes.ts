/**
 * Sizes: small enough to be read in one go. What is larger stands in allowances.json, with its
 * number.
 */
import { asserts } from './tree.ts'
import type { CodeFile, SourceFile, Tree, Violation } from './tree.ts'

export const fileLinesMax = 300
export const testLinesMax = 500
export const functionLinesMax = 60
export const columnsMax = 100

/**
 * File → code lines it may have, `file#name` → lines of that function. The number is exact: a
 * larger size fails, and so does a smaller one ("lower it"), so that an allowance only shrinks.
 */
export type Allowances = Readonly<Record<string, number>>

export function checkSizes(tree: Tree, allowances: Allowances): Violation[] {
  const sizes = new Map<string, { size: number; limit: number; at: Violation }>()
  for (const file of tree.code) {
    const lines = codeLines(file.code)
    const limit = asserts(file.path) ? testLinesMax : fileLinesMax
    const text = `has ${lines} lines of code, more than ${limit}: split it by concept`
    sizes.set(file.path, { size: lines, limit, at: { path: file.path, line: 1, text } })
    if (!file.path.startsWith('src/') || asserts(file.path)) continue
    for (const { name, line, size } of functionsOf(file)) {
      const long = `${name} has ${size} lines, more than ${functionLinesMax}: take its leaves out`
      const at = { path: file.path, line, text: long }
      const key = `${file.path}#${name}`
      if ((sizes.get(key)?.size ?? 0) < size) sizes.set(key, { size, limit: functionLinesMax, at })
    }
  }
  const found: Violation[] = []
  for (const [key, { size, limit, at }] of sizes) {
    const allowed = allowances[key]
    if (allowed === undefined) {
      if (size > limit) found.push(at)
    } else if (size > allowed) {
      found.push({ ...at, text: `${at.text} (${allowed} are allowed by allowances.json)` })
    }
  }
  return [...found, ...staleAllowances(sizes, allowances)]
}

function staleAllowances(
  sizes: ReadonlyMap<string, { size: number; limit: number }>,
  allowances: Allowances,
): Violation[] {
  return Object.entries(allowances).flatMap(([key, allowed]) => {
    const found = sizes.get(key)
    const at = { path: 'test/tidy/allowances.json', line: 1 }
    if (found === undefined)
      return [{ ...at, text: `allows ${key}, which does not exist: remove it` }]
    if (found.size <= found.limit) {
      return [{ ...at, text: `allows ${key}, which is within ${found.limit} now: remove it` }]
    }
    return found.size < allowed ? [{ ...at, text: `${key}: lower it to ${found.size}` }] : []
  })
}

/**
 * Lines that hold code; blank lines and comments are free, so that nobody deletes a reason to fit.
 */
export function codeLines(code: string): number {
  return code.split('\n').filter((line) => line.trim() !== '').length
}

export function checkColumns(tree: Tree): Violation[] {
  return tree.code.flatMap((file: SourceFile) =>
    file.text.split('\n').flatMap((line, index) =>
      line.length <= columnsMax
        ? []
        : [
            {
              path: file.path,
              line: index + 1,
              text: `has ${line.length} columns: run oxfmt, break comments and texts by hand`,
            },
          ],
    ),
  )
}

export interface FunctionSize {
  name: string
  /** Line of the body's opening brace. */
  line: number
  /** Lines of code from the head to the closing brace. */
  size: number
}

const notAFunction = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'await'])

/** Every function, method and arrow function with a block body, found by its brackets. */
export function functionsOf(file: Pick<CodeFile, 'code'>): FunctionSize[] {
  const { code } = file
  const closers = bracketPairs(code)
  const found: FunctionSize[] = []
  const lines = code.split('\n')
  const lineOf = lineTable(code)
  for (const [open, close] of closers) {
    if (code[open] !== '(') continue
    const head = /([#\w$]+)\s*(?:<[^()]*>)?\s*$/.exec(code.slice(Math.max(0, open - 200), open))
    if (head?.[1] !== undefined && notAFunction.has(head[1])) continue
    const body = bodyAfter(code, close + 1, closers)
    if (body === undefined) continue
    const first = lineOf(open)
    const last = lineOf(closers.get(body) ?? body)
    const size = codeLines(lines.slice(first - 1, last).join('\n'))
    found.push({ name: nameOf(code, open, head?.[1]), line: first, size })
  }
  return found
}

function nameOf(code: string, open: number, word: string | undefined): string {
  if (word !== undefined && word !== 'function' && word !== 'async') return word
  const before = code.slice(Math.max(0, open - 200), open)
  return (
    /([#\w$]+)\s*(?::[^=;{}]*)?[=:]\s*(?:async\s*)?(?:function\s*)?$/.exec(before)?.[1] ??
    '(callback)'
  )
}

/**
 * The `{` of a body behind a parameter list, past a return type and `=>`; undefined where there is
 * none.
 */
function bodyAfter(
  code: string,
  start: number,
  closers: ReadonlyMap<number, number>,
): number | undefined {
  let at = start
  let inType = false
  let wantsOperand = false // after `:` or `|` a brace opens a type, not the body
  for (; at < code.length; at += 1) {
    const char = code[at] ?? ''
    if (
      char === '\n' &&
      inType &&
      !wantsOperand &&
      /^\s*[^\s{|&=]/.test(code.slice(at + 1, at + 80))
    )
      return undefined
    if (/\s/.test(char)) continue
    if (code.startsWith('=>', at)) {
      if (inType && /^=>\s*[^{\s]/.test(code.slice(at, at + 40))) return undefined
      at += 1
      inType = false
      if (!/^\s*\{/.test(code.slice(at + 1))) return undefined
    } else if (char === ':' && !inType) {
      inType = true
      wantsOperand = true
    } else if (char === '{' && wantsOperand) {
      at = closers.get(at) ?? at
      wantsOperand = false
    } else if (char === '{') return at
    else if (!inType || /[;=,)\]}]/.test(char)) return undefined
    else if (char === '|' || char === '&') wantsOperand = true
    else {
      wantsOperand = false
      if (char === '(' || char === '[') at = closers.get(at) ?? at
      if (char === '<') at = angleEnd(code, at)
    }
  }
  return undefined
}

/** The `>` that closes the `<` at `start`; arrows inside do not count. */
function angleEnd(code: string, start: number): number {
  let depth = 0
  for (let at = start; at < code.length; at += 1) {
    if (code[at] === '<') depth += 1
    else if (code[at] === '>' && code[at - 1] !== '=') {
      depth -= 1
      if (depth === 0) return at
    } else if (code[at] === ';') break
  }
  return start
}

/** Opening position → closing position of round, square and curly brackets. */
function bracketPairs(code: string): Map<number, number> {
  const pairs = new Map<number, number>()
  const open: number[] = []
  for (let at = 0; at < code.length; at += 1) {
    const char = code[at] ?? ''
    if ('([{'.includes(char)) open.push(at)
    else if (')]}'.includes(char)) {
      const from = open.pop()
      if (from !== undefined) pairs.set(from, at)
    }
  }
  return pairs
}

function lineTable(code: string): (position: number) => number {
  const starts = [0]
  for (let at = code.indexOf('\n'); at !== -1; at = code.indexOf('\n', at + 1)) starts.push(at + 1)
  return (position) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= position) low = middle
      else high = middle
    }
    return low + 1
  }
}
