/**
 * The plan: a pipeline checked, its steps named and in order, cut into parts where data must change
 * partitions. Data only.
 */
import type { Node, SinkNode, SourceNode, TopicSpec } from './node.ts'

/** One step of the plan. Its name is stable: state belongs to it. */
export interface Step {
  readonly name: string
  readonly node: Node
  /** Names of the steps it reads from, in the order of the node's inputs; empty for a source. */
  readonly inputs: readonly string[]
}

/** Steps that run in one task without leaving it, over co-partitioned topics. */
export interface PlanPart {
  /** `main`, or the name of the step whose output it reads from a repartition topic. */
  readonly name: string
  /** In topological order: every step comes after its inputs. Sources first. */
  readonly steps: readonly Step[]
  /** Steps of this part whose output goes to a repartition topic, keyed by the new key. */
  readonly repartitions: readonly { readonly step: string; readonly topic: string }[]
  /**
   * Steps (of another part) whose output this part reads from a repartition topic, in `steps` as
   * the input of others.
   */
  readonly reads: readonly { readonly step: string; readonly topic: string }[]
}

export interface Plan {
  readonly name: string
  /** In order: a part comes after those it reads from. */
  readonly parts: readonly PlanPart[]
}

export type { Node, SinkNode, SourceNode, TopicSpec }
