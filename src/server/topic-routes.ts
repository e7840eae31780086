/** Routes that show topics and their records. */
import type { Clock } from '../core/clock.ts'
import { offsetOfLast } from '../log/last-records.ts'
import type { GroupOffset, Log, TopicInfo } from '../log/log.ts'
import { partitionOfText } from '../log/partitioner.ts'
import { jsonReply, problemReply, topicParam } from './described.ts'
import type { ParamSpec } from './params.ts'
import { search, type Search } from './record-search.ts'
import { recordJson, type ValueForm } from './record-view.ts'
import { Refusal } from './refusal.ts'
import { type Reply, type Route, route } from './route.ts'
import { recordsSchema, topicSchema } from './topic-schemas.ts'
import { topicJson } from './topic-view.ts'

/** Partitions looked through together: each has a batch in memory. */
const partitionsMax = 64
/** Of one answer. */
const replyBytesMax = 4 * 1_048_576

export const limitParam = {
  in: 'query',
  description: 'Records at most',
  schema: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
} as const satisfies ParamSpec
const offset = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const
export const partitionParam = {
  in: 'query',
  description: 'Only this partition. Default: all',
  schema: { type: 'integer', minimum: 0, maximum: 1_023 },
} as const satisfies ParamSpec
export const offsetParam = {
  in: 'query',
  description: 'Begin at this offset of `partition`',
  schema: offset,
} as const satisfies ParamSpec
export const timeParam = {
  in: 'query',
  description: 'Begin at the first record of this time or later: ms since 1970, or ISO 8601',
  schema: { type: 'string', maxLength: 40 },
} as const satisfies ParamSpec
export const lastParam = {
  in: 'query',
  description: 'Begin with the last so many records of each partition',
  schema: { type: 'integer', minimum: 1, maximum: 1_000 },
} as const satisfies ParamSpec
export const valuesParam = {
  in: 'query',
  description:
    'How values are written: as text (base64 where they are no UTF-8), as JSON where they are ' +
    'JSON, or as base64',
  schema: { type: 'string', maxLength: 6, enum: ['text', 'json', 'base64'], default: 'text' },
} as const satisfies ParamSpec

export function topicRoutes(log: Log, clock: Clock): Route[] {
  return [
    route({
      method: 'GET',
      path: '/topics',
      name: 'listTopics',
      summary: 'All topics, in order of name',
      params: {},
      replies: {
        200: jsonReply('The topics', {
          type: 'object',
          required: ['topics'],
          properties: { topics: { type: 'array', items: topicSchema } },
        }),
      },
      handle: async () => ({
        status: 200,
        body: { topics: (await log.listTopics()).map(topicJson) },
      }),
    }),
    route({
      method: 'GET',
      path: '/topics/{topic}',
      name: 'describeTopic',
      summary: 'A topic: its settings, its partitions with their offsets',
      params: { topic: topicParam },
      replies: { 200: jsonReply('The topic', topicSchema), 404: problemReply },
      handle: async ({ topic }) => ({
        status: 200,
        body: topicJson(await log.describeTopic(topic)),
      }),
    }),
    recordsRoute(log, clock),
  ]
}

function recordsRoute(log: Log, clock: Clock): Route {
  return route({
    method: 'GET',
    path: '/topics/{topic}/records',
    name: 'readRecords',
    summary: 'Records of a topic, in order of time as far as the partitions’ order allows',
    params: {
      topic: topicParam,
      partition: partitionParam,
      offset: offsetParam,
      time: timeParam,
      last: lastParam,
      key: {
        in: 'query',
        description:
          'Only records with this key, as text; looked for in the partition where it belongs, ' +
          'unless `partition` says another',
        schema: { type: 'string', maxLength: 8_000 },
      },
      limit: limitParam,
      values: valuesParam,
    },
    replies: { 200: jsonReply('The records', recordsSchema), 400: problemReply, 404: problemReply },
    handle: async (params) => {
      const info = await log.describeTopic(params.topic)
      const { key } = params
      const partition =
        key !== null && params.partition === null
          ? partitionOfText(key, info.config.partitions)
          : params.partition
      const bytes = key === null ? null : Buffer.from(key)
      const form = params.values as ValueForm
      return await readReply(log, clock, info, {
        begin: { ...params, partition },
        limit: params.limit,
        isWanted: (batch, i) => bytes === null || batch.key(i)?.equals(bytes) === true,
        write: (batch, i) => recordJson(batch, i, form),
      })
    },
  })
}

interface Begin {
  readonly partition: number | null
  readonly offset: number | null
  readonly time: string | null
  readonly last: number | null
}

interface ReadWish extends Pick<Search, 'limit' | 'isWanted'> {
  readonly begin: Begin
  write(...record: Parameters<Search['isWanted']>): string
}

/** A page of what a topic has. */
export async function readReply(
  log: Log,
  clock: Clock,
  info: TopicInfo,
  { begin, limit, isWanted, write }: ReadWish,
): Promise<Reply> {
  const inputs = await startOf(log, info, begin)
  const records: string[] = []
  const end = await search(log, clock, {
    inputs,
    limit,
    bytesMax: replyBytesMax,
    isWanted,
    take: (batch, i) => {
      const text = write(batch, i)
      records.push(text)
      return text.length
    },
  })
  const next = end.next.map(({ partition, offset: at }) => ({ partition, offset: at }))
  const head = `{"topic":${JSON.stringify(info.name)},"isComplete":${end.isComplete},`
  return {
    status: 200,
    contentType: 'application/json; charset=utf-8',
    body: `${head}"next":${JSON.stringify(next)},"records":[${records.join(',')}]}\n`,
  }
}

async function startOf(
  log: Log,
  info: TopicInfo,
  { partition, offset: given, time, last }: Begin,
): Promise<(GroupOffset & { endOffset: number })[]> {
  const places = [given, time, last].filter((one) => one !== null)
  if (places.length > 1) {
    throw new Refusal(400, 'bad-request', 'give one of offset, time and last')
  }
  if (given !== null && partition === null) {
    throw new Refusal(400, 'bad-request', 'an offset is one of a partition: give partition, too', {
      issues: [{ field: 'partition', detail: 'it is missing' }],
    })
  }
  const wanted = info.partitions.filter((one) => partition === null || one.partition === partition)
  if (wanted.length === 0) {
    throw new Refusal(
      404,
      'unknown-partition',
      `topic '${info.name}' has no partition ${partition}`,
    )
  }
  if (wanted.length > partitionsMax) {
    throw new Refusal(400, 'bad-request', `topic '${info.name}' has ${wanted.length} partitions`, {
      hint: `give partition: more than ${partitionsMax} are not looked through at once`,
    })
  }
  const timeMs = time === null ? null : timeOf(time, 'time')
  return await Promise.all(
    wanted.map(async ({ partition: number, startOffset, endOffset }) => {
      const place = { topic: info.name, partition: number }
      const from =
        timeMs !== null
          ? await log.offsetAtTime(info.name, number, timeMs)
          : last !== null
            ? await offsetOfLast(log, place, { startOffset, endOffset }, last)
            : (given ?? startOffset)
      // Beyond the end there is nothing, which is no fault.
      return { ...place, offset: Math.min(Math.max(from, startOffset), endOffset), endOffset }
    }),
  )
}

/** @param field for the refusal */
export function timeOf(text: string, field: string): number {
  const ms = /^-?\d{1,16}$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isFinite(ms)) return ms
  throw new Refusal(400, 'bad-request', `${field}: '${text}' is no time`, {
    issues: [{ field, detail: 'write ms since 1970, or 2024-05-06T07:08:09Z' }],
  })
}
