/** The door `millrace`: what pipelines are made of, and how they are run. */

// What users write.
export { from } from './pipeline/from.ts'
export { pipeline } from './pipeline/pipeline.ts'
export { topic } from './pipeline/topic.ts'
export { ascending, bounded, fromData, perKey } from './pipeline/watermark.ts'
export { tumbling } from './pipeline/window.ts'
export { collect } from './pipeline/aggregators/collect.ts'
export { count } from './pipeline/aggregators/count.ts'
export { distinct } from './pipeline/aggregators/distinct.ts'
export { max, min } from './pipeline/aggregators/extreme.ts'
export { first, last } from './pipeline/aggregators/first-last.ts'
export { mean, sum } from './pipeline/aggregators/sum.ts'
export type { AggregatorOf } from './pipeline/aggregator.ts'
export type { Ordered } from './pipeline/aggregators/extreme.ts'
export type { Pipeline, TumblingWindow, WindowSpec } from './pipeline/node.ts'
export type {
  PrintOptions,
  RecordInfo,
  Stream,
  WindowOptions,
  WindowedStream,
} from './pipeline/stream.ts'
export type { Topic, TopicOptions } from './pipeline/topic.ts'
export type { WatermarkStrategy } from './pipeline/watermark.ts'
export type { Window } from './pipeline/window.ts'

// Values, keys, time, errors.
export { bytes, codec, json, string } from './core/codec.ts'
export { MillraceError } from './core/error.ts'
export type { Codec } from './core/codec.ts'
export type { Duration } from './core/duration.ts'
export type { Blame, ErrorCode, ErrorPlace, Outcome, Retry } from './core/error.ts'
export type { Key } from './core/key.ts'
export type { InferInput, InferOutput, StandardSchema } from './core/schema.ts'

// Running them.
export { run } from './host/run.ts'
export type { HostEvent, Running, RunOptions } from './host/run.ts'
export { openLog } from './host/open-log.ts'
export type { LogChoice } from './host/open-log.ts'
export type { TaskStatus, TaskTime } from './engine/run.ts'
export type { InputTime, StepTime, TimeRelease } from './engine/explain-time.ts'

// The log by hand: append and read without a pipeline.
export { BatchBuilder } from './log/batch.ts'
export type { Header, RecordBatch } from './log/batch.ts'
export type {
  AppendBatch,
  Appended,
  GroupOffset,
  Log,
  Reader,
  TopicConfig,
  TopicInfo,
} from './log/log.ts'
