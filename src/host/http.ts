/** The HTTP server of a process: what options and environment say of it, and what it shows. */
import { readFileSync } from 'node:fs'
import { systemClock } from '../core/clock.ts'
import { messageOf, MillraceError } from '../core/error.ts'
import type { Log } from '../log/log.ts'
import { buildPlan } from '../pipeline/build-plan.ts'
import type { Pipeline } from '../pipeline/node.ts'
import type { HttpOptions } from '../server/http-options.ts'
import type { ServedRun } from '../server/served.ts'
import { httpAddressDefault, parseHttpAddress } from './http-address.ts'
import type { Awaited } from './log-notice.ts'
import { version } from './version.ts'

export interface ProcessHttp {
  readonly url: string
  /** The pipelines have started. */
  serve(run: ShownRun): void
  /** Answers the requests under way. Idempotent. */
  close(): Promise<void>
}

/** What is shown of a run; its parts may be replaced as they start. */
export interface ShownRun extends Pick<ServedRun, 'sources' | 'deliveries'> {
  readonly engine: Pick<ServedRun, 'status' | 'explain' | 'plans' | 'steps' | 'lookAt' | 'lookAway'>
}

export interface HttpParts {
  readonly log: Log
  readonly pipelines: readonly Pipeline[]
  /** Of the pipelines that have no name of their own. */
  readonly name: string
  readonly notify: (event: { readonly kind: 'http'; readonly text: string }) => void
  readonly awaited: Awaited
}

/**
 * Begins to listen, where options or environment ask for it.
 * @returns null where they do not
 * @throws `invalid-argument` · `invalid-duration` · `file-not-found` (of the token)
 */
export async function openHttp(
  options: HttpOptions | undefined,
  { log, pipelines, name, notify, awaited }: HttpParts,
): Promise<ProcessHttp | null> {
  const settings = httpSettings(options)
  if (settings === null) return null
  // Loaded only where it is wanted.
  const { startHttpServer } = await import('../server/http-server.ts')
  const groups = Map.groupBy(pipelines, (pipeline) => pipeline.name ?? name)
  let run: ServedRun | null = null
  const server = await startHttpServer(settings, {
    log,
    clock: systemClock,
    version: version(),
    plans: [...groups].map(([each, group]) => buildPlan(group, { name: each, repartition: false })),
    run: () => run,
    onFault: (thrown) =>
      notify({ kind: 'http', text: `HTTP: a request failed: ${messageOf(thrown)}` }),
  })
  const what = settings.ui === true ? 'page and HTTP' : 'HTTP'
  notify({ kind: 'http', text: `${what} on ${server.url}` })
  return {
    url: server.url,
    serve: (shown) => {
      const { engine } = shown
      run = {
        status: () => engine.status(),
        explain: () => engine.explain(),
        plans: () => engine.plans(),
        steps: () => engine.steps(),
        lookAt: (pipeline, step) => engine.lookAt(pipeline, step),
        lookAway: (pipeline, step) => engine.lookAway(pipeline, step),
        sources: () => shown.sources(),
        deliveries: () => shown.deliveries(),
        waitsFor: () => awaited.texts,
      }
    },
    close: () => server.close(),
  }
}

/**
 * Options, and for what they leave out MILLRACE_HTTP, MILLRACE_UI, MILLRACE_HTTP_TOKEN,
 * MILLRACE_HTTP_TOKEN_FILE and MILLRACE_HTTP_HOSTS.
 */
function httpSettings(options: HttpOptions | undefined): HttpOptions | null {
  const { MILLRACE_HTTP: named = '', MILLRACE_HTTP_HOSTS: hosts = '' } = process.env
  const ui = process.env['MILLRACE_UI'] === '1'
  const address = named === '' && ui ? httpAddressDefault : named
  if (options === undefined && address === '') return null
  const given: HttpOptions = { ui, ...(options ?? parseHttpAddress(address)) }
  const tokens = given.token ?? tokensOfEnvironment()
  return {
    ...given,
    token: tokens,
    hosts: given.hosts ?? hosts.split(',').filter((name) => name !== ''),
  }
}

function tokensOfEnvironment(): string[] {
  const { MILLRACE_HTTP_TOKEN: token = '', MILLRACE_HTTP_TOKEN_FILE: file = '' } = process.env
  return [...(token === '' ? [] : [token]), ...(file === '' ? [] : tokensOfFile(file))]
}

/** One token a line. @throws `file-not-found` · `invalid-argument` for a file without any */
function tokensOfFile(file: string): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new MillraceError('file-not-found', `the HTTP tokens' file ${file} cannot be read`, {
      cause: thrown,
    })
  }
  const tokens = text.split('\n').map((line) => line.trim())
  const given = tokens.filter((line) => line !== '' && !line.startsWith('#'))
  if (given.length > 0) return given
  throw new MillraceError('invalid-argument', `the file ${file} has no HTTP token`, {
    hint: 'write one a line: openssl rand -hex 32',
  })
}
