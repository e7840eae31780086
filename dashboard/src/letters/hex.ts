/** Bytes as hexadecimal beside their characters. */

const perLine = 16
const bytesMax = 4_096

export function hexLines(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < Math.min(bytes.length, bytesMax); at += perLine) {
    const part = [...bytes.subarray(at, at + perLine)]
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·'))
    lines.push(
      `${at.toString(16).padStart(4, '0')}  ${hex.padEnd(perLine * 3 - 1)}  ${text.join('')}`,
    )
  }
  if (bytes.length > bytesMax) lines.push(`… ${bytes.length - bytesMax} bytes more`)
  return lines.join('\n')
}
