/** Writes generated events to a file, as JSON lines; gzipped where its name ends with `.gz`. */
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { generate } from './generator.ts'
import type { GeneratorOptions } from './generator.ts'

/** Lines given to the file at once. */
const linesAtOnce = 1000

export async function writeEvents(path: string, options: GeneratorOptions): Promise<void> {
  const file = createWriteStream(path)
  const lines = Readable.from(chunks(options))
  if (path.endsWith('.gz')) await pipeline(lines, createGzip(), file)
  else await pipeline(lines, file)
}

function* chunks(options: GeneratorOptions): Generator<string> {
  let chunk = ''
  let count = 0
  for (const event of generate(options)) {
    chunk += `${JSON.stringify(event)}\n`
    count += 1
    if (count % linesAtOnce !== 0) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
