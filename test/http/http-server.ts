/** An HTTP server for tests: on a free port of this machine, in front of a log in memory. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { systemClock } from '../../src/core/clock.ts'
import type { Log } from '../../src/log/log.ts'
import { openMemoryLog } from '../../src/log/memory/memory-log.ts'
import { buildPlan } from '../../src/pipeline/build-plan.ts'
import type { Pipeline } from '../../src/pipeline/node.ts'
import type { HttpOptions } from '../../src/server/http-options.ts'
import { type HttpServer, startHttpServer } from '../../src/server/http-server.ts'
import type { Served } from '../../src/server/served.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body, where it is JSON. */
  readonly json: Record<string, unknown>
}

export interface Wish {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  readonly signal?: AbortSignal
}

export interface TestServerOptions extends Partial<HttpOptions> {
  readonly log?: Log
  readonly served?: Partial<Served>
  readonly pipelines?: readonly Pipeline[]
}

/** Use with `await using`. */
export class TestServer {
  readonly log: Log
  readonly server: HttpServer
  /** What the server failed at. */
  readonly faults: unknown[]

  private constructor(log: Log, server: HttpServer, faults: unknown[]) {
    this.log = log
    this.server = server
    this.faults = faults
  }

  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const { log = openMemoryLog(), served = {}, pipelines = [], ...http } = options
    const faults: unknown[] = []
    const plans = pipelines.map((each) => buildPlan([each], { name: 'p', repartition: false }))
    const server = await startHttpServer(
      { port: 0, ...http },
      {
        log,
        clock: systemClock,
        version: '1.2.3',
        plans,
        run: () => null,
        onFault: (thrown) => faults.push(thrown),
        ...served,
      },
    )
    return new TestServer(log, server, faults)
  }

  get port(): number {
    return Number(new URL(this.server.url).port)
  }

  ask(path: string, wish: Wish = {}): Promise<Answer> {
    return ask(`${this.server.url}${path}`, wish)
  }

  /** Records as one value a line. */
  post(path: string, lines: readonly unknown[], wish: Wish = {}): Promise<Answer> {
    return this.ask(path, {
      method: 'POST',
      ...wish,
      headers: { 'Content-Type': 'application/x-ndjson', ...wish.headers },
      body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    })
  }

  /** Bytes as they are; what comes back until the server closes the connection. */
  raw(text: string | Buffer): Promise<string> {
    return new Promise((resolve) => {
      let shown = ''
      const socket = connect(this.port, '127.0.0.1', () => socket.write(text))
      socket.on('data', (chunk: Buffer) => (shown += chunk.toString()))
      socket.on('error', () => {})
      socket.on('close', () => resolve(shown))
    })
  }

  /** All values of a topic, in order of partition and offset. */
  async values(topic: string): Promise<string[]> {
    return (await this.records(topic)).map(({ value }) => value)
  }

  async records(topic: string): Promise<{ key: string | null; value: string; at: string }[]> {
    const { partitions } = await this.log.describeTopic(topic)
    const reader = await this.log.openReader(
      partitions.map(({ partition, startOffset }) => ({ topic, partition, offset: startOffset })),
    )
    const found = partitions.flatMap(({ partition }) => {
      const records = []
      for (let batch = reader.poll(partition); batch !== null; batch = reader.poll(partition)) {
        for (let i = batch.first; i < batch.count; i++) {
          const key = batch.key(i)?.toString() ?? null
          const value = batch.value(i)?.toString() ?? 'null'
          records.push({ key, value, at: `${partition}@${batch.offset(i)}` })
        }
      }
      return records
    })
    await reader.close()
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close()
    await this.log.close()
  }
}

export function ask(url: string, { method = 'GET', headers, body, signal }: Wish): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      url,
      { method, headers: headers as Record<string, string>, agent: false, signal },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const isJson = (response.headers['content-type'] ?? '').includes('json')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
          })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
