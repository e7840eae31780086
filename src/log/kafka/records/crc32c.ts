/** CRC-32C, of Kafka's record batches: native where it is installed, else the library's. */
import { createRequire } from 'node:module'
import { crc32c as portable } from '../wire/library-parts.ts'

type Checksum = (bytes: Buffer) => number

export const crc32c: Checksum = native() ?? ((bytes) => portable(bytes))

function native(): Checksum | null {
  try {
    const { crc32c: sum } = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c: Checksum }
    return (bytes) => sum(bytes)
  } catch {
    return null // an optional package
  }
}
