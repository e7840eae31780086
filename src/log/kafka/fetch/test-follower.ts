/** What the tests of this folder share: a model cluster, followed. */
import assert from 'node:assert/strict'
import { isCode, type ErrorCode, type MillraceError } from '../../../core/error.ts'
import type { FetchSet, OutOfRange } from '../contracts.ts'
import { createFetcher } from './fetcher.ts'
import { ModelCluster } from './model-cluster.ts'

/** Topic `t` with these partitions, on brokers 1, 2 … in turn. */
export function modelCluster({ partitions = 1, brokers = 1 } = {}): ModelCluster {
  const cluster = new ModelCluster()
  cluster.addTopic('t', partitions, (partition) => 1 + (partition % brokers))
  return cluster
}

export interface Following {
  readonly set: FetchSet
  /** `offset:value` of all that was given; throws what `poll` throws. */
  take(input?: number): string[]
}

export function follow(
  cluster: ModelCluster,
  offsets: readonly number[] = [0],
  { bytesMax = 1 << 20, outOfRange = 'stop' as OutOfRange, fetcher = createFetcher(cluster) } = {},
): Following {
  const inputs = offsets.map((offset, partition) => ({ topic: 't', partition, offset }))
  const set = fetcher.open(inputs, { bytesMax, outOfRange })
  return { set, take: (input = 0) => takeAll(set, input) }
}

export function takeAll(set: FetchSet, input = 0): string[] {
  const seen: string[] = []
  for (let batch = set.poll(input); batch !== null; batch = set.poll(input)) {
    for (let i = batch.first; i < batch.count; i++) {
      seen.push(`${batch.offset(i)}:${batch.value(i)?.toString() ?? ''}`)
    }
  }
  return seen
}

export function refuses(code: ErrorCode, what: () => unknown): MillraceError {
  try {
    what()
  } catch (thrown) {
    assert.ok(isCode(thrown, code), String(thrown))
    return thrown as MillraceError
  }
  assert.fail(`nothing was thrown, ${code} was expected`)
}
