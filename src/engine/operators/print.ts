/**
 * `print`: shows records on the terminal, each at once or in batches of wall-clock time (as a
 * discretized stream's `pprint`: the time of the batch above its first records; empty batches are
 * not shown). Shown at least once: after a crash what came since the last commit is shown again.
 * Stores: `<step>`: the open batch.
 */
import type { PrintNode } from '../../pipeline/node.ts'
import { never } from './operator.ts'
import type { Operator, StepContext } from './operator.ts'

interface OpenBatch {
  readonly endMs: number
  readonly count: number
  readonly lines: readonly string[]
}

export function printOperator(node: PrintNode, context: StepContext): Operator {
  const { everyMs, first, label } = node.options
  const { task, step } = context
  const format = node.options.format ?? showValue
  const prefix = label === null ? '' : `${label}  `
  if (everyMs === null) {
    const push = (value: unknown): void => {
      task.running = step
      task.print(`${prefix}${format(value)}\n`)
    }
    return { push, second: null, asynchronous: null, stateful: null }
  }
  const store = context.store({ toState: (batch) => batch, fromState: (batch) => batch })
  const openBatch = (): OpenBatch | undefined => store.get('batch') as OpenBatch | undefined

  const show = (batch: OpenBatch): void => {
    const rule = '-'.repeat(43)
    const more =
      batch.count > batch.lines.length ? `... ${batch.count - batch.lines.length} more\n` : ''
    const title = `${prefix}Time: ${showTime(batch.endMs)}`
    task.print(
      `${rule}\n${title}\n${rule}\n${batch.lines.map((line) => `${line}\n`).join('')}${more}\n`,
    )
    store.delete('batch')
  }

  return {
    push: (value) => {
      task.running = step
      // Batches are aligned to the wall clock: all printing steps cut at the same instants.
      const endMs = Math.floor(task.nowMs / everyMs) * everyMs + everyMs
      const batch = openBatch() ?? { endMs, count: 0, lines: [] }
      const lines = batch.count < first ? [...batch.lines, format(value)] : batch.lines
      store.set('batch', { endMs: batch.endMs, count: batch.count + 1, lines })
    },
    second: null,
    asynchronous: null,
    stateful: {
      onRestored: () => {},
      onWatermark: () => {},
      watermarkDueMs: () => never,
      onClock: (nowMs) => {
        const batch = openBatch()
        if (batch !== undefined && nowMs >= batch.endMs) show(batch)
      },
      clockDueMs: () => openBatch()?.endMs ?? never,
      onStop: () => {
        const batch = openBatch()
        if (batch !== undefined) show(batch)
      },
    },
  }
}

/** Text as it is, anything else as JSON (bigint as digits). */
function showValue(value: unknown): string {
  if (typeof value === 'string') return value
  const text = JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'bigint' ? part.toString() : part,
  )
  return text ?? String(value)
}

/** `2026-11-23 08:15:02`, in UTC. */
function showTime(timeMs: number): string {
  return new Date(timeMs)
    .toISOString()
    .replace('T', ' ')
    .replace(/(?:\.000)?Z$/, '')
}
