/**
 * Where records go that cannot be processed: `<topic>.dead` for what does not decode, validate or
 * process, `<topic>.late` for what came too late for a step. Key and value are the raw bytes of the
 * input record; why and where from stands in the headers:
 *
 *   millrace-reason (an error code, or `late`) · -step · -message · -stack · -topic · -partition ·
 *   -offset · -time (record time, ms)
 *   · -watermark and -window-end (late only) · -value (`json` where the value is no raw input but a
 *     result, written as JSON)
 *   · -cut (bytes of the whole value, where it is too large for the letters' topic and only its
 *     beginning is kept) · -pipeline (who refused it)
 *   · -passage, -passage-bytes (behind a repartition: where the record lay there, and its value)
 *
 * Headers that the record itself had are kept beside them, and what tells of earlier letters
 * (src/pipeline/replay-headers.ts).
 */
import { encodeKey } from '../core/key.ts'
import type { Key } from '../core/key.ts'
import { MillraceError, messageOf } from '../core/error.ts'
import { encodeHeaders, type Header } from '../log/batch.ts'
import { deadTopic, lateTopic } from '../pipeline/letter-topic.ts'
import {
  keptInLetter,
  passageBytesHeader,
  passageHeader,
  placeText,
} from '../pipeline/replay-headers.ts'
import type { RecordPlace } from '../pipeline/replay-headers.ts'
import type { Cause } from './operators/operator.ts'
import type { Outputs } from './outputs.ts'
import type { StepFigures } from './step-figures.ts'

/** Room that the headers may take on top of the record: letters' topics accept this much more. */
export const letterHeaderBytesMax = 16_384
/**
 * Of one header's text. The few long ones (message, stack) fit `letterHeaderBytesMax` together with
 * all the others.
 */
const textBytesMax = 4000

/** The input record in hand, as it lies in the log. */
export interface Origin {
  readonly topic: string
  readonly partition: number
  /** −1: none, for what is no input record of the topic. */
  readonly offset: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timeMs: number
  readonly headers: readonly Header[]
  /** Where the record came on its way, behind a repartition, and its value there. */
  readonly passage?: { readonly place: RecordPlace; readonly bytes: Uint8Array }
  /** `json`: the value is not what lies at that offset but a value on its way, written as JSON. */
  readonly form: 'raw' | 'json'
}

/** A value on its way while no input record is in hand. */
export interface Result {
  readonly value: unknown
  readonly key: Key | null
  readonly timeMs: number
  /** The input record behind it; default: none alone. */
  readonly cause?: Cause | null
}

export class Letters {
  readonly #outputs: Outputs
  /**
   * The user's topic whose letters' topics take what has no better place (a window's result, a
   * repartitioned record).
   */
  readonly #homeTopic: string
  readonly #pipeline: Header
  readonly #figures: StepFigures | null

  /** @param figures where letters are to be counted by step */
  constructor(
    outputs: Outputs,
    homeTopic: string,
    pipeline: string,
    figures: StepFigures | null = null,
  ) {
    this.#outputs = outputs
    this.#homeTopic = homeTopic
    this.#pipeline = header('pipeline', pipeline)
    this.#figures = figures
  }

  /** A record that does not decode, validate or process. */
  dead(origin: Origin, step: string, thrown: unknown): void {
    this.#figures?.isDead(step)
    this.#add(deadTopic(origin.topic), origin, [...reason(thrown), ...whence(origin, step)])
  }

  /** A record that is late for a step. */
  late(origin: Origin, step: string, detail: { watermarkMs: number; windowEndMs: number }): void {
    this.#figures?.isLate(step)
    this.#add(lateTopic(origin.topic), origin, [
      header('reason', 'late'),
      ...whence(origin, step),
      header('watermark', String(detail.watermarkMs)),
      header('window-end', String(detail.windowEndMs)),
    ])
  }

  /** A result that a later step threw at; no input record is in hand. */
  deadResult(result: Result, step: string, thrown: unknown): void {
    this.#figures?.isDead(step)
    const origin = this.#originOf(result)
    const place = origin.offset < 0 ? [header('step', step), ...formOf(origin)] : null
    this.#add(deadTopic(origin.topic), origin, [
      ...reason(thrown),
      ...(place ?? whence(origin, step)),
    ])
  }

  /** A result that is late for a later step; no input record is in hand. */
  lateResult(
    result: Result,
    step: string,
    detail: { watermarkMs: number; windowEndMs: number },
  ): void {
    this.#figures?.isLate(step)
    const origin = this.#originOf(result)
    const time = [header('step', step), header('time', String(result.timeMs)), ...formOf(origin)]
    this.#add(lateTopic(origin.topic), origin, [
      header('reason', 'late'),
      ...(origin.offset < 0 ? time : whence(origin, step)),
      header('watermark', String(detail.watermarkMs)),
      header('window-end', String(detail.windowEndMs)),
    ])
  }

  #originOf({ key, value, timeMs, cause }: Result): Origin {
    return {
      topic: cause?.topic ?? this.#homeTopic,
      partition: cause?.partition ?? 0,
      offset: cause?.offset ?? -1,
      key: key === null ? null : Buffer.from(keyText(key)),
      value: Buffer.from(jsonText(value)),
      timeMs,
      headers: [],
      form: 'json',
    }
  }

  #add(topic: string, origin: Origin, headers: Header[]): void {
    const { partitionCount, recordBytesMax } = this.#outputs.target(topic).topic
    const partition = origin.partition % partitionCount
    const { key, timeMs } = origin
    let { value } = origin
    // A letter must not fail: what it tells of would stop the task. A raw input always fits; it
    // lies in its own topic besides.
    const all = Math.max(0, recordBytesMax - letterHeaderBytesMax - (key?.length ?? 0))
    const own = [...keptInLetter(origin.headers), ...passageOf(origin)]
    const ownBytes = own.length === 0 ? 0 : encodeHeaders(own).length
    const room = ownBytes > all ? all : all - ownBytes
    headers.push(this.#pipeline)
    if (value !== null && value.length > room) {
      headers.push(header('cut', String(value.length)))
      value = value.subarray(0, room)
    }
    if (ownBytes > 0 && ownBytes <= all) headers.push(...own)
    this.#outputs.add(topic, partition, { key, value, timeMs, headers })
  }
}

function header(name: string, value: string): Header {
  const bytes = Buffer.from(value.slice(0, textBytesMax))
  let end = Math.min(bytes.length, textBytesMax)
  // Not inside a character.
  while (end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1
  return { name: `millrace-${name}`, value: bytes.subarray(0, end) }
}

/** The key's text. A key that is no UTF-8 may be the very reason for the letter. */
function keyText(key: Key): string {
  return typeof key === 'string' ? key.toWellFormed() : encodeKey(key)
}

function reason(thrown: unknown): Header[] {
  const code = thrown instanceof MillraceError ? thrown.code : 'step-failed'
  const stack =
    thrown instanceof Error && !(thrown instanceof MillraceError) ? (thrown.stack ?? '') : ''
  return [
    header('reason', code),
    header('message', messageOf(thrown)),
    ...(stack === '' ? [] : [header('stack', stack)]),
  ]
}

function whence(origin: Origin, step: string): Header[] {
  return [
    header('step', step),
    header('topic', origin.topic),
    header('partition', String(origin.partition)),
    header('offset', String(origin.offset)),
    header('time', String(origin.timeMs)),
    ...formOf(origin),
  ]
}

function passageOf({ passage }: Origin): Header[] {
  if (passage === undefined) return []
  return [
    { name: passageHeader, value: Buffer.from(placeText(passage.place)) },
    { name: passageBytesHeader, value: passage.bytes },
  ]
}

function formOf(origin: Origin): Header[] {
  return origin.form === 'json' ? [header('value', 'json')] : []
}

/** JSON of any value: bigints as digits, what cannot be written as null. */
export function jsonText(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_name, part: unknown) =>
        typeof part === 'bigint' ? part.toString() : part,
      ) ?? 'null'
    )
  } catch {
    return JSON.stringify(String(value)) // a cycle: at least what it calls itself
  }
}
