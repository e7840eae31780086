/** What can be asked of the writer, and what it answers. Plain data: it crosses a thread. */
import {
  MillraceError,
  placeText,
  type ErrorCode,
  type ErrorPlace,
  type Outcome,
} from '../../core/error.ts'
import type {
  AppendBatch,
  Appended,
  ChangelogWrite,
  GroupOffset,
  ProducerStamp,
  StartAt,
  TopicConfig,
  TopicPartition,
} from '../log.ts'

/** An input of a task as it stands at `open`. */
export interface OpenedInput extends TopicPartition {
  readonly partId: number
  readonly offset: number
  readonly skipped: number
}

export interface OpenedTask {
  readonly taskId: number
  readonly epoch: number
  /** Number of the first changelog blob to restore. */
  readonly keepSeq: number
  /** Number of the next one to write: there is one of each number from `keepSeq` to this. */
  readonly nextSeq: number
  readonly inputs: readonly OpenedInput[]
}

/** Requests by kind. `nowMs` is the wall clock of whoever asks. */
export interface Writes {
  'create-topic': { ask: { name: string; config: TopicConfig; nowMs: number }; answer: null }
  'alter-topic': { ask: { name: string; config: Partial<TopicConfig> }; answer: null }
  'delete-topic': { ask: { name: string }; answer: null }
  append: {
    ask: { batches: readonly AppendBatch[]; stamp: ProducerStamp | null; nowMs: number }
    answer: Appended[]
  }
  commit: {
    ask: {
      pipeline: string
      task: string
      taskId: number
      epoch: number
      /** Only those that move. */
      offsets: readonly (TopicPartition & { partId: number; next: number })[]
      appends: readonly AppendBatch[]
      changelog: ChangelogWrite | null
      nowMs: number
    }
    answer: Appended[]
  }
  'open-task': {
    ask: {
      pipeline: string
      task: string
      inputs: readonly TopicPartition[]
      startAt: readonly StartAt[]
      /** The run that opens it; null: no run. A run that was taken over may open no more. */
      generation: number | null
    }
    answer: OpenedTask
  }
  trim: { ask: { offsets: readonly GroupOffset[] }; answer: null }
  'commit-group': { ask: { group: string; offsets: readonly GroupOffset[] }; answer: null }
  'delete-group': { ask: { group: string }; answer: null }
  /**
   * Makes `generation + 1` the pipeline's run, if `generation` still is; fences its tasks where
   * `fence`.
   */
  join: {
    ask: { pipeline: string; generation: number; owner: string; fence: boolean }
    answer: 'joined' | 'outrun'
  }
  leave: { ask: { pipeline: string; generation: number }; answer: null }
  /** One slice of upkeep. `due`: what has fallen due; `all`: also what is not worth it yet. */
  maintain: { ask: { nowMs: number; extent: 'due' | 'all' }; answer: 'more' | 'done' }
}

export type WriteKind = keyof Writes
export type Ask<K extends WriteKind> = { readonly kind: K } & Readonly<Writes[K]['ask']>
export type Answer<K extends WriteKind> = Writes[K]['answer']
export type AnyAsk = { [K in WriteKind]: Ask<K> }[WriteKind]
export type AnyAnswer = Answer<WriteKind>

/** An error as data; class and getters do not survive the way between threads. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string | undefined
  readonly at: ErrorPlace
  readonly outcome: Outcome
}

export type Reply = { readonly answer: AnyAnswer } | { readonly failure: Failure }

export function toFailure(error: MillraceError): Failure {
  const place = placeText(error.at)
  // The constructor adds the place to the message, so it is taken off here.
  const message = place === '' ? error.message : error.message.slice(0, -(place.length + 3))
  return { code: error.code, message, hint: error.hint, at: error.at, outcome: error.outcome }
}

export function fromFailure(failure: Failure): MillraceError {
  const { code, message, hint, at, outcome } = failure
  return new MillraceError(
    code,
    message,
    hint === undefined ? { at, outcome } : { at, outcome, hint },
  )
}
