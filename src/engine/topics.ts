/** Before a plan runs: its topics are looked up, those that may be made are made. */
import { isCode, MillraceError } from '../core/error.ts'
import type { Log, TopicConfig, TopicInfo } from '../log/log.ts'
import { canBeLate } from '../pipeline/describe-step.ts'
import type { TopicSpec } from '../pipeline/node.ts'
import type { Plan } from '../pipeline/plan.ts'
import { letterHeaderBytesMax } from './letters.ts'
import { deadTopic, lateTopic } from '../pipeline/letter-topic.ts'

/** What is known of a topic that a plan reads or writes. */
export type KnownTopics = ReadonlyMap<string, TopicInfo>

/** The topics that a plan reads from outside. */
export function sourceSpecs(plan: Plan): TopicSpec[] {
  return topicsOf(plan, 'source')
}

function topicsOf(plan: Plan, kind: 'source' | 'to'): TopicSpec[] {
  const specs = new Map<string, TopicSpec>()
  for (const part of plan.parts) {
    for (const { node } of part.steps)
      if (node.kind === kind) specs.set(node.topic.name, node.topic)
  }
  return [...specs.values()]
}

/** Gives codecs what they need from outside before the first record, as the id of a schema. */
export async function prepareCodecs(plan: Plan): Promise<void> {
  const codecs = new Set([...sourceSpecs(plan), ...topicsOf(plan, 'to')].map(({ codec }) => codec))
  for (const codec of codecs) await codec.prepare?.()
}

/** @returns whether a step may find records late */
export function hasWindows(plan: Plan): boolean {
  return plan.parts.some((part) => part.steps.some(({ node }) => canBeLate(node)))
}

/**
 * Finds the plan's topics. Source topics must exist unless their declaration gives `partitions`;
 * output topics are made with the partitions they declare, else with as many as the widest source.
 * @throws `unknown-topic`
 */
export async function openTopics(log: Log, plan: Plan): Promise<KnownTopics> {
  const known = new Map<string, TopicInfo>()
  for (const spec of sourceSpecs(plan)) {
    const info = await find(log, spec.name)
    if (info === null && spec.partitions === null) {
      throw new MillraceError('unknown-topic', `topic '${spec.name}' does not exist`, {
        at: { pipeline: plan.name, topic: spec.name },
        hint:
          `create it: millrace topics create ${spec.name} --partitions 1 ` +
          "(or give the topic 'partitions' in the pipeline)",
      })
    }
    known.set(spec.name, info ?? (await log.createTopic(spec.name, configOf(spec, 1))))
  }
  const widest = Math.max(1, ...[...known.values()].map((info) => info.partitions.length))
  for (const spec of topicsOf(plan, 'to')) {
    if (known.has(spec.name)) continue
    known.set(
      spec.name,
      (await find(log, spec.name)) ?? (await log.createTopic(spec.name, configOf(spec, widest))),
    )
  }
  for (const spec of sourceSpecs(plan)) {
    const source = known.get(spec.name) as TopicInfo
    const letters = hasWindows(plan)
      ? [deadTopic(spec.name), lateTopic(spec.name)]
      : [deadTopic(spec.name)]
    for (const name of letters) known.set(name, await ensure(log, name, letterConfig(source)))
  }
  return known
}

/** The topic, made with these settings when it is not there. */
export async function ensure(
  log: Log,
  name: string,
  config: Partial<TopicConfig>,
): Promise<TopicInfo> {
  return (await find(log, name)) ?? (await log.createTopic(name, config))
}

async function find(log: Log, name: string): Promise<TopicInfo | null> {
  try {
    return await log.describeTopic(name)
  } catch (thrown) {
    if (isCode(thrown, 'unknown-topic')) return null
    throw thrown
  }
}

/** A topic's settings as its declaration has them. */
export function configOf(spec: TopicSpec, partitions: number): Partial<TopicConfig> {
  return {
    partitions: spec.partitions ?? partitions,
    retentionMs: spec.retentionMs,
    retentionBytes: spec.retentionBytes,
    cleanup: spec.compact ? 'compact' : 'delete',
  }
}

function letterConfig(source: TopicInfo): Partial<TopicConfig> {
  return {
    partitions: source.partitions.length,
    recordBytesMax: source.config.recordBytesMax + letterHeaderBytesMax,
  }
}
