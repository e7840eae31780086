/**
 * Remembers, in the log, how a pipeline's work was cut into tasks and what its steps keep in state.
 * State and offsets belong to tasks and steps: read under other ones they would be taken for
 * something they are not, so that is refused.
 */
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/error.ts'
import { ValueReader, ValueWriter } from '../core/value-codec.ts'
import type { Log } from '../log/log.ts'
import { windowText } from '../pipeline/window-text.ts'
import type { Plan } from '../pipeline/plan.ts'

const guardTask = '#plan'

interface Remembered {
  readonly tasks: string
  /**
   * What each step with state keeps, as text. Steps that are gone are forgotten with their state.
   */
  readonly shapes: Readonly<Record<string, string>>
}

/** Several processes may begin to run a pipeline at once; each may fence another a few times. */
const attemptsMax = 10
const attemptPauseMs = 40

export interface GuardOptions {
  readonly log: Log
  readonly clock: Clock
  readonly pipeline: string
  readonly tasks: readonly string[]
  readonly shapes?: Readonly<Record<string, string>>
}

/**
 * Compares tasks and state with those of the runs before, and remembers them.
 * @throws `invalid-plan`, with what was and what is
 */
export async function guardTasks(options: GuardOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await guardOnce(options)
    } catch (thrown) {
      const again = thrown instanceof MillraceError && thrown.retry !== 'never'
      if (!again || attempt === attemptsMax) throw thrown
    }
    await new Promise<void>((resolve) => options.clock.after(attempt * attemptPauseMs, resolve))
  }
}

async function guardOnce({ log, pipeline, tasks, shapes = {} }: GuardOptions): Promise<void> {
  const session = await log.open({ pipeline, task: guardTask, inputs: [], startAt: [] })
  try {
    let before: Remembered | null = null
    for await (const blob of session.restore()) before = rememberedIn(blob, pipeline)
    const now: Remembered = { tasks: tasks.toSorted().join(' '), shapes }
    if (before !== null) check(pipeline, before, now)
    if (JSON.stringify(before) === JSON.stringify(now)) return
    const writer = new ValueWriter(256)
    writer.writeValue(now)
    await session.commit({
      offsets: [],
      appends: [],
      changelog: { bytes: writer.bytes(), startsRound: true, endsRound: true },
    })
  } finally {
    await session.close()
  }
}

/** @throws `state-corrupt` */
function rememberedIn(blob: Uint8Array, pipeline: string): Remembered {
  const value = new ValueReader(blob).readValue() as Partial<Remembered> | null | undefined
  const { tasks, shapes } = value ?? {}
  if (typeof tasks === 'string' && typeof shapes === 'object' && shapes !== null)
    return { tasks, shapes }
  throw new MillraceError('state-corrupt', 'what is remembered of the earlier runs is damaged', {
    at: { pipeline },
    hint: 'restore a copy of the data directory',
  })
}

function check(pipeline: string, before: Remembered, now: Remembered): void {
  const forget = `under another name, or forget its state: millrace groups delete ${pipeline}`
  if (before.tasks !== now.tasks) {
    throw new MillraceError(
      'invalid-plan',
      `pipeline '${pipeline}' was run as tasks ${before.tasks}, now as ${now.tasks}`,
      { at: { pipeline }, hint: `its state belongs to those tasks: run it as before, ${forget}` },
    )
  }
  for (const [step, shape] of Object.entries(now.shapes)) {
    const was = Object.hasOwn(before.shapes, step) ? before.shapes[step] : undefined
    if (was === undefined || was === shape) continue
    throw new MillraceError(
      'invalid-plan',
      `step '${step}' kept ${was}, now it would keep ${shape}`,
      {
        at: { pipeline, step },
        hint: `give the changed step another name with .named(…), run the pipeline ${forget}`,
      },
    )
  }
}

/** What the steps of a plan keep in state, by their names. */
export function stateShapes(plan: Plan): Record<string, string> {
  const shapes: Record<string, string> = {}
  for (const { name, node } of plan.parts.flatMap((part) => part.steps)) {
    if (node.kind === 'step' && node.traits.state !== null) {
      const { state, settings } = node.traits
      const pattern = settings['pattern'] ?? ''
      shapes[name] = `${node.spec.kind}: ${state}${pattern === '' ? '' : `, ${pattern}`}`
    }
    if (node.kind !== 'aggregate' && node.kind !== 'reduce') continue
    const rows = node.ttlMs === null ? 'without window' : 'without window, with a ttl'
    const window = node.window === null ? rows : windowText(node.window)
    const fields =
      node.kind === 'reduce'
        ? 'a reduced value'
        : node.fields.map((field) => `${field.name}: ${field.aggregator.kind}`).join(', ')
    shapes[name] = `${fields}, ${window}`
  }
  return shapes
}
