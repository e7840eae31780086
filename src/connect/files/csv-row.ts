/** The fields of one row of CSV: RFC 4180, and any delimiter of one character. */

const quote = '"'

/**
 * @param row without its line end
 * @returns null where the quotes are not as they must be: text behind a closing one, or none closes
 */
export function csvFields(row: string, delimiter: string): string[] | null {
  if (!row.includes(quote)) return row.split(delimiter)
  const fields: string[] = []
  for (let at = 0; ;) {
    if (row[at] !== quote) {
      const end = row.indexOf(delimiter, at)
      fields.push(end === -1 ? row.slice(at) : row.slice(at, end))
      if (end === -1) return fields
      at = end + 1
      continue
    }
    const end = closingQuote(row, at + 1)
    if (end === -1) return null
    fields.push(row.slice(at + 1, end).replaceAll('""', quote))
    if (end + 1 === row.length) return fields
    if (row[end + 1] !== delimiter) return null
    at = end + 2
  }
}

function closingQuote(row: string, from: number): number {
  for (let at = from; ;) {
    const found = row.indexOf(quote, at)
    if (found === -1 || row[found + 1] !== quote) return found
    at = found + 2
  }
}

/** A field as CSV has it: in quotes where it needs them. */
export function csvField(text: string, delimiter: string): string {
  const isPlain =
    !text.includes(delimiter) &&
    !text.includes(quote) &&
    !text.includes('\n') &&
    !text.includes('\r')
  return isPlain ? text : `"${text.replaceAll(quote, '""')}"`
}
