/** What a running command tells on standard error: lines for people, or JSON for programs. */
import { type Command, Option } from 'commander'
import { messageOf, MillraceError } from '../core/error.ts'
import type { HostEvent } from '../host/host-event.ts'
import type { Context } from './context.ts'

export interface LogFormatOptions {
  readonly logFormat?: 'text' | 'json'
}

/** Adds `--log-format` to a command. */
export function withLogFormat(command: Command): Command {
  return command.addOption(
    new Option(
      '--log-format <format>',
      'what goes to standard error: text, or JSON, an object a line',
    )
      .choices(['text', 'json'])
      .default('text')
      .env('MILLRACE_LOG_FORMAT'),
  )
}

/** Events that somebody should look at. */
const warnings = new Set<string>([
  'waiting',
  'retrying',
  'hand-over-failed',
  'blocked',
  'orphans',
  'results-dropped',
  'trim-failed',
])

export class RunNotes {
  readonly #isJson: boolean
  readonly #context: Context

  constructor({ logFormat = 'text' }: LogFormatOptions, context: Context) {
    this.#isJson = logFormat === 'json'
    this.#context = context
  }

  /** @param text null: nothing that people are told */
  event(event: HostEvent, text: string | null): void {
    if (!this.#isJson) {
      if (text !== null) this.#context.note(`millrace: ${text}`)
      return
    }
    if (event.kind === 'failed') return // thrown, and told there
    const { kind, ...fields } = event
    const plain = Object.entries(fields).map(([name, value]) => [name, asJson(value)] as const)
    this.#write(warnings.has(kind) ? 'warn' : 'info', kind, {
      ...Object.fromEntries(plain),
      ...(text === null ? {} : { text }),
    })
  }

  note(event: string, text: string): void {
    if (this.#isJson) this.#write('info', event, { text })
    else this.#context.note(`millrace: ${text}`)
  }

  /**
   * What ends the command.
   * @throws it again, for people; for programs it is written, and the exit code set
   */
  failed(thrown: unknown): void {
    if (!this.#isJson) throw thrown
    this.#write('error', 'failed', { error: asJson(thrown) })
    process.exitCode = 1
  }

  #write(level: string, event: string, fields: Readonly<Record<string, unknown>>): void {
    const time = new Date(this.#context.clock.now()).toISOString()
    this.#context.note(JSON.stringify({ time, level, event, ...fields }))
  }
}

/** Errors as data; all else as it is. */
function asJson(value: unknown): unknown {
  if (!(value instanceof Error)) return value
  if (!(value instanceof MillraceError)) return { message: messageOf(value), stack: value.stack }
  const { code, hint, at } = value
  return { code, message: value.message, ...(hint === undefined ? {} : { hint }), at }
}
