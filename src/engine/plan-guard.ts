/**
 * Remembers, in the log, how a pipeline's work was cut into tasks. State and offsets belong to tasks: run with other tasks under the same
 * name they would be read wrongly, so that is refused.
 */
import { MillraceError } from '../core/error.ts'
import { ValueReader, ValueWriter } from '../core/value-codec.ts'
import type { Log } from '../log/log.ts'

const guardTask = '#plan'

/**
 * Compares the tasks with those of the runs before; remembers them at the first run. The caller is the pipeline's only runner.
 * @throws `invalid-plan`
 */
export async function guardTasks(log: Log, pipeline: string, tasks: readonly string[]): Promise<void> {
  const session = await log.open({ pipeline, task: guardTask, inputs: [], startAt: [] })
  try {
    let before: string | null = null
    for await (const blob of session.restore()) before = new ValueReader(blob).readString()
    const now = [...tasks].toSorted().join(' ')
    if (before === now) return
    if (before !== null) {
      throw new MillraceError('invalid-plan', `pipeline '${pipeline}' was run as tasks ${before}, now as ${now}`, {
        at: { pipeline },
        hint: `its state belongs to those tasks: run it as before, under another name, or forget its state: millrace groups delete ${pipeline}`,
      })
    }
    const writer = new ValueWriter(256)
    writer.writeString(now)
    await session.commit({
      offsets: [],
      appends: [],
      changelog: { bytes: writer.bytes(), startsRound: true, endsRound: true },
    })
  } finally {
    await session.close()
  }
}
