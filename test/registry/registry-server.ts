/**
 * A schema registry in this process: the part of Confluent's protocol that codecs use, with its
 * error codes, and faults on demand.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Version {
  readonly id: number
  readonly body: Record<string, unknown>
}

export interface RegistryServer {
  readonly url: string
  /** `METHOD path`, in order. */
  readonly requests: readonly string[]
  /** The authorization headers that came. */
  readonly logins: readonly (string | undefined)[]
  /** Answers the next requests with a status, or hangs up (0). */
  failNext(...statuses: readonly number[]): void
  /** What is registered under a subject, oldest first. */
  versions(subject: string): readonly Record<string, unknown>[]
  close(): Promise<void>
}

export async function startRegistry(): Promise<RegistryServer> {
  const subjects = new Map<string, Version[]>()
  const requests: string[] = []
  const logins: (string | undefined)[] = []
  const failures: number[] = []
  const all = (): Version[] => [...subjects.values()].flat()

  const idOf = (body: Record<string, unknown>): number =>
    all().find((one) => JSON.stringify(one.body) === JSON.stringify(body))?.id ??
    1 + new Set(all().map(({ id }) => id)).size

  const answer = (method: string, path: string, body: Record<string, unknown>): unknown => {
    const [, first, second = '', third, fourth] = path.split('/').map(decodeURIComponent)
    if (first === 'schemas') {
      const found = all().find(({ id }) => String(id) === third)
      return found === undefined ? error(404, 40403, 'Schema not found') : found.body
    }
    if (first !== 'subjects') return error(404, 404, 'HTTP 404 Not Found')
    const versions = subjects.get(second) ?? []
    if (method === 'GET') {
      const index = fourth === 'latest' ? versions.length : Number(fourth)
      const found = versions[index - 1]
      if (versions.length === 0) return error(404, 40401, `Subject '${second}' not found.`)
      if (found === undefined) return error(404, 40402, `Version ${fourth} not found.`)
      return { subject: second, version: index, id: found.id, ...found.body }
    }
    if (typeof body['schema'] !== 'string' || body['schema'].includes('INVALID')) {
      return error(422, 42201, 'Invalid schema')
    }
    const known = versions.find((one) => JSON.stringify(one.body) === JSON.stringify(body))
    if (known !== undefined) return { id: known.id }
    if (third !== 'versions') return error(404, 40403, 'Schema not found')
    const version = { id: idOf(body), body }
    subjects.set(second, [...versions, version])
    return { id: version.id }
  }

  const server = createServer((request, response) => {
    void (async () => {
      requests.push(`${request.method} ${request.url}`)
      logins.push(request.headers.authorization)
      const failure = failures.shift()
      if (failure === 0) return void request.socket.destroy()
      const body = await readBody(request)
      if (failure !== undefined) return send(response, error(failure, failure, 'out of order'))
      send(response, answer(request.method ?? '', request.url ?? '', body))
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    logins,
    failNext: (...statuses) => void failures.push(...statuses),
    versions: (subject) => (subjects.get(subject) ?? []).map(({ body }) => body),
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

class Refusal {
  readonly status: number
  readonly body: unknown

  constructor(status: number, body: unknown) {
    this.status = status
    this.body = body
  }
}

function error(status: number, code: number, message: string): Refusal {
  return new Refusal(status, { error_code: code, message })
}

function send(response: ServerResponse, result: unknown): void {
  const [status, body] = result instanceof Refusal ? [result.status, result.body] : [200, result]
  response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
  response.end(JSON.stringify(body))
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}
