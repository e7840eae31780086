/** A client of server-sent events, for tests. */
import { request, type IncomingMessage } from 'node:http'

export interface ServerEvent {
  readonly event: string
  readonly id: string | null
  /** The data, which is JSON here. */
  readonly data: Record<string, unknown>
}

export class EventListener {
  readonly response: IncomingMessage
  readonly closed: Promise<unknown>
  #text = ''

  private constructor(response: IncomingMessage) {
    this.response = response
    response.setEncoding('utf8')
    response.on('data', (part: string) => (this.#text += part))
    response.on('error', () => {})
    this.closed = new Promise((resolve) => response.once('close', resolve))
  }

  static async open(
    port: number,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<EventListener> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', path, headers, agent: false })
      sent.on('response', resolve)
      sent.on('error', reject)
      sent.end()
    })
    return new EventListener(response)
  }

  get text(): string {
    return this.#text
  }

  /** Without comments. */
  get events(): ServerEvent[] {
    const whole = this.#text.split('\n\n').slice(0, -1)
    return whole
      .filter((event) => !event.startsWith(':'))
      .map((event) => {
        const fields = new Map(
          event.split('\n').map((line) => {
            const colon = line.indexOf(': ')
            return [line.slice(0, colon), line.slice(colon + 2)]
          }),
        )
        return {
          event: fields.get('event') ?? 'message',
          id: fields.get('id') ?? null,
          data: JSON.parse(fields.get('data') ?? 'null') as Record<string, unknown>,
        }
      })
  }

  async until(count: number): Promise<ServerEvent[]> {
    while (this.events.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
    return this.events
  }

  close(): void {
    this.response.destroy()
  }
}
