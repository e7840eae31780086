/** What the fuzzer feeds: a reader of bytes from outside, and what it may do with them. */
import type { ErrorCode } from '../../src/core/error.ts'

export interface Target {
  readonly name: string
  /** Valid inputs to begin with, and such as reach far. */
  readonly seeds: readonly Uint8Array[]
  /** Pieces that mean something to the reader: put in here and there. */
  readonly dictionary?: readonly (string | Uint8Array)[]
  /** Codes of the errors by which it may refuse an input. Anything else thrown is a fault. */
  readonly codes: readonly ErrorCode[]
  /** Names of errors of others by which it may refuse, too: commander's. */
  readonly errorNames?: readonly string[]
  /** Puts checksums and lengths right, so that more than the check of the checksum is reached. */
  readonly repair?: (bytes: Buffer) => Buffer
  /** Longest input, bytes. Default 4096. */
  readonly bytesMax?: number
  /** What one input may allocate, bytes, beside 1000 times its length. Default 16 MiB. */
  readonly allocationMax?: number
  /** CPU time that one input may take, ms. Default 1000. */
  readonly cpuMsMax?: number
  open(): Subject | Promise<Subject>
}

export interface Subject {
  /** Reads one input. @throws what the target allows, or a fault */
  run(bytes: Buffer): void | Promise<void>
  close?(): void | Promise<void>
}

/** A property does not hold: always a fault. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function must(holds: boolean, what: () => string): asserts holds {
  if (!holds) throw new Broken(what())
}

/** A reader that needs nothing before and nothing after. */
export function reading(run: (bytes: Buffer) => void | Promise<void>): () => Subject {
  return () => ({ run })
}

/** A reader of text: inputs that are not UTF-8 reach it with replacement characters. */
export function readingText(run: (text: string) => void | Promise<void>): () => Subject {
  return () => ({ run: (bytes) => run(bytes.toString('utf8')) })
}

export function texts(...given: readonly string[]): Uint8Array[] {
  return given.map((text) => Buffer.from(text, 'utf8'))
}

/** `hexes('0d01 ff')`: bytes by their hexadecimal digits. */
export function hexes(text: string): Uint8Array[] {
  return text.split(' ').map((hex) => Buffer.from(hex, 'hex'))
}
