/** The door `millrace`: what pipelines are made of, and how they are run. */

// What users write.
export { action } from './connect/sinks/action.ts'
export { deliverySpec } from './connect/delivery/delivery-options.ts'
export { files } from './connect/sinks/files.ts'
export { fileSource } from './connect/sources/file.ts'
export { folderSource } from './connect/sources/folder.ts'
export { generator } from './connect/sources/generator.ts'
export { recording } from './connect/files/recording.ts'
export { replay } from './connect/sources/replay.ts'
export { schedule } from './connect/sources/schedule.ts'
export { stdinSource } from './connect/sources/stdin.ts'
export { webhook } from './connect/sinks/webhook.ts'
export { webSocketSource } from './connect/sources/web-socket.ts'
export { machineVitals } from './connect/sources/vitals.ts'
export { from } from './pipeline/from.ts'
export { globalTable } from './pipeline/global-table.ts'
export { lookup } from './pipeline/lookup.ts'
export { alert } from './pipeline/alert.ts'
export { output } from './pipeline/process.ts'
export { listState, mapState, valueState } from './pipeline/process-state.ts'
export { asOf, sameWindow, within } from './pipeline/join-how.ts'
export { pattern } from './pipeline/pattern.ts'
export { pipeline } from './pipeline/pipeline.ts'
export { table } from './pipeline/table.ts'
export { topic } from './pipeline/topic.ts'
export { ascending, bounded, perKey } from './pipeline/watermark.ts'
export { calendar, cumulative, session, sliding, trailing, tumbling } from './pipeline/window.ts'
export { countWindow, globalWindow, onCount, onInterval } from './pipeline/count-window.ts'
export { aggregator } from './pipeline/aggregators/own.ts'
export { approxDistinct } from './pipeline/aggregators/approx-distinct.ts'
export { argMax, argMin } from './pipeline/aggregators/arg-extreme.ts'
export { ewma } from './pipeline/aggregators/ewma.ts'
export { histogram } from './pipeline/aggregators/histogram.ts'
export { quantile } from './pipeline/aggregators/quantile.ts'
export { topK } from './pipeline/aggregators/top-k.ts'
export { stddev, variance } from './pipeline/aggregators/variance.ts'
export { collect } from './pipeline/aggregators/collect.ts'
export { count } from './pipeline/aggregators/count.ts'
export { distinct } from './pipeline/aggregators/distinct.ts'
export { max, min } from './pipeline/aggregators/extreme.ts'
export { first, last } from './pipeline/aggregators/first-last.ts'
export { mean, sum } from './pipeline/aggregators/sum.ts'
export type { ActionInfo, ActionOptions } from './connect/sinks/action.ts'
export type { FilesOptions } from './connect/sinks/files.ts'
export type { ColumnType } from './connect/files-out/file-format.ts'
export type {
  WebSocketData,
  WebSocketPosition,
  WebSocketSourceOptions,
} from './connect/sources/web-socket.ts'
export type { WebhookOptions } from './connect/sinks/webhook.ts'
export type { Secret } from './connect/secret.ts'
export type {
  DeliveryDefaults,
  DeliveryOptions,
  DeliverySpec,
} from './connect/delivery/delivery-options.ts'
export type { DeliveryStatus } from './connect/delivery/deliver.ts'
export type {
  Attempt,
  DeliveringSink,
  OutboxPlace,
  Sink,
  SinkConnection,
  SinkContext,
  SinkPartition,
  SinkRecord,
  TransactionalConnection,
  TransactionalSink,
} from './connect/sink.ts'
export type { RowOptions } from './connect/files/row-format.ts'
export type { FilePosition, FileSourceOptions } from './connect/sources/file.ts'
export type { FolderPosition, FolderSourceOptions } from './connect/sources/folder.ts'
export type { GeneratorOptions, GeneratorPosition } from './connect/sources/generator.ts'
export type { RecordingOptions } from './connect/files/recording.ts'
export type {
  Recording,
  RecordingRow,
  ReplayOptions,
  ReplayPosition,
} from './connect/sources/replay.ts'
export type { Due, ScheduleOptions, SchedulePosition } from './connect/sources/schedule.ts'
export type { Vitals, VitalsOptions, VitalsPosition } from './connect/sources/vitals.ts'
export type { StdinPosition, StdinSourceOptions } from './connect/sources/stdin.ts'
export type { Source, SourceBatch, SourceContext, SourceRecord } from './connect/source.ts'
export type { DedupeStatus } from './connect/source-loop.ts'
export type { SourceStatus } from './connect/source-runner.ts'
export type { SinkOf } from './pipeline/sink-spec.ts'
export type { SourceSpec } from './pipeline/source-spec.ts'
export type { SourceStart, SourceStartOptions } from './pipeline/source-start.ts'
export type { AggregatorOf } from './pipeline/aggregator.ts'
export type { ApproxDistinctOptions } from './pipeline/aggregators/approx-distinct.ts'
export type { EwmaByRecord, EwmaByTime } from './pipeline/aggregators/ewma.ts'
export type { Bucket, EvenBounds } from './pipeline/aggregators/histogram.ts'
export type { OwnAggregator } from './pipeline/aggregators/own.ts'
export type { QuantileOptions } from './pipeline/aggregators/quantile.ts'
export type { TopValue } from './pipeline/aggregators/top-k.ts'
export type { VarianceOptions } from './pipeline/aggregators/variance.ts'
export type { Ordered } from './pipeline/aggregators/extreme.ts'
export type {
  AsOf,
  Forever,
  SameWindow,
  StreamJoin,
  TimeRange,
  Within,
} from './pipeline/join-how.ts'
export type { Lookup, LookupCacheOptions, LookupInfo, LookupOptions } from './pipeline/lookup.ts'
export type { CallOptions, MapAsyncInfo, MapAsyncOptions } from './pipeline/map-async.ts'
export type { Alert, AlertOptions } from './pipeline/alert.ts'
export type {
  OutputType,
  ProcessContext,
  ProcessOptions,
  Timer,
  TimerKind,
  Timers,
} from './pipeline/process.ts'
export type {
  ListState,
  MapState,
  StateDeclaration,
  StateOptions,
  ValueState,
} from './pipeline/process-state.ts'
export type { Split } from './pipeline/split.ts'
export type { JoinType } from './pipeline/join-spec.ts'
export type {
  GlobalJoinOptions,
  GlobalTable,
  StreamJoinOptions,
  TableJoinOptions,
} from './pipeline/join-types.ts'
export type { Pipeline, TumblingWindow, WindowSpec } from './pipeline/node.ts'
export type {
  GroupedTable,
  Matches,
  PrintOptions,
  Processed,
  RecordInfo,
  Stream,
  Table,
  WindowOptions,
  WindowedStream,
} from './pipeline/stream.ts'
export type {
  AfterMatch,
  Match,
  MatchOptions,
  TimedOut,
} from './pipeline/patterns/match-options.ts'
export type {
  Condition,
  OneOptions,
  Pattern,
  PatternStart,
  SomeOptions,
} from './pipeline/patterns/pattern-value.ts'
export type {
  Change,
  Changed,
  DedupeOptions,
  ForeignKeyJoinOptions,
  KeyJoinOptions,
  RunningOptions,
  Top,
  TopNOptions,
} from './pipeline/table-types.ts'
export type { Topic, TopicOptions } from './pipeline/topic.ts'
export type { WatermarkStrategy } from './pipeline/watermark.ts'
export type {
  CalendarPeriod,
  Window,
  WindowAlignment,
  WindowTimeOption,
} from './pipeline/window.ts'
export type { TriggerOptions } from './pipeline/count-window.ts'
export type {
  CalendarWindow,
  CountWindow,
  CumulativeWindow,
  GlobalWindow,
  SessionWindow,
  SlidingWindow,
  TrailingWindow,
  TriggerSpec,
  WindowTime,
} from './pipeline/window-spec.ts'

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
export type { HostEvent } from './host/host-event.ts'
export type { Running, RunOptions } from './host/run.ts'
export type { HttpOptions } from './server/http-options.ts'
export { openLog } from './host/open-log.ts'
export type { LogChoice } from './host/open-log.ts'
export type { RestoreProgress } from './engine/restore-task.ts'
export type { TaskTime } from './engine/run.ts'
export type { TaskStatus } from './engine/task-status.ts'
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
