/** The records of a request with their keys, checked where the process knows their topic. */
import { messageOf } from '../core/error.ts'
import { DecodePending } from '../core/codec.ts'
import { encodeKey, type Key } from '../core/key.ts'
import { validator } from '../core/schema.ts'
import type { TopicInfo } from '../log/log.ts'
import type { TopicSpec } from '../pipeline/topic-spec.ts'
import type { RecordList } from './appends.ts'
import { issuesMax, type RecordRanges } from './record-ranges.ts'
import { type Issue, Refusal } from './refusal.ts'

export interface ListOptions {
  readonly topic: TopicInfo
  /** As a pipeline of this process declares it; null: none reads it. */
  readonly spec: TopicSpec | null
  /** The key of all records; null: none. */
  readonly key: string | null
  /** Path to the member that is the key, as RFC 6901 has it; null: none. */
  readonly keyPointer: string | null
  /** What becomes of records that do not fit the topic's schema. */
  readonly invalid: 'refuse' | 'take'
}

/**
 * Decodes and checks what has to be: nothing, where values are stored as they came and their key is
 * given.
 * @throws Refusal 400, 413, 422 with each record that is wrong
 */
export async function recordList(
  body: Buffer,
  ranges: RecordRanges,
  options: ListOptions,
): Promise<RecordList> {
  checkKeyUse(options)
  const { starts, ends } = ranges
  const { key } = options
  const value = (i: number): Buffer => body.subarray(starts[i], ends[i])
  if (!needsValues(options)) {
    checkKeyed(key !== null, options)
    const list = { count: starts.length, key: () => key, value }
    checkSizes(list, ranges, options)
    return list
  }
  const made = new Made(body, ranges, options)
  const { keys, values } = await made.all()
  const list = {
    count: starts.length,
    key: (i: number) => keys[i] as string | null,
    value: (i: number) => values?.[i] ?? value(i),
  }
  checkSizes(list, ranges, options)
  return list
}

function needsValues({ spec, keyPointer }: ListOptions): boolean {
  if (keyPointer !== null) return true
  if (spec === null) return false
  return spec.codec.name !== 'json' || spec.schema !== null || typeof spec.key === 'function'
}

function checkKeyUse({ spec, key, keyPointer, topic }: ListOptions): void {
  if (key !== null && keyPointer !== null) {
    throw new Refusal(400, 'bad-request', 'the key is given twice, as header and as parameter', {
      hint: 'leave out Millrace-Key, or ?key=',
    })
  }
  if (keyPointer !== null && keyPointer !== '' && !keyPointer.startsWith('/')) {
    throw new Refusal(400, 'bad-request', `'${keyPointer}' is no JSON pointer`, {
      hint: 'write ?key=/device for the member device',
      issues: [{ field: 'key', detail: 'a JSON pointer begins with /' }],
    })
  }
  if (typeof spec?.key === 'function' && (key !== null || keyPointer !== null)) {
    throw new Refusal(
      400,
      'bad-request',
      `the key of topic '${topic.name}' is computed from the value, as its pipeline declares it`,
      { hint: 'send no key' },
    )
  }
}

function checkKeyed(isKeyed: boolean, { topic }: ListOptions): void {
  if (isKeyed || topic.config.cleanup !== 'compact') return
  throw new Refusal(
    400,
    'bad-request',
    `each record of compacted topic '${topic.name}' has a key`,
    {
      hint: 'give it: ?key=/member or the header Millrace-Key',
    },
  )
}

function checkSizes(list: RecordList, ranges: RecordRanges, { topic }: ListOptions): void {
  const { recordBytesMax } = topic.config
  for (let i = 0; i < list.count; i++) {
    const key = list.key(i)
    const bytes = sizeOf(list.value(i)) + (key === null ? 0 : sizeOf(key))
    if (bytes <= recordBytesMax) continue
    const detail = `key and value have ${bytes} bytes; the topic takes ${recordBytesMax}`
    throw new Refusal(413, 'record-too-large', `${placeText(ranges, i)} is too large: ${detail}`, {
      issues: [{ ...ranges.place(i), detail }],
    })
  }
}

function sizeOf(part: string | Uint8Array): number {
  return typeof part === 'string' ? Buffer.byteLength(part) : part.length
}

function placeText(ranges: RecordRanges, i: number): string {
  const place = ranges.place(i)
  return 'line' in place ? `line ${place.line}` : `record ${place.record}`
}

class Made {
  readonly #body: Buffer
  readonly #ranges: RecordRanges
  readonly #options: ListOptions
  readonly #issues: Issue[] = []
  readonly #validate: ((value: unknown) => unknown) | null
  readonly #path: readonly string[] | null
  readonly keys: (string | null)[] = []
  /** As the codec writes them; null: as they came. */
  readonly values: (string | Uint8Array)[] | null

  constructor(body: Buffer, ranges: RecordRanges, options: ListOptions) {
    const { spec, keyPointer } = options
    this.#body = body
    this.#ranges = ranges
    this.#options = options
    const schema = spec?.schema ?? null
    this.#validate = schema === null ? null : validator(schema, {})
    this.#path = keyPointer === null ? null : pathOf(keyPointer)
    this.values = spec === null || spec.codec.name === 'json' ? null : []
  }

  async all(): Promise<this> {
    const { starts, ends } = this.#ranges
    for (let i = 0; i < starts.length; i++) {
      try {
        this.#take(i, starts[i] as number, ends[i] as number)
      } catch (thrown) {
        if (thrown instanceof DecodePending) {
          await thrown.ready
          i -= 1
          continue
        }
        this.#tell(i, thrown)
      }
    }
    this.#refuseIssues()
    return this
  }

  #take(i: number, start: number, end: number): void {
    const { spec, key } = this.#options
    const given: unknown = JSON.parse(this.#body.toString('utf8', start, end))
    let value = given
    let written: string | Uint8Array | null = null
    if (spec !== null && this.values !== null) {
      written = spec.codec.encode(given)
      // A step sees what is read back, and so does the schema.
      const bytes = typeof written === 'string' ? Buffer.from(written) : Buffer.from(written)
      value = spec.codec.decode(bytes, 0, bytes.length)
    }
    let found: Key | null = key
    if (this.#path !== null) found = keyAt(given, this.#path, this.#options.keyPointer ?? '')
    try {
      if (this.#validate !== null) value = this.#validate(value)
      if (typeof spec?.key === 'function') found = spec.key(value)
    } catch (thrown) {
      // Kept as it is, for the dead letters of whoever reads it.
      if (this.#options.invalid === 'refuse') throw thrown
    }
    checkKeyed(found !== null, this.#options)
    this.keys[i] = found === null ? null : encodeKey(found)
    if (written !== null && this.values !== null) this.values[i] = written
  }

  #tell(i: number, thrown: unknown): void {
    if (thrown instanceof Refusal && thrown.issues.length === 0) throw thrown
    this.keys[i] = null
    const place = this.#ranges.place(i)
    const issues = thrown instanceof Refusal ? thrown.issues : [{ detail: messageOf(thrown) }]
    for (const issue of issues) this.#issues.push({ ...place, ...issue })
    if (this.#issues.length >= issuesMax) this.#refuseIssues()
  }

  #refuseIssues(): void {
    const [first] = this.#issues
    if (first === undefined) return
    const { topic } = this.#options
    const where = first.line === undefined ? `record ${first.record}` : `line ${first.line}`
    throw new Refusal(
      422,
      'validation-failed',
      `${where} does not fit topic '${topic.name}': ${first.detail}`,
      { hint: 'mend the records; nothing of this request was written', issues: this.#issues },
    )
  }
}

/** RFC 6901: `/a~1b/0` → `a/b`, `0`. */
function pathOf(pointer: string): string[] {
  const parts = pointer.split('/').slice(1)
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function keyAt(value: unknown, path: readonly string[], pointer: string): Key {
  let at = value
  for (const part of path) {
    const isInside = typeof at === 'object' && at !== null && Object.hasOwn(at, part)
    at = isInside ? (at as Record<string, unknown>)[part] : undefined
  }
  if (typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean') return at
  const what = at === undefined ? 'is not there' : 'is no text, number or boolean'
  throw new Refusal(422, 'validation-failed', `the key ${pointer} ${what}`, {
    issues: [{ field: pointer, detail: `the key ${what}` }],
  })
}
