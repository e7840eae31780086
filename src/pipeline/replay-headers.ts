/**
 * Headers of a record that was a dead letter and is processed again: for whom it is, which letter
 * it was, and where the very first record of this history lay. A letter of such a record carries
 * them on, so that the chain is kept however often it dies.
 *
 *   millrace-for (pipeline) · -letter and -first (`topic/partition/offset`) · -attempt (replays)
 */
import { keyTypeHeader } from './key-type-header.ts'

export interface PlainHeader {
  readonly name: string
  readonly value: Uint8Array | null
}

/** Where a record lies. */
export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface ReplayChain {
  /** The letter that was replayed last. */
  readonly letter: RecordPlace
  /** The record that the first letter told of. */
  readonly first: RecordPlace
  /** How often it was replayed, from 1. */
  readonly attempt: number
}

const mark = 'millrace-'
const forName = `${mark}for`
const letterName = `${mark}letter`
const firstName = `${mark}first`
const attemptName = `${mark}attempt`
/**
 * Of a letter behind a repartition: the place of the record in that topic, and its bytes there, so
 * that it can be put back to where it died, past the steps before.
 */
export const passageHeader = `${mark}passage`
export const passageBytesHeader = `${mark}passage-bytes`
/** In every block that holds a record for one pipeline alone. */
export const addressMark: Uint8Array = Buffer.from(forName)

/** @param pipeline null: for every pipeline that reads the topic */
export function replayHeaders(chain: ReplayChain, pipeline: string | null): PlainHeader[] {
  return [
    ...(pipeline === null ? [] : [textHeader(forName, pipeline)]),
    textHeader(letterName, placeText(chain.letter)),
    textHeader(firstName, placeText(chain.first)),
    textHeader(attemptName, String(chain.attempt)),
  ]
}

/** What a record's headers tell of earlier letters; null: it was none. */
export function chainOf(headers: readonly PlainHeader[]): ReplayChain | null {
  const letter = placeOf(textOf(headers, letterName))
  const first = placeOf(textOf(headers, firstName))
  const attempt = Number(textOf(headers, attemptName))
  if (letter === null || first === null || !Number.isSafeInteger(attempt)) return null
  return { letter, first, attempt }
}

/** Whether a record is for another pipeline alone. */
export function isForOther(headers: readonly PlainHeader[], pipeline: string): boolean {
  const named = textOf(headers, forName)
  return named !== null && named !== pipeline
}

/** Headers of a record that its letter keeps: those of others, and what is needed to go on. */
export function keptInLetter(headers: readonly PlainHeader[]): PlainHeader[] {
  return headers.filter(({ name }) => isOfSender(name) || chainNames.has(name))
}

/** Headers of a letter that the replayed record has again. */
export function keptInReplay(headers: readonly PlainHeader[]): PlainHeader[] {
  return headers.filter(({ name }) => isOfSender(name))
}

const chainNames: ReadonlySet<string> = new Set([letterName, firstName, attemptName])

function isOfSender(name: string): boolean {
  return !name.startsWith(mark) || name === keyTypeHeader
}

/** `topic/partition/offset` */
export function placeText({ topic, partition, offset }: RecordPlace): string {
  return `${topic}/${partition}/${offset}`
}

/** @returns null for what is no place */
export function placeOf(text: string | null): RecordPlace | null {
  const [, topic, partition, offset] = /^([^/]+)\/(\d{1,10})\/(\d{1,16})$/.exec(text ?? '') ?? []
  if (topic === undefined) return null
  return { topic, partition: Number(partition), offset: Number(offset) }
}

/** The text of the first header of a name. */
export function textOf(headers: readonly PlainHeader[], name: string): string | null {
  const value = headers.find((one) => one.name === name)?.value ?? null
  if (value === null) return null
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
}

function textHeader(name: string, text: string): PlainHeader {
  return { name, value: Buffer.from(text) }
}
