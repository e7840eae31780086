/** Descriptions that several routes share. */
import type { ParamSpec } from './params.ts'
import type { BodyDescription } from './route.ts'

export const topicParam = {
  in: 'path',
  description: 'Name of the topic',
  required: true,
  schema: { type: 'string', minLength: 1, maxLength: 249, pattern: '^[a-zA-Z0-9._-]+$' },
} as const satisfies ParamSpec

const problemSchema = {
  type: 'object',
  required: ['status', 'code', 'detail'],
  properties: {
    status: { type: 'integer' },
    code: { type: 'string', description: 'What programs decide by' },
    detail: { type: 'string' },
    hint: { type: 'string', description: 'What to do' },
    issues: {
      type: 'array',
      items: {
        type: 'object',
        required: ['detail'],
        properties: {
          line: { type: 'integer', description: 'Line of an NDJSON body, from 1' },
          record: { type: 'integer', description: 'Index in a JSON array, from 0' },
          field: { type: 'string' },
          detail: { type: 'string' },
        },
      },
    },
  },
}

export const problemReply: BodyDescription = {
  description: 'It was refused, and nothing was done',
  content: { 'application/problem+json': { schema: problemSchema } },
}

export function jsonReply(description: string, schema: object): BodyDescription {
  return { description, content: { 'application/json': { schema } } }
}
