/**
 * A small reader of TypeScript text: it tells code from comments, strings and regular expressions,
 * so that a check for a word looks at code only. No parser: the checks need words, brackets and
 * lines, not a tree.
 */

export interface StringLiteral {
  /** 1 = the first line. */
  line: number
  /** What stands between the quotes; escapes are left as written. */
  value: string
}

export interface Scanned {
  /**
   * The text with comments, the inside of strings and of regular expressions blanked; same length,
   * same lines.
   */
  code: string
  strings: StringLiteral[]
  /** The text with everything but comments blanked. */
  comments: string
}

export function scan(text: string): Scanned {
  const scanner = new Scanner(text)
  scanner.readCode(false)
  return scanner.result()
}

/** After one of these a slash begins a regular expression; after a value it divides. */
const regexMayFollow = new RegExp(
  String.raw`(?:^|[=(,:[!&|?{};+\-*%~^<>\n]|` +
    String.raw`\b(?:return|typeof|case|in|of|do|else|void|await|yield|throw))\s*$`,
)

class Scanner {
  readonly #text: string
  readonly #code: string[]
  readonly #comments: string[]
  readonly #strings: StringLiteral[] = []
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
    this.#code = text.split('')
    this.#comments = text.split('').map((char) => (char === '\n' ? char : ' '))
  }

  result(): Scanned {
    return {
      code: this.#code.join(''),
      strings: this.#strings,
      comments: this.#comments.join(''),
    }
  }

  /** Reads up to the end, or inside a template's `${` up to its closing brace. */
  readCode(inTemplate: boolean): void {
    let depth = 0
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? ''
      const two = this.#text.slice(this.#at, this.#at + 2)
      if (two === '//' || (this.#at === 0 && two === '#!')) this.#comment('\n', 0)
      else if (two === '/*') this.#comment('*/', 2)
      else if (char === "'" || char === '"') this.#string(char)
      else if (char === '`') this.#template()
      else if (char === '/' && this.#regexMayStart()) this.#regex()
      else {
        if (char === '{') depth += 1
        if (char === '}') {
          if (inTemplate && depth === 0) return
          depth -= 1
        }
        this.#step()
      }
    }
  }

  #step(): void {
    if (this.#text[this.#at] === '\n') this.#line += 1
    this.#at += 1
  }

  #blank(): void {
    if (this.#text[this.#at] !== '\n') this.#code[this.#at] = ' '
    this.#step()
  }

  #comment(end: string, endLength: number): void {
    const found = this.#text.indexOf(end, this.#at + endLength)
    const stop = found === -1 ? this.#text.length : found + endLength
    while (this.#at < stop) {
      this.#comments[this.#at] = this.#text[this.#at] ?? ''
      this.#blank()
    }
  }

  #string(quote: string): void {
    const line = this.#line
    this.#step()
    const start = this.#at
    while (this.#at < this.#text.length && this.#text[this.#at] !== quote) {
      if (this.#text[this.#at] === '\n') break // not a string after all: never swallow a whole file
      if (this.#text[this.#at] === '\\') this.#blank()
      this.#blank()
    }
    this.#strings.push({ line, value: this.#text.slice(start, this.#at) })
    this.#step()
  }

  #template(): void {
    const line = this.#line
    this.#step()
    const start = this.#at
    while (this.#at < this.#text.length && this.#text[this.#at] !== '`') {
      if (this.#text[this.#at] === '\\') {
        this.#blank()
        this.#blank()
      } else if (this.#text.slice(this.#at, this.#at + 2) === '${') {
        this.#step()
        this.#step()
        this.readCode(true)
        this.#step()
      } else this.#blank()
    }
    this.#strings.push({ line, value: this.#text.slice(start, this.#at) })
    this.#step()
  }

  #regexMayStart(): boolean {
    const lineStart = this.#text.lastIndexOf('\n', this.#at - 1)
    const before = this.#code.slice(Math.max(0, lineStart), this.#at).join('')
    return regexMayFollow.test(before)
  }

  #regex(): void {
    this.#step()
    let inClass = false
    while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') {
      const char = this.#text[this.#at]
      if (char === '/' && !inClass) break
      if (char === '[') inClass = true
      if (char === ']') inClass = false
      if (char === '\\') this.#blank()
      this.#blank()
    }
    this.#step()
  }
}

/** The line (from 1) that a position lies in. */
export function lineAt(text: string, position: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < position; at = text.indexOf('\n', at + 1))
    line += 1
  return line
}
