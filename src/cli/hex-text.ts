/** Bytes as people look at them: offset, sixteen in hex, and those that are printable ASCII. */

const width = 16

/** @param bytesMax of those shown; the rest is told by its size */
export function hexText(bytes: Uint8Array, bytesMax: number): string {
  const lines: string[] = []
  const shown = bytes.subarray(0, bytesMax)
  for (let at = 0; at < shown.length; at += width) {
    const row = shown.subarray(at, at + width)
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, '0'))
    const text = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? byteText(byte) : '.'))
    const left = hex.slice(0, 8).join(' ').padEnd(23)
    const right = hex.slice(8).join(' ').padEnd(23)
    lines.push(`${at.toString(16).padStart(8, '0')}  ${left}  ${right}  |${text.join('')}|`)
  }
  const rest = bytes.length - shown.length
  if (rest > 0) lines.push(`… ${rest} more bytes: --raw writes them all`)
  return lines.join('\n')
}

function byteText(byte: number): string {
  return String.fromCharCode(byte)
}
