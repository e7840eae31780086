/** Routes: what can be asked for, and how it is found. */
import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.ts'
import { type Params, type ParamSpecs, readParams } from './params.ts'

export interface Reply {
  readonly status: number
  /** Written as JSON; text and bytes as they are. */
  readonly body: object | string | Buffer
  /** Default: `application/json`. */
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that goes on until the client, or the server, ends it. */
export interface Stream {
  readonly status: 200
  readonly contentType: string
  /** Resolves when it is over; `client.gone` fires when nobody listens any more. */
  stream(client: StreamClient): Promise<void>
}

export interface StreamClient {
  /** The client is gone, or the server closes. */
  readonly gone: AbortSignal
  /** Whether what was written has left: where it has not, more would only wait in memory. */
  readonly isReady: boolean
  write(text: string): void
  /** Resolves when what was written has left, or the client is gone. */
  drained(): Promise<void>
}

export interface Asked {
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly request: IncomingMessage
  /** To be called before the body is read. */
  begin(): void
}

/** How the API's description tells of a body. */
export interface BodyDescription {
  readonly description: string
  readonly content: Readonly<Record<string, { readonly schema: object }>>
}

export interface Route {
  readonly method: 'GET' | 'POST'
  /** Segments; `{name}` takes any one. */
  readonly path: string
  readonly name: string
  readonly summary: string
  readonly params: ParamSpecs
  readonly body: BodyDescription | null
  /** Status → what comes with it. */
  readonly replies: Readonly<Record<number, BodyDescription>>
  /** Whether it is answered without a token. */
  readonly isOpen: boolean
  handle(asked: Asked): Promise<Reply | Stream> | Reply | Stream
}

/** A route whose parameters have types. */
export function route<const S extends ParamSpecs>(
  described: Omit<Route, 'params' | 'handle' | 'body' | 'isOpen'> & {
    readonly params: S
    readonly body?: BodyDescription
    readonly isOpen?: true
    handle(params: Params<S>, asked: Asked): Promise<Reply | Stream> | Reply | Stream
  },
): Route {
  return {
    ...described,
    body: described.body ?? null,
    isOpen: described.isOpen ?? false,
    handle: (asked) => described.handle(readParams(described.params, asked), asked),
  }
}

export interface Found {
  readonly route: Route
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

export class Router {
  readonly #routes: readonly { readonly route: Route; readonly segments: readonly string[] }[]

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((one) => ({ route: one, segments: one.path.split('/').slice(1) }))
  }

  /** @throws Refusal 400, 404, 405 */
  find(method: string, url: string): Found {
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    if (!path.startsWith('/')) throw new Refusal(400, 'bad-request', 'the path must begin with /')
    const given = path.split('/').slice(1).map(decoded)
    const here = this.#routes.flatMap(({ route: one, segments }) => {
      const found = matched(segments, given)
      return found === null ? [] : [{ route: one, path: found }]
    })
    if (here.length === 0) {
      throw new Refusal(404, 'not-found', 'there is nothing at this path', {
        hint: 'GET /openapi.json lists what there is',
      })
    }
    const wanted = method === 'HEAD' ? 'GET' : method
    const found = here.find((one) => one.route.method === wanted)
    if (found === undefined) {
      const allowed = here.map((one) => one.route.method).join(', ')
      throw new Refusal(405, 'method-not-allowed', `this path takes ${allowed}`, {
        headers: { Allow: allowed },
      })
    }
    return { ...found, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) }
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new Refusal(400, 'bad-request', 'the path has a % that is no escape')
  }
}

function matched(
  segments: readonly string[],
  given: readonly string[],
): Record<string, string> | null {
  if (segments.length !== given.length) return null
  const path: Record<string, string> = {}
  for (const [i, segment] of segments.entries()) {
    const part = given[i] as string
    if (segment.startsWith('{')) path[segment.slice(1, -1)] = part
    else if (segment !== part) return null
  }
  return path
}
