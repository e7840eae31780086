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
