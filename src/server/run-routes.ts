/** Routes that show the pipelines of the process: what they are, how far they are, and why. */
import { explained } from './explain-words.ts'
import { deliveryJson, sourceJson } from './connect-json.ts'
import { groupStates } from '../log/group-states.ts'
import { planJson } from '../pipeline/explain-plan.ts'
import { jsonReply } from './described.ts'
import { type Reply, type Route, route } from './route.ts'
import type { Served } from './served.ts'
import { explainSchema, planSchema, statusSchema } from './run-schemas.ts'

export function runRoutes(served: Served): Route[] {
  return [
    route({
      method: 'GET',
      path: '/plan',
      name: 'plan',
      summary: 'The plans of the pipelines of this process',
      params: {},
      replies: { 200: jsonReply('One for each pipeline name', planSchema) },
      handle: () => {
        const plans = served.run()?.plans() ?? served.plans
        return { status: 200, body: { plans: plans.map(planJson) } }
      },
    }),
    route({
      method: 'GET',
      path: '/status',
      name: 'status',
      summary:
        'How far the tasks, sources and sinks of this process are, and all groups of the log',
      params: {},
      replies: { 200: jsonReply('The status', statusSchema) },
      handle: async () => ({ status: 200, body: await statusOf(served) }),
    }),
    route({
      method: 'GET',
      path: '/explain',
      name: 'explain',
      summary: 'Why a window has not given its result: what holds event time, what would move it',
      params: {},
      replies: { 200: jsonReply('One for each task', explainSchema) },
      handle: () => {
        const run = served.run()
        if (run === null) return { status: 200, body: { tasks: [] } }
        const [sources, tasks] = [run.sources(), run.status()]
        const known = { nowMs: served.clock.now(), sources, tasks }
        return { status: 200, body: { tasks: run.explain().map((task) => explained(task, known)) } }
      },
    }),
    ...healthRoutes(served),
  ]
}

async function statusOf({ log, run, plans }: Served): Promise<object> {
  const running = run()
  const topics = await log.listTopics()
  return {
    log: log.kind,
    place: log.place,
    state: running !== null ? 'running' : plans.length === 0 ? 'no-pipeline' : 'starting',
    waitsFor: running?.waitsFor() ?? [],
    tasks: running?.status() ?? [],
    sources: running?.sources().map(sourceJson) ?? [],
    deliveries: running?.deliveries().map(deliveryJson) ?? [],
    groups: groupStates(await log.groups(), topics),
  }
}

/** How long the log may take to show that it is there. */
const logMs = 2_000
/** For so long its answer counts. */
const freshMs = 1_000

function healthRoutes(served: Served): Route[] {
  const answers = logLooks(served)
  const schema = {
    type: 'object',
    required: ['status'],
    properties: {
      status: { type: 'string' },
      reasons: { type: 'array', items: { type: 'string' } },
    },
  }
  return [
    route({
      method: 'GET',
      path: '/health/live',
      name: 'live',
      summary: 'Whether the process answers at all',
      isOpen: true,
      params: {},
      replies: { 200: jsonReply('It does', schema) },
      handle: () => ({ status: 200, body: { status: 'live' } }),
    }),
    route({
      method: 'GET',
      path: '/health/ready',
      name: 'ready',
      summary: 'Whether the pipelines run and the log answers',
      isOpen: true,
      params: {},
      replies: {
        200: jsonReply('They do', schema),
        503: jsonReply('They do not, and what is missing', schema),
      },
      handle: () => readiness(served, answers),
    }),
  ]
}

/** Says what is missing without naming anything: it is answered without a token. */
async function readiness(served: Served, answers: () => Promise<boolean>): Promise<Reply> {
  const { plans } = served
  const reasons: string[] = []
  const run = served.run()
  if (plans.length > 0 && run === null) reasons.push('the pipelines are starting')
  if ((run?.waitsFor().length ?? 0) > 0) reasons.push('the log is away')
  const tasks = run?.status() ?? []
  if (tasks.some(({ state }) => state === 'restoring')) reasons.push('tasks restore their state')
  if (tasks.some(({ state }) => state === 'closed')) reasons.push('tasks are to be opened again')
  if (reasons.length === 0 && !(await answers())) {
    reasons.push('the log does not answer')
  }
  if (reasons.length === 0) return { status: 200, body: { status: 'ready' } }
  return { status: 503, body: { status: 'not-ready', reasons } }
}

/**
 * Whether the log answers. Asked at most once a second, however often somebody wants to know: no
 * token is needed for it.
 */
function logLooks({ log, clock }: Served): () => Promise<boolean> {
  let last: { readonly atMs: number; readonly answer: Promise<boolean> } | null = null
  const look = (): Promise<boolean> =>
    new Promise((resolve) => {
      const cancel = clock.after(logMs, () => resolve(false))
      log
        .listTopics()
        .then(
          () => resolve(true),
          () => resolve(false),
        )
        .finally(cancel)
    })
  return () => {
    const nowMs = clock.monotonic()
    if (last === null || nowMs - last.atMs >= freshMs) last = { atMs: nowMs, answer: look() }
    return last.answer
  }
}
