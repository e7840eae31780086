/** Routes for dead and late letters: which there are, and what is to become of them. */
import { isChosen, type LetterChoice } from '../connect/letters/letter-choice.ts'
import { LetterGroups } from '../connect/letters/letter-groups.ts'
import { scanLetters } from '../connect/letters/letter-scan.ts'
import { letterAt } from '../connect/letters/letter.ts'
import { settleLetters } from '../connect/letters/settle-letters.ts'
import type { Clock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import type { Log } from '../log/log.ts'
import { deadTopic, lateTopic } from '../pipeline/letter-topic.ts'
import { jsonReply, problemReply, topicParam } from './described.ts'
import { LetterStates } from './letter-states.ts'
import { letterJson, letterSchema } from './letter-view.ts'
import type { ParamSpec } from './params.ts'
import type { ValueForm } from './record-view.ts'
import { Refusal } from './refusal.ts'
import { type Reply, type Route, route } from './route.ts'
import {
  lastParam,
  limitParam,
  offsetParam,
  partitionParam,
  readReply,
  timeOf,
  timeParam,
  valuesParam,
} from './topic-routes.ts'

/** What a choice is made of; `time` and `offset` are for each route to say. */
const choiceParams = {
  topic: topicParam,
  kind: {
    in: 'query',
    description: 'What was refused, or what came too late',
    schema: { type: 'string', maxLength: 4, enum: ['dead', 'late'], default: 'dead' },
  },
  reason: {
    in: 'query',
    description: 'Only those with this error code',
    schema: { type: 'string', maxLength: 100 },
  },
  step: {
    in: 'query',
    description: 'Only those of this step',
    schema: { type: 'string', maxLength: 1_000 },
  },
  pipeline: {
    in: 'query',
    description: 'Only those of this pipeline',
    schema: { type: 'string', maxLength: 300 },
  },
  key: {
    in: 'query',
    description: 'Only those with this key, as text',
    schema: { type: 'string', maxLength: 8_000 },
  },
  until: {
    in: 'query',
    description: 'Only records before this time: ms since 1970, or ISO 8601',
    schema: { type: 'string', maxLength: 40 },
  },
  partition: partitionParam,
} as const satisfies Record<string, ParamSpec>

const stateParam = {
  in: 'query',
  description: 'Only those that are open, replayed or discarded. Default: all',
  schema: { type: 'string', maxLength: 9, enum: ['open', 'replayed', 'discarded'] },
} as const satisfies ParamSpec
const sinceParam = {
  in: 'query',
  description: 'Only records of this time or later: ms since 1970, or ISO 8601',
  schema: { type: 'string', maxLength: 40 },
} as const satisfies ParamSpec

/** Letters looked at for one answer with counts. */
const countedMax = 200_000

export function letterRoutes(log: Log, clock: Clock): Route[] {
  const states = new LetterStates(log, clock)
  return [
    readRoute(log, clock, states),
    groupsRoute(log, clock, states),
    settleRoute(log, clock, {
      action: 'replay',
      summary:
        'Replay letters: their records are appended again, each once however often this is asked',
    }),
    settleRoute(log, clock, {
      action: 'discard',
      summary: 'Mark letters as done, without replaying them',
    }),
  ]
}

function readRoute(log: Log, clock: Clock, states: LetterStates): Route {
  return route({
    method: 'GET',
    path: '/topics/{topic}/letters',
    name: 'readLetters',
    summary: 'Records of a topic that steps refused: why, where, and their raw bytes',
    params: {
      ...choiceParams,
      state: stateParam,
      offset: offsetParam,
      time: timeParam,
      last: lastParam,
      limit: limitParam,
      values: valuesParam,
    },
    replies: { 200: jsonReply('The letters', letterSchema), 400: problemReply, 404: problemReply },
    handle: async (params) => {
      const info = await log.describeTopic(lettersTopic(params))
      const marks = await states.of(info.name)
      const form = params.values as ValueForm
      const choice = {
        ...choiceOf(params),
        state: params.state as LetterChoice['state'],
        // Where to begin, for the search.
        offset: null,
        sinceMs: null,
      }
      return await readReply(log, clock, info, {
        begin: params,
        limit: params.limit,
        isWanted: (batch, i) => {
          const letter = letterAt(batch, i)
          return isChosen(letter, marks.stateOf(letter), choice)
        },
        write: (batch, i) => letterJson(batch, i, { form, mark: marks.of(letterAt(batch, i)) }),
      })
    },
  })
}

function groupsRoute(log: Log, clock: Clock, states: LetterStates): Route {
  return route({
    method: 'GET',
    path: '/topics/{topic}/letters/groups',
    name: 'countLetters',
    summary: 'Letters counted by reason, step and pipeline',
    params: { ...choiceParams, state: stateParam, time: sinceParam },
    replies: { 200: jsonReply('The counts', groupsSchema), 400: problemReply, 404: problemReply },
    handle: async (params) => {
      const info = await log.describeTopic(lettersTopic(params))
      const marks = await states.of(info.name)
      const wanted = params.state as LetterChoice['state']
      const choice = choiceOf({ ...params, offset: null })
      const groups = new LetterGroups()
      let lookedAt = 0
      let isComplete = true
      for await (const letter of scanLetters({ log, clock }, info, choice)) {
        lookedAt += 1
        isComplete = lookedAt <= countedMax
        if (!isComplete) break
        const state = marks.stateOf(letter)
        if (!isChosen(letter, state, choice)) continue
        groups.add(letter, state, wanted === null || wanted === state)
      }
      const { counts, all } = groups
      return { status: 200, body: { letters: info.name, counts, groups: all, isComplete } }
    },
  })
}

function settleRoute(
  log: Log,
  clock: Clock,
  { action, summary }: { readonly action: 'replay' | 'discard'; readonly summary: string },
): Route {
  return route({
    method: 'POST',
    path: `/topics/{topic}/letters/${action}`,
    name: `${action}Letters`,
    summary,
    params: {
      ...choiceParams,
      time: sinceParam,
      offset: { ...offsetParam, description: 'Only the letter at this offset of `partition`' },
      limit: {
        in: 'query',
        description: 'Letters at most; the answer says whether some are left',
        schema: { type: 'integer', minimum: 1, maximum: 10_000, default: 1_000 },
      },
      results: {
        in: 'query',
        description:
          'What becomes of a letter that holds a result. `skip`: nothing. `input`: the record ' +
          'behind it goes through all steps again',
        schema: { type: 'string', maxLength: 5, enum: ['skip', 'input'], default: 'skip' },
      },
    },
    replies: {
      200: jsonReply('What was done', settledSchema),
      400: problemReply,
      404: problemReply,
    },
    handle: async (params): Promise<Reply> => {
      if (params.offset !== null && params.partition === null) {
        throw new Refusal(
          400,
          'bad-request',
          'an offset is one of a partition: give partition, too',
        )
      }
      const letters = lettersTopic(params)
      const { settled, already, skipped, topics, pipelines, isComplete } = await settleLetters({
        log,
        clock,
        random: systemRandom,
        letters,
        action,
        choice: choiceOf(params),
        limit: params.limit,
        takesInputs: params.results === 'input',
      })
      const body = { letters, action, settled, already, skipped, topics, pipelines, isComplete }
      return { status: 200, body }
    },
  })
}

function lettersTopic({ topic, kind }: { readonly topic: string; readonly kind: string }): string {
  return kind === 'late' ? lateTopic(topic) : deadTopic(topic)
}

interface Given {
  readonly reason: string | null
  readonly step: string | null
  readonly pipeline: string | null
  readonly key: string | null
  readonly partition: number | null
  readonly offset: number | null
  readonly time: string | null
  readonly until: string | null
}

function choiceOf(given: Given): LetterChoice {
  const { reason, step, pipeline, key, partition, offset, time, until } = given
  return {
    reason,
    step,
    pipeline,
    key,
    partition,
    offset,
    sinceMs: time === null ? null : timeOf(time, 'time'),
    untilMs: until === null ? null : timeOf(until, 'until'),
    state: null,
  }
}

const countSchema = { type: 'integer' }
const namesSchema = { type: 'array', items: { type: ['string', 'null'] } }
const groupsSchema = {
  type: 'object',
  required: ['letters', 'counts', 'groups', 'isComplete'],
  properties: {
    letters: { type: 'string', description: 'The letters’ topic' },
    counts: {
      type: 'object',
      description: 'All that are chosen, by state',
      properties: { open: countSchema, replayed: countSchema, discarded: countSchema },
    },
    groups: {
      type: 'array',
      description: 'Those of the wanted state, the largest group first',
      items: {
        type: 'object',
        required: ['reason', 'step', 'pipeline', 'count', 'firstMs', 'lastMs', 'message'],
        properties: {
          reason: { type: 'string' },
          step: { type: 'string' },
          pipeline: { type: ['string', 'null'] },
          count: countSchema,
          firstMs: { type: 'number', description: 'Time of the first record, ms since 1970' },
          lastMs: { type: 'number' },
          message: { type: 'string', description: 'Of the last record' },
        },
      },
    },
    isComplete: { type: 'boolean', description: 'All letters were looked at' },
  },
}
const settledSchema = {
  type: 'object',
  required: ['letters', 'action', 'settled', 'already', 'skipped', 'isComplete'],
  properties: {
    letters: { type: 'string', description: 'The letters’ topic' },
    action: { type: 'string', enum: ['replay', 'discard'] },
    settled: { type: 'integer', description: 'Letters replayed, or discarded, by this request' },
    already: { type: 'integer', description: 'Chosen, but replayed or discarded before' },
    skipped: {
      type: 'object',
      description: 'Chosen and still open, by why',
      properties: {
        result: { ...countSchema, description: 'They hold a result: `results=input` replays them' },
        'no-record': { ...countSchema, description: 'No record alone is behind them' },
        gone: { ...countSchema, description: 'The record or its topic is not there any more' },
        'too-large': { ...countSchema, description: 'With its headers too large for its topic' },
      },
    },
    topics: { ...namesSchema, description: 'Where records were appended' },
    pipelines: { ...namesSchema, description: 'For whom; null: for all that read the topic' },
    isComplete: { type: 'boolean', description: 'No letter is left that could be taken' },
  },
}
