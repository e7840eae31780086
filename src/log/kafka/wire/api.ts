/**
 * One request of Kafka's protocol at one version: how it is written and how its answer is read.
 * Answers are read by our own parsers, which return error codes as numbers and never throw on them:
 * the library's reject with the first code only, and lose codes that they do not know.
 *
 * One file for each request in `requests/`, named after it.
 */
import type { Reader, Writer } from '@platformatic/kafka'

export interface Api<Request, Answer> {
  /** Kafka's name, e.g. `Metadata`. */
  readonly name: string
  /** Kafka's api key. */
  readonly key: number
  /** The version that `write` and `read` speak. */
  readonly version: number
  /** False for the old, inflexible request headers (ApiVersions answers, SaslHandshake). */
  readonly flexible: boolean
  write(writer: Writer, request: Request): void
  read(reader: Reader): Answer
}

/** Gives an Api its types. */
export function api<Request, Answer>(spec: Api<Request, Answer>): Api<Request, Answer> {
  return spec
}
