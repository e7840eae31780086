/** `testPipeline`: a pipeline's real steps, state and time, without log, file, port or clock. */
import type { Pipeline } from '../pipeline/node.ts'
import { pipelinesOf } from '../pipeline/pipelines-of.ts'
import type { PipelineTest, TestOptions } from './pipeline-test.ts'
import { TestDriver } from './test-driver.ts'

/**
 * Drives a pipeline in a unit test: what you push is processed at once, time stands still until you
 * advance it. The real operators run; commits are packed after each step; topics have the
 * partitions they declare, default 1. Works in any test runner. Costs well under 5 ms.
 * @param pipeline one pipeline, or several that run as one
 * @throws `invalid-plan`
 * @example
 * const words = topic('words', { codec: string(), key: (word) => word })
 * const counts = from(words).window(tumbling('10s')).aggregate({ n: count() })
 * const test = testPipeline(counts.to(topic('counts')))
 * test.push(words, 'a', { time: 1_000 })
 * test.push(words, 'b', { time: 12_000 })
 * test.outputs('counts') // => [{ key: 'a', window: { start: 0, end: 10000 }, n: 1 }]
 */
export function testPipeline(
  pipeline: Pipeline | readonly Pipeline[],
  options: TestOptions = {},
): PipelineTest {
  return new TestDriver(pipelinesOf(pipeline), options)
}
