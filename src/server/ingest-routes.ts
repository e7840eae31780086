/** The route by which records come in. */
import type { Ingest, Ingested } from './ingest.ts'
import type { CheckedHttpOptions } from './http-options.ts'
import { problemReply, topicParam } from './described.ts'
import type { ParamSpecs } from './params.ts'
import { type Reply, type Route, route } from './route.ts'

export function ingestRoutes(ingest: Ingest, options: CheckedHttpOptions): Route[] {
  return [
    route({
      method: 'POST',
      path: '/topics/{topic}',
      name: 'append',
      summary: 'Append records to a topic: all of the request, or nothing',
      params: paramsOf(options),
      body,
      replies: {
        202: {
          description: 'The records are on disk',
          content: { 'application/json': { schema: ingestedSchema } },
        },
        400: problemReply,
        401: problemReply,
        403: problemReply,
        404: problemReply,
        413: problemReply,
        415: problemReply,
        422: problemReply,
        429: problemReply,
        503: problemReply,
      },
      handle: async (params, { request, begin }) => {
        const ingested = await ingest.take({
          request,
          begin,
          topic: params.topic,
          key: params['Millrace-Key'],
          keyPointer: params.key,
          idempotencyKey: params['Idempotency-Key'],
          invalid: params.invalid === 'take' ? 'take' : 'refuse',
        })
        return ingestedReply(ingested)
      },
    }),
  ]
}

const body = {
  description: 'One value, an array of values, or one value a line',
  content: {
    'application/json': { schema: {} },
    'application/x-ndjson': { schema: { type: 'string' } },
  },
}

function paramsOf({ invalid }: CheckedHttpOptions) {
  return {
    topic: topicParam,
    key: {
      in: 'query',
      description: 'JSON pointer to the member that is the key of each record: `/device`',
      schema: { type: 'string', maxLength: 1_000 },
    },
    invalid: {
      in: 'query',
      description:
        'What becomes of records that do not fit the schema of a topic that a pipeline of ' +
        'this process reads. `take`: they are appended, and become dead letters.',
      schema: {
        type: 'string',
        maxLength: 10,
        enum: ['refuse', 'take'],
        default: invalid,
      },
    },
    'Millrace-Key': {
      in: 'header',
      description: 'The key of all records of the request: ASCII text',
      schema: { type: 'string', maxLength: 8_000, pattern: '^[\\x20-\\x7e]*$' },
    },
    'Idempotency-Key': {
      in: 'header',
      description:
        'A name for this request. Sent again with the same name, it is not written again ' +
        'and has the same answer.',
      schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
    },
  } as const satisfies ParamSpecs
}

function ingestedReply({ topic, records, runs, isRepeated }: Ingested): Reply {
  return {
    status: 202,
    body: { topic, records, appended: runs },
    ...(isRepeated ? { headers: { 'Idempotent-Replayed': 'true' } } : {}),
  }
}

const ingestedSchema = {
  type: 'object',
  required: ['topic', 'records', 'appended'],
  properties: {
    topic: { type: 'string' },
    records: { type: 'integer' },
    appended: {
      type: 'array',
      description: 'Where they lie, in order of partition and offset',
      items: {
        type: 'object',
        required: ['partition', 'first', 'count'],
        properties: {
          partition: { type: 'integer' },
          first: {
            type: ['integer', 'null'],
            description: 'Offset of the first; null where a repeated request’s records are gone',
          },
          count: { type: 'integer' },
        },
      },
    },
  },
}
