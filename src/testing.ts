/** `millrace/testing`: for the unit tests of your own pipelines. */
export { testPipeline } from './testing/test-pipeline.ts'
export type {
  PipelineTest,
  PushOptions,
  TestLetter,
  TestOptions,
  TestRecord,
} from './testing/test-pipeline.ts'
export { VirtualClock } from './core/clock.ts'
