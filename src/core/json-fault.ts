/**
 * Where a text stops being JSON (RFC 8259). Only for messages: V8's own do not always tell the
 * position.
 */

const plainNumber = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const isHex = /^[\da-fA-F]$/

/**
 * Walks the text once, without recursion, so that depth and size are bounded by the text alone.
 * @returns index of the first character that cannot be there; the text's length where it ends too
 * early or nothing is wrong
 */
export function jsonFaultAt(text: string): number {
  const open: ('{' | '[')[] = []
  let at = 0
  let expect: 'value' | 'first-value' | 'key' | 'first-key' | 'colon' | 'next' = 'value'
  for (;;) {
    at = afterSpace(text, at)
    if (at >= text.length) return text.length
    const char = text[at] as string
    if (expect === 'colon') {
      if (char !== ':') return at
      at += 1
      expect = 'value'
    } else if (expect === 'next') {
      const inside = open.at(-1)
      if (inside === undefined) return at
      if (char === ',') expect = inside === '{' ? 'key' : 'value'
      else if (char === (inside === '{' ? '}' : ']')) open.pop()
      else return at
      at += 1
    } else if (expect === 'first-key' && char === '}') {
      open.pop()
      at += 1
      expect = 'next'
    } else if (expect === 'key' || expect === 'first-key') {
      if (char !== '"') return at
      const end = afterString(text, at)
      if (end.fault) return end.at
      at = end.at
      expect = 'colon'
    } else if (expect === 'first-value' && char === ']') {
      open.pop()
      at += 1
      expect = 'next'
    } else if (char === '{' || char === '[') {
      open.push(char)
      at += 1
      expect = char === '{' ? 'first-key' : 'first-value'
    } else {
      const end = afterScalar(text, at)
      if (end.fault) return end.at
      at = end.at
      expect = 'next'
    }
  }
}

interface End {
  readonly at: number
  readonly fault: boolean
}

function afterSpace(text: string, start: number): number {
  let at = start
  while (at < text.length && ' \t\n\r'.includes(text[at] as string)) at += 1
  return at
}

function afterScalar(text: string, start: number): End {
  if (text[start] === '"') return afterString(text, start)
  for (const word of ['true', 'false', 'null']) {
    if (text[start] !== word[0]) continue
    let same = 1
    while (same < word.length && text[start + same] === word[same]) same += 1
    return { at: start + same, fault: same < word.length }
  }
  plainNumber.lastIndex = start
  const number = plainNumber.exec(text)
  if (number === null) return { at: text[start] === '-' ? start + 1 : start, fault: true }
  return { at: start + number[0].length, fault: false }
}

function afterString(text: string, start: number): End {
  let at = start + 1
  while (at < text.length) {
    const char = text[at] as string
    if (char === '"') return { at: at + 1, fault: false }
    if (char < ' ') return { at, fault: true }
    if (char !== '\\') {
      at += 1
      continue
    }
    const escape = text[at + 1] ?? ''
    if (escape === 'u') {
      for (let i = at + 2; i < at + 6; i++) {
        if (!isHex.test(text[i] ?? '')) return { at: i, fault: true }
      }
      at += 6
    } else if (escape !== '' && '"\\/bfnrt'.includes(escape)) at += 2
    else return { at: at + 1, fault: true }
  }
  return { at: text.length, fault: true }
}
