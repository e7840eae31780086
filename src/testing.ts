/** `millrace/testing`: for the unit tests of your own pipelines. */
export { testPipeline } from './testing/test-pipeline.ts'
export type {
  AdvanceOptions,
  PipelineTest,
  PushOptions,
  TestOptions,
} from './testing/pipeline-test.ts'
export type { TestLetter, TestRecord } from './testing/written-topics.ts'
export { VirtualClock } from './core/clock.ts'
export { simulate } from './testing/simulate/simulate.ts'
export type {
  SimulatedPipeline,
  SimulateOptions,
  SimulationReport,
} from './testing/simulate/simulate.ts'
export { inputOf } from './testing/simulate/simulation-input.ts'
export type { SimulatedRecord } from './testing/simulate/simulation-input.ts'
export type { FaultKind } from './testing/simulate/fault.ts'
export { arbitrary } from './testing/generate/arbitrary.ts'
export type { ArbitraryValue } from './testing/generate/arbitrary.ts'
export type { JsonSchema, JsonSchemaObject } from './testing/generate/json-schema.ts'
export { fromSchema } from './testing/generate/from-schema.ts'
export { streamOf } from './testing/generate/stream-of.ts'
export type { StreamOfOptions } from './testing/generate/stream-of.ts'
export { disorder, duplicate, gaps, late } from './testing/generate/shape-stream.ts'
export type { ShapeOptions, ShareOptions } from './testing/generate/shape-stream.ts'
export { suiteOfSink, suiteOfSource } from './testing/connector-suites.ts'
export type { Arrived, TestedSink, TestedSource, TestFunction } from './testing/connector-suites.ts'
