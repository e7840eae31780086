/** Dead and late letters as JSON: what their headers say, and the raw record. */
import type { RecordBatch } from '../log/batch.ts'
import { valueJson, type ValueForm } from './record-view.ts'
import { searchSchema } from './topic-schemas.ts'

const mark = 'millrace-'
/** Headers that are numbers. */
const numbers = new Set(['partition', 'offset', 'time', 'watermark', 'window-end', 'cut'])

export interface LetterWish {
  readonly reason: string | null
  readonly step: string | null
}

export function letterMatches(
  batch: RecordBatch,
  i: number,
  { reason, step }: LetterWish,
): boolean {
  if (reason === null && step === null) return true
  const facts = factsOf(batch, i)
  return (
    (reason === null || facts['reason'] === reason) && (step === null || facts['step'] === step)
  )
}

/** One JSON object. */
export function letterJson(batch: RecordBatch, i: number, form: ValueForm): string {
  const key = batch.key(i)
  return (
    `{"partition":${batch.partition},"offset":${batch.offset(i)},` +
    `"key":${key === null ? 'null' : JSON.stringify(key.toString('utf8'))},` +
    `${valueJson(batch.value(i), form)},"letter":${JSON.stringify(factsOf(batch, i))}}`
  )
}

/** What the headers say, under their names without the mark. */
function factsOf(batch: RecordBatch, i: number): Record<string, string | number> {
  const facts: [string, string | number][] = []
  for (const { name, value } of batch.headers(i)) {
    if (!name.startsWith(mark) || value === null) continue
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
  required: ['partition', 'offset', 'key', 'value', 'letter'],
  properties: {
    partition: { type: 'integer' },
    offset: { type: 'integer' },
    key: { type: ['string', 'null'] },
    value: {},
    form: { type: ['string', 'null'], enum: ['text', 'json', 'base64', null] },
    bytes: { type: 'integer' },
    cut: { type: 'boolean' },
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
      },
    },
  },
})
