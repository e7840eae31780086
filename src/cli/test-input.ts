/** What `millrace test` puts into the topics that a pipeline reads. */
import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { MillraceError, messageOf } from '../core/error.ts'
import { defaultTopicConfig } from '../log/log.ts'
import type { TopicSpec } from '../pipeline/node.ts'
import { generateInput, type TimeScale, valueSource } from '../testing/generate/generate-input.ts'
import { timeOf } from '../testing/generate/event-time.ts'
import { keyOf, readerOf } from '../testing/generate/records-at.ts'
import type { SimulatedRecord } from '../testing/simulate/simulation-input.ts'
import { LineSplitter } from './line-splitter.ts'

export interface TestInputOptions {
  readonly records: number
  /** Topic → file. */
  readonly input: ReadonlyMap<string, string>
  readonly scale: TimeScale
  readonly late: 'some' | 'none'
}

export interface TopicInput {
  readonly topic: string
  /** For people: where its records come from. */
  readonly from: string
  /** @param seed another one gives other records, where they are made */
  readonly records: (seed: number) => SimulatedRecord[]
}

/**
 * @param sources of all pipelines
 * @param note says what is missing, before the error
 * @throws CommanderError (exit code 2) where a topic has neither a file nor a schema that describes
 *   itself, or a file is given for a topic that is not read
 */
export function checkInputs(
  sources: readonly TopicSpec[],
  files: ReadonlyMap<string, string>,
  note: (line: string) => void,
): void {
  const names = [...new Set(sources.map(({ name }) => name))]
  const strange = [...files.keys()].find((topic) => !names.includes(topic))
  if (strange !== undefined) {
    note(`millrace: --input names '${strange}', which the pipeline does not read`)
    note(`  it reads ${names.join(', ')}`)
    throw new CommanderError(exitUsage, 'millrace.input', 'no such input')
  }
  const unknown = sources.filter((spec) => !files.has(spec.name) && valueSource(spec) === null)
  const missing = [...new Set(unknown.map(({ name }) => name))]
  if (missing.length === 0) return
  note(`millrace: nobody knows what records of '${missing.join("', '")}' look like`)
  note(
    `  give some, one value a line: ${missing.map((it) => `--input ${it}=${it}.ndjson`).join(' ')}`,
  )
  note('  or give the topic a schema that describes itself: one of zod or arktype')
  throw new CommanderError(exitUsage, 'millrace.input', 'no input')
}

/**
 * @param sources that `checkInputs` has found right
 * @throws `file-not-found` · `decode-failed`, naming the line
 */
export function testInputs(sources: readonly TopicSpec[], options: TestInputOptions): TopicInput[] {
  const seedOf = new Map(sources.map(({ name }, i) => [name, i]))
  return sources.map((spec) => {
    const { name } = spec
    const file = options.input.get(name)
    if (file !== undefined) {
      const records = recordsOfFile(spec, file)
      return { topic: name, from: file, records: () => records }
    }
    const { records, scale, late } = options
    const offset = (seedOf.get(name) ?? 0) * topicSeeds
    return {
      topic: name,
      from: valueSource(spec) === 'text' ? 'made, text' : 'made from its schema',
      records: (seed) => generateInput(spec, { records, scale, late, seed: offset + seed }),
    }
  })
}

/** Exit code of wrong usage. */
const exitUsage = 2
/** So that no two topics get the same records. */
const topicSeeds = 1_000_003

/** Records without `time` of their topic come a second apart. */
const stepMs = 1_000
const startMs = Date.UTC(2024, 0, 1)

function recordsOfFile(spec: TopicSpec, file: string): SimulatedRecord[] {
  const splitter = new LineSplitter(defaultTopicConfig.recordBytesMax)
  splitter.push(contentOf(file))
  const records: SimulatedRecord[] = []
  const read = readerOf(spec)
  const take = (line: ReturnType<LineSplitter['next']>): void => {
    if (line === null) return
    const at = { file, line: splitter.lineNumber }
    if (!Buffer.isBuffer(line)) {
      throw new MillraceError('record-too-large', `the line has ${line.bytes} bytes`, { at })
    }
    if (line.length === 0 && spec.codec.name === 'json') return
    const value = decoded(spec, line, at)
    const own = spec.time === null ? null : timeOf(value, { time: spec.time, read })
    const time = own ?? startMs + records.length * stepMs
    const key = keyOf(spec, value, read)
    records.push({ topic: spec.name, value, time, ...(key === null ? {} : { key }) })
  }
  for (let line = splitter.next(); line !== null; line = splitter.next()) take(line)
  take(splitter.end())
  return records
}

function decoded(
  { name, codec }: TopicSpec,
  line: Buffer,
  at: { readonly file: string; readonly line: number },
): unknown {
  try {
    return codec.decode(line, 0, line.length)
  } catch (thrown) {
    throw new MillraceError('decode-failed', messageOf(thrown), {
      at,
      hint: `each line must be a value as the codec ${codec.name} of topic '${name}' reads it`,
      cause: thrown,
    })
  }
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (thrown) {
    throw new MillraceError('file-not-found', `cannot read ${file}: ${messageOf(thrown)}`, {
      hint: 'write --input <topic>=<file>',
      cause: thrown,
    })
  }
}
