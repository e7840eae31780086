/** One topic, one declaration: what a plan reads and writes must not contradict itself. */
import { MillraceError } from '../core/error.ts'
import type { TopicSpec } from './node.ts'
import type { Step } from './plan.ts'
import type { WatermarkSpec } from './watermark-spec.ts'

/**
 * Declaring a topic twice is fine where both say the same; functions and schemas are the same only
 * where they are one value.
 * @throws `invalid-plan`
 */
export function checkSameTopic(first: TopicSpec, second: TopicSpec, place: string): void {
  const difference = differenceOf(first, second)
  if (difference === null) return
  throw new MillraceError(
    'invalid-plan',
    `topic '${first.name}' is declared twice, with different '${difference}': ${place}`,
    { at: { topic: first.name }, hint: 'declare it once, in a const, and use that in both places' },
  )
}

/**
 * Source topics are not written, and each topic has one declaration.
 * @throws `invalid-plan` naming topic and step
 */
export function checkTopics(steps: readonly Step[]): void {
  const known = new Map<string, { spec: TopicSpec; source: string | null }>()
  for (const { name, node } of steps) {
    if (node.kind === 'source') known.set(node.topic.name, { spec: node.topic, source: name })
  }
  for (const { name, node } of steps) {
    if (node.kind !== 'to') continue
    const { topic } = node
    const before = known.get(topic.name)
    if (before === undefined) known.set(topic.name, { spec: topic, source: null })
    else if (before.source === null) checkSameTopic(before.spec, topic, `step '${name}'`)
    else {
      throw new MillraceError('invalid-plan', `topic '${topic.name}' is both read and written`, {
        at: { step: name, topic: topic.name },
        hint: 'a pipeline that reads its own output never ends: write to another topic',
      })
    }
  }
}

function isSameWatermark(first: WatermarkSpec, second: WatermarkSpec): boolean {
  if (first.kind === 'from-data') return second.kind === first.kind && first.fn === second.fn
  return JSON.stringify(first) === JSON.stringify(second)
}

function differenceOf(first: TopicSpec, second: TopicSpec): string | null {
  if (first === second) return null
  for (const field of Object.keys(first) as (keyof TopicSpec)[]) {
    if (field === 'codec') {
      if (first.codec.name !== second.codec.name) return field
    } else if (field === 'watermark') {
      if (!isSameWatermark(first.watermark, second.watermark)) return field
    } else if (first[field] !== second[field]) return field
  }
  return null
}
