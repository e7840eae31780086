/** Sends an answer that goes on, until the client is gone or the server closes. */
import type { ServerResponse } from 'node:http'
import type { Stream, StreamClient } from './route.ts'

export async function sendStream(
  response: ServerResponse,
  reply: Stream,
  {
    headers,
    closing,
  }: {
    readonly headers: Readonly<Record<string, string>>
    readonly closing: AbortSignal
  },
): Promise<void> {
  const controller = new AbortController()
  const end = (): void => controller.abort()
  response.once('close', end)
  closing.addEventListener('abort', end)
  if (closing.aborted) end()
  const client: StreamClient = {
    gone: controller.signal,
    get isReady() {
      return !response.writableNeedDrain
    },
    write: (text) => {
      if (!controller.signal.aborted) response.write(text)
    },
    drained: () =>
      new Promise((resolve) => {
        if (!response.writableNeedDrain || controller.signal.aborted) return resolve()
        const done = (): void => {
          response.removeListener('drain', done)
          controller.signal.removeEventListener('abort', done)
          resolve()
        }
        response.once('drain', done)
        controller.signal.addEventListener('abort', done)
        return undefined
      }),
  }
  response.writeHead(200, { ...headers, 'Content-Type': reply.contentType, Connection: 'close' })
  try {
    await reply.stream(client)
  } finally {
    closing.removeEventListener('abort', end)
    response.end()
  }
}
