/**
 * Runs pipelines on a log: topics, tasks, loops, orderly stop. The process around it (signals,
 * terminal) is `host/`.
 */
import type { Clock } from '../core/clock.ts'
import { assert } from '../core/assert.ts'
import { MillraceError } from '../core/error.ts'
import type { Log, Membership, StartAt, TaskInfo } from '../log/log.ts'
import { buildPlan } from '../pipeline/build-plan.ts'
import type { Pipeline } from '../pipeline/node.ts'
import { outboxesOf } from '../pipeline/outboxes.ts'
import type { Outbox } from '../pipeline/outboxes.ts'
import type { Plan } from '../pipeline/plan.ts'
import { OwnedTasks } from './owned-tasks.ts'
import { guardTasks, stateShapes } from './plan-guard.ts'
import { explainTime } from './explain-time.ts'
import type { TimeExplanation } from './explain-time.ts'
import type { Outside } from './operators/operator.ts'
import type { PlannedTask, TaskMode } from './task-plan.ts'
import { planTasks, widthOf } from './task-plan.ts'
import type { TaskEvent } from './task-event.ts'
import { isGlobal } from './task-inputs.ts'
import { TaskLoop } from './task-loop.ts'
import { statusOf } from './task-status.ts'
import type { TaskStatus } from './task-status.ts'
import { StepFigures } from './step-figures.ts'
import { stepsOfPlan } from './plan-steps.ts'
import type { PlanSteps } from './plan-steps.ts'
import type { Tap } from './task-options.ts'
import { Task } from './task.ts'
import { openTopics, prepareCodecs } from './topics.ts'
import { whenReachable } from './when-reachable.ts'
import { emptyPassages } from './trim-repartition.ts'
import { trimRepartitions } from './trim-repartition.ts'

export interface EngineOptions {
  readonly log: Log
  readonly clock: Clock
  /** Name of the pipelines that have none of their own. */
  readonly name: string
  /**
   * null: as fits the log; on one that shares tasks among processes `per-partition`, else `one`.
   */
  readonly tasks: TaskMode | null
  readonly takeOver: boolean
  /** Where inputs begin that have no committed offset. */
  readonly startAt: StartAt
  readonly commitEveryMs: number
  /** Produced and not committed, all tasks of a pipeline in this process together. */
  readonly pendingBytesMax: number
  readonly attemptsMax: number
  readonly print: (text: string) => void
  readonly notify: (event: RunEvent) => void
  /** Ends the waiting for a log that is away at the start. */
  readonly signal: AbortSignal | null
  readonly tap?: Tap
  /** Where each step is to be counted: a monotonic clock, ns. */
  readonly stepClock?: () => number
}

export type RunEvent =
  | TaskEvent
  /** The log does not answer at the start; it is tried again. */
  | {
      readonly kind: 'waiting'
      readonly pipeline: string
      readonly error: unknown
      readonly inMs: number
    }
  | { readonly kind: 'started'; readonly pipeline: string; readonly tasks: readonly string[] }

export const engineDefaults: Pick<
  EngineOptions,
  'tasks' | 'takeOver' | 'startAt' | 'signal' | 'commitEveryMs' | 'pendingBytesMax' | 'attemptsMax'
> = {
  tasks: null,
  signal: null,
  takeOver: false,
  startAt: 'earliest',
  commitEveryMs: 100,
  pendingBytesMax: 32 * 1_048_576,
  attemptsMax: 8,
}

/** A task's share is never less. */
const taskPendingBytesMin = 1 << 20

/** Event time of a task: how far it has come, what holds it, and what would move it on. */
export interface TaskTime extends TimeExplanation {
  readonly pipeline: string
  readonly task: string
}

/** A running set of pipelines. */
export interface EngineRun extends PlanSteps {
  /** Settles when all tasks have ended: after `stop`, or with the first error that ended one. */
  readonly done: Promise<void>
  /**
   * Finishes the slice in hand, commits, gives the tasks up. Idempotent; resolves when all is down,
   * also after an error.
   */
  stop(): Promise<void>
  status(): TaskStatus[]
  /** Why a window has not given its result yet, for each task. */
  explain(): TaskTime[]
  /** What runs, one for each pipeline name. */
  plans(): Plan[]
  /** What sinks are to be fed from. */
  readonly outboxes: readonly Outbox[]
}

/**
 * Starts pipelines. Resolves when every task has its place in the log; records may not have been
 * read yet.
 * @throws `invalid-plan` · `unknown-topic` · `pipeline-running` · what the log throws
 */
export async function startPipelines(
  pipelines: readonly Pipeline[],
  options: EngineOptions,
): Promise<EngineRun> {
  const runs: PlanRun[] = []
  try {
    for (const [name, group] of groupByName(pipelines, options.name))
      runs.push(
        await whenReachable(() => startPlan(name, group, options), {
          ...options,
          onWait: (error, inMs) => options.notify({ kind: 'waiting', pipeline: name, error, inMs }),
        }),
      )
  } catch (thrown) {
    await Promise.allSettled(runs.map((run) => run.stop()))
    throw thrown
  }
  const stopped = Promise.withResolvers<void>()
  // Where pipelines only feed topics there is no task to wait for.
  const ends = runs.length === 0 ? [stopped.promise] : runs.map((run) => run.done)
  const done = Promise.all(ends).then(() => {})
  const stop = async (): Promise<void> => {
    stopped.resolve()
    await Promise.allSettled(runs.map((run) => run.stop()))
  }
  // One pipeline that fails ends the others in an orderly way.
  done.catch(stop)
  return {
    done,
    stop,
    status: () => runs.flatMap((run) => run.status()),
    explain: () => runs.flatMap((run) => run.explain()),
    steps: () => runs.flatMap((run) => run.steps()),
    lookAt: (pipeline, step) => runs.flatMap((run) => run.lookAt(pipeline, step)),
    lookAway: (pipeline, step) => {
      for (const run of runs) run.lookAway(pipeline, step)
    },
    plans: () => runs.flatMap((run) => run.plans()),
    outboxes: runs.flatMap((run) => run.outboxes),
  }
}

function groupByName(pipelines: readonly Pipeline[], name: string): Map<string, Pipeline[]> {
  const groups = new Map<string, Pipeline[]>()
  for (const pipeline of pipelines) {
    if (pipeline.sinks.length === 0) continue // it only feeds topics
    const key = pipeline.name ?? name
    groups.set(key, [...(groups.get(key) ?? []), pipeline])
  }
  if (groups.size === 0 && pipelines.length === 0) {
    throw new MillraceError('invalid-plan', 'there is no pipeline to run', {
      hint: 'end a stream with .to(topic) or .print()',
    })
  }
  return groups
}

interface PlanRun extends EngineRun {
  /** Resolves when every task has its place in the log, or has ended before. */
  readonly opened: Promise<void>
}

async function startPlan(
  name: string,
  pipelines: readonly Pipeline[],
  options: EngineOptions,
): Promise<PlanRun> {
  const { log, clock } = options
  const whole = buildPlan(pipelines, { name, repartition: false })
  const topics = await openTopics(log, whole)
  await prepareCodecs(whole)
  const widest = widthOf(whole, topics)
  const mode: TaskMode = widest === 1 ? 'one' : (options.tasks ?? defaultMode(log))
  const plan = mode === 'one' ? whole : buildPlan(pipelines, { name, repartition: true })
  const planned = await planTasks(log, plan, topics, mode)
  const tasks = planned.map((task) => task.name)
  const membership = await log.join({
    pipeline: name,
    tasks,
    infos: planned.map(infoOf),
    takeOver: options.takeOver,
  })
  try {
    await emptyPassages(log, plan)
    await guardTasks({ log, clock, pipeline: name, tasks, shapes: stateShapes(plan) })
  } catch (thrown) {
    await membership.leave()
    throw thrown
  }
  options.notify({ kind: 'started', pipeline: name, tasks: [...membership.owned] })
  const run = runTasks(plan, planned, membership, options)
  await run.opened
  return run
}

/** A log that shares tasks out among processes needs some to share. */
function defaultMode(log: Log): TaskMode {
  return log.kind === 'kafka' ? 'per-partition' : 'one'
}

function infoOf({ name, part, index, inputs }: PlannedTask): TaskInfo {
  return {
    task: name,
    part: part.name,
    index,
    inputs: inputs.map((input) => ({
      ...input.place,
      isRepartition: input.kind === 'repartition',
      isShared: isGlobal(input),
    })),
    isStateful: Object.keys(stateShapes({ name: '', parts: [part] })).length > 0,
  }
}

function runTasks(
  plan: Plan,
  planned: readonly PlannedTask[],
  membership: Membership,
  options: EngineOptions,
): PlanRun {
  const { clock, notify } = options
  const loopOf = (name: string): TaskLoop => {
    const task = planned.find((one) => one.name === name)
    assert(task !== undefined, () => `the plan has no task ${name}`)
    return new TaskLoop({
      ...options,
      pendingBytesMax,
      open: (wake) => openTask(plan, task, { ...options, wake }),
    })
  }
  const pendingBytesMax = (): number =>
    Math.max(taskPendingBytesMin, options.pendingBytesMax / Math.max(1, owned.taskCount))
  const tasks = planned.map(({ name }) => name)
  const owned = new OwnedTasks({ pipeline: plan.name, tasks, membership, clock, loopOf, notify })
  const done = owned.ended()
  done.catch(() => {}) // whoever asks for `done` gets it; nobody asking must not end the process
  return {
    opened: owned.opened(),
    done,
    stop: async () => {
      owned.stop()
      await done.catch(() => {})
    },
    status: () => owned.loops.flatMap((loop) => statusOf(plan.name, loop)),
    explain: () =>
      owned.loops.flatMap(({ task }) =>
        task === null ? [] : [{ pipeline: plan.name, task: task.name, ...explainTime(task) }],
      ),
    ...stepsOfPlan(plan.name, () => tasksOf(owned)),
    plans: () => [plan],
    outboxes: outboxesOf(plan),
  }
}

function tasksOf({ loops }: OwnedTasks<TaskLoop>): Task[] {
  return loops.flatMap(({ task }) => (task === null ? [] : [task]))
}

async function openTask(
  plan: Plan,
  planned: PlannedTask,
  options: EngineOptions & { readonly wake: () => void },
): Promise<{ session: Awaited<ReturnType<Log['open']>>; task: Task }> {
  const opened = await options.log.open({
    pipeline: plan.name,
    task: planned.name,
    inputs: planned.inputs.map((input) => input.place),
    shared: planned.inputs.map(isGlobal),
    // A repartition topic holds what this pipeline's other tasks sent: none of it may be left out.
    startAt: planned.inputs.map((input) => (input.kind === 'topic' ? options.startAt : 'earliest')),
  })
  const session = trimRepartitions(opened, {
    ...options,
    inputs: planned.inputs,
    onFailure: (error) => options.notify({ kind: 'trim-failed', task: planned.name, error }),
  })
  const { clock, print, tap, stepClock } = options
  const outside: Outside = {
    after: (ms, then) => clock.after(ms, then),
    wake: options.wake,
  }
  const task = new Task({
    ...planned,
    session,
    nowMs: clock.now(),
    print,
    outside,
    ...(tap && { tap }),
    ...(stepClock && { figures: new StepFigures(stepClock) }),
  })
  return { session, task }
}
