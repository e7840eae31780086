/** `--http` and what belongs to it. */
import { type Command, InvalidArgumentError } from 'commander'
import { MillraceError } from '../core/error.ts'
import { httpAddressDefault, parseHttpAddress } from '../host/http-address.ts'
import { someText } from './option-values.ts'

export interface HttpCommandOptions {
  readonly http?: string
  readonly ui?: true
  readonly httpTokenFile?: string
  readonly httpHosts?: string
}

/** Adds the options of the HTTP server to a command. */
export function withHttpOptions(command: Command): Command {
  return command
    .option('--ui', `show the page in a browser, and HTTP (default: ${httpAddressDefault})`)
    .option(
      '--http <address>',
      'take records and show what is there over HTTP: PORT, or HOST:PORT (default: MILLRACE_HTTP)',
      httpAddress,
    )
    .option(
      '--http-token-file <file>',
      'what HTTP clients have to show, one token a line (default: MILLRACE_HTTP_TOKEN_FILE)',
      someText,
    )
    .option(
      '--http-hosts <names>',
      'names under which HTTP clients reach it, with commas between',
      someText,
    )
}

/** `run`, also in a file that calls it itself, asks the environment. */
export function setHttpEnvironment(options: HttpCommandOptions): void {
  const { http, ui, httpTokenFile, httpHosts } = options
  if (ui === true) process.env['MILLRACE_UI'] = '1'
  if (http !== undefined) process.env['MILLRACE_HTTP'] = http
  if (httpTokenFile !== undefined) process.env['MILLRACE_HTTP_TOKEN_FILE'] = httpTokenFile
  if (httpHosts !== undefined) process.env['MILLRACE_HTTP_HOSTS'] = httpHosts
}

function httpAddress(text: string): string {
  try {
    parseHttpAddress(text)
    return text
  } catch (thrown) {
    if (!(thrown instanceof MillraceError)) throw thrown
    throw new InvalidArgumentError('Write a port, or HOST:PORT: 7070, 127.0.0.1:7070, [::1]:7070.')
  }
}
