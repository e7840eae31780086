/** `GET /steps`: what each step does, and one step looked at closely. */
import type { Clock } from '../core/clock.ts'
import { jsonReply, problemReply } from './described.ts'
import { Refusal } from './refusal.ts'
import { type Route, route } from './route.ts'
import type { Served } from './served.ts'
import { edgesOf, lookJson, stepsJson } from './steps-view.ts'

/** For so long after somebody has asked for a step, its last records are kept. */
const lookMs = 10_000
/** Steps that are looked at together. */
const looksMax = 16

const name = { type: 'string', minLength: 1, maxLength: 1_000 } as const

export function stepsRoute(served: Served): Route {
  const looks = new Looks(served)
  return route({
    method: 'GET',
    path: '/steps',
    name: 'steps',
    summary: 'What the steps of this process do: records, times, state; and one of them closely',
    params: {
      pipeline: { in: 'query', description: 'With `step`: its pipeline', schema: name },
      step: {
        in: 'query',
        description: 'Also the last records of this step, from the first time on, and its windows',
        schema: name,
      },
    },
    replies: { 200: jsonReply('The figures', stepsSchema), 400: problemReply },
    handle: ({ pipeline, step }) => {
      if ((pipeline === null) !== (step === null)) {
        throw new Refusal(400, 'bad-request', 'give pipeline and step, or none of them')
      }
      const tasks = served.run()?.steps() ?? []
      const only = step === null || pipeline === null ? null : { pipeline, step }
      const body = {
        atMs: served.clock.now(),
        steps: stepsJson(tasks).filter((one) => {
          return only === null || (one.step === only.step && one.pipeline === only.pipeline)
        }),
        edges: edgesOf(tasks).filter((one) => {
          return only === null || only.step === one.from || only.step === one.to
        }),
        look: only === null ? null : lookJson(looks.at(only.pipeline, only.step)),
      }
      return { status: 200, body }
    },
  })
}

/** Which steps somebody looks at: it ends by itself when nobody asks any more. */
class Looks {
  readonly #served: Served
  readonly #clock: Clock
  /** Step → what ends the wait for the next question. */
  readonly #ends = new Map<string, () => void>()

  constructor(served: Served) {
    this.#served = served
    this.#clock = served.clock
  }

  /** @throws Refusal 429 */
  at(pipeline: string, step: string) {
    const run = this.#served.run()
    if (run === null) return []
    const looked = JSON.stringify([pipeline, step])
    if (!this.#ends.has(looked) && this.#ends.size >= looksMax) {
      throw new Refusal(429, 'too-many-requests', `${looksMax} steps are looked at already`, {
        headers: { 'Retry-After': String(lookMs / 1_000) },
      })
    }
    const found = run.lookAt(pipeline, step)
    if (found.length === 0) return found
    this.#ends.get(looked)?.()
    this.#ends.set(
      looked,
      this.#clock.after(lookMs, () => {
        this.#ends.delete(looked)
        run.lookAway(pipeline, step)
      }),
    )
    return found
  }
}

const text = { type: 'string' }
const whole = { type: 'integer' }
const ns = { type: ['number', 'null'] }
const ms = { type: ['number', 'null'], description: 'ms since 1970' }
const seen = {
  type: 'array',
  items: {
    type: 'object',
    required: ['time', 'key', 'value'],
    properties: { time: { type: 'number' }, key: { type: ['string', 'null'] }, value: text },
  },
}

const stepsSchema = {
  type: 'object',
  required: ['atMs', 'steps', 'edges', 'look'],
  properties: {
    atMs: { type: 'number', description: 'ms since 1970: rates are differences over it' },
    steps: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pipeline', 'step', 'recordsIn', 'recordsOut', 'late', 'dead', 'stateEntries'],
        properties: {
          pipeline: text,
          step: text,
          recordsIn: { ...whole, description: 'Since its tasks were opened' },
          recordsOut: whole,
          late: whole,
          dead: whole,
          ownNsP50: { ...ns, description: 'Time a record takes in the step alone, sampled' },
          ownNsP99: ns,
          stateEntries: whole,
        },
      },
    },
    edges: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pipeline', 'from', 'to', 'records'],
        properties: {
          pipeline: text,
          from: { ...text, description: 'Empty where records enter' },
          to: text,
          records: whole,
        },
      },
    },
    look: {
      type: ['array', 'null'],
      description: 'Of the step that was asked for, for each task',
      items: {
        type: 'object',
        required: ['task', 'taken', 'given', 'open'],
        properties: {
          task: text,
          taken: { ...seen, description: 'The last that it took, the newest last' },
          given: seen,
          open: {
            type: ['object', 'null'],
            description: 'Open windows; null: it has none, or too many to look through',
            properties: { count: whole, firstStartMs: ms, nextDueMs: ms },
          },
        },
      },
    },
  },
}
