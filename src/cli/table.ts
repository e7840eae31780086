/** A plain table: columns two spaces apart, numbers to the right, no lines, no colours. */

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** @returns the table with a newline at its end; only the titles where there are no rows */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => row.map(printable))]
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => textWidth(line[i] ?? ''))))
  return lines
    .map((line) => {
      const cells = columns.map(({ align }, i) => {
        const text = line[i] ?? ''
        const fill = ' '.repeat((widths[i] as number) - textWidth(text))
        return align === 'right' ? fill + text : text + fill
      })
      return `${cells.join('  ').trimEnd()}\n`
    })
    .join('')
}

/** Control characters must not reach the terminal from a name or a value. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\u{fffd}')
}

/** Emoji, and what Unicode's East Asian Width calls wide or full-width, in its blocks. */
const wide = new RegExp(
  '\\p{Emoji_Presentation}|[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\uac00-\\ud7a3' +
    '\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6\\u{20000}-\\u{3fffd}]',
  'u',
)
const withoutWidth = /\p{Mark}|\p{Format}/u

/** Columns a text takes on a terminal: wide characters two, combining marks none. */
export function textWidth(text: string): number {
  let width = 0
  for (const character of text) {
    if (withoutWidth.test(character)) continue
    width += wide.test(character) ? 2 : 1
  }
  return width
}
