/** Dead and late letters as JSON: what their headers say, and the raw record. */
import type { Mark } from '../connect/letters/letter-marks.ts'
import type { RecordBatch } from '../log/batch.ts'
import { passageBytesHeader } from '../pipeline/replay-headers.ts'
import { valueJson, type ValueForm } from './record-view.ts'
import { searchSchema } from './topic-schemas.ts'

const mark = 'millrace-'
/** Headers that are numbers. */
const numbers = new Set([
  'partition',
  'offset',
  'time',
  'watermark',
  'window-end',
  'cut',
  'attempt',
])

/** @param mark of the letter; null: it is open */
export function letterJson(
  batch: RecordBatch,
  i: number,
  { form, mark }: { readonly form: ValueForm; readonly mark: Mark | null },
): string {
  const key = batch.key(i)
  return (
    `{"partition":${batch.partition},"offset":${batch.offset(i)},` +
    `"key":${key === null ? 'null' : JSON.stringify(key.toString('utf8'))},` +
    `${valueJson(batch.value(i), form)},"state":"${mark?.state ?? 'open'}",` +
    `"settled":${settledJson(mark)},"letter":${JSON.stringify(factsOf(batch, i))}}`
  )
}

function settledJson(mark: Mark | null): string {
  return mark === null ? 'null' : JSON.stringify({ at: mark.atMs, to: mark.to })
}

/** What the headers say, under their names without the mark. */
function factsOf(batch: RecordBatch, i: number): Record<string, string | number> {
  const facts: [string, string | number][] = []
  for (const { name, value } of batch.headers(i)) {
    if (!name.startsWith(mark) || value === null || name === passageBytesHeader) continue
    const fact = name.slice(mark.length)
    const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
    const number = numbers.has(fact) ? Number(text) : Number.NaN
    facts.push([camel(fact), Number.isFinite(number) ? number : text])
  }
  return Object.fromEntries(facts)
}

function camel(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

export const letterSchema = searchSchema({
  type: 'object',
  required: ['partition', 'offset', 'key', 'value', 'state', 'settled', 'letter'],
  properties: {
    partition: { type: 'integer' },
    offset: { type: 'integer' },
    key: { type: ['string', 'null'] },
    value: {},
    form: { type: ['string', 'null'], enum: ['text', 'json', 'base64', null] },
    bytes: { type: 'integer' },
    cut: { type: 'boolean' },
    state: { type: 'string', enum: ['open', 'replayed', 'discarded'] },
    settled: {
      type: ['object', 'null'],
      description: 'When it was replayed or discarded, and where the new record is; null: open',
      properties: {
        at: { type: 'number', description: 'ms since 1970' },
        to: {
          type: ['object', 'null'],
          description: 'null: it was discarded',
          properties: {
            topic: { type: 'string' },
            partition: { type: 'integer' },
            offset: {
              type: ['integer', 'null'],
              description: 'null: not known, it is at `from` or behind it',
            },
            from: { type: 'integer' },
          },
        },
      },
    },
    letter: {
      type: 'object',
      description: 'Why and where from: reason (an error code, or `late`), step, message, …',
      properties: {
        reason: { type: 'string' },
        step: { type: 'string' },
        message: { type: 'string' },
        stack: { type: 'string' },
        topic: { type: 'string' },
        partition: { type: 'integer' },
        offset: { type: 'integer' },
        time: { type: 'number' },
        watermark: { type: 'number' },
        windowEnd: { type: 'number' },
        pipeline: { type: 'string', description: 'Who refused the record' },
        letter: { type: 'string', description: 'The letter that it was before' },
        first: { type: 'string', description: 'The very first record: `topic/partition/offset`' },
        attempt: { type: 'integer', description: 'How often it had been replayed' },
      },
    },
  },
})
