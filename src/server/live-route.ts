/** `GET /live`: how everything is, once a second, as server-sent events. */
import type { Clock } from '../core/clock.ts'
import type { TopicInfo } from '../log/log.ts'
import { deliveryJson, sourceJson } from './connect-json.ts'
import { Refusal } from './refusal.ts'
import { type Route, route, type Stream, type StreamClient } from './route.ts'
import type { Served } from './served.ts'
import { edgesOf } from './steps-view.ts'
import { problemReply } from './described.ts'

const everyMs = 1_000
/** Who listens at one time; all get the same text, made once. */
const clientsMax = 32
/** Topics in one event; of those that are left out, there is the number. */
const topicsMax = 500
/** A client that has taken nothing for so long is let go. */
const stuckMsMax = 30_000

export function liveRoute(served: Served): Route {
  const events = new LiveEvents(served)
  return route({
    method: 'GET',
    path: '/live',
    name: 'live-events',
    summary: 'Status, sources, sinks and topics once a second, as server-sent events',
    params: {},
    replies: {
      200: {
        description: 'One JSON object an event, until the client ends it',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
      429: problemReply,
    },
    handle: () => events.reply(),
  })
}

class LiveEvents {
  readonly #served: Served
  #clientCount = 0
  /** What was made last, and when: shared by all who listen. */
  #last: { readonly atMs: number; readonly text: Promise<string> } | null = null

  constructor(served: Served) {
    this.#served = served
  }

  /** @throws Refusal 429 */
  reply(): Stream {
    if (this.#clientCount >= clientsMax) {
      throw new Refusal(429, 'too-many-requests', `${clientsMax} clients listen already`, {
        hint: 'close one, or ask GET /status now and then',
        headers: { 'Retry-After': '5' },
      })
    }
    this.#clientCount += 1
    return {
      status: 200,
      contentType: 'text/event-stream; charset=utf-8',
      stream: (client) =>
        this.#tell(client).finally(() => {
          this.#clientCount -= 1
        }),
    }
  }

  async #tell(client: StreamClient): Promise<void> {
    const { clock } = this.#served
    let readyMs = clock.monotonic()
    while (!client.gone.aborted) {
      const nowMs = clock.monotonic()
      if (client.isReady) {
        readyMs = nowMs
        client.write(`data: ${await this.#event(nowMs)}\n\n`)
      } else if (nowMs - readyMs > stuckMsMax) return
      await until(clock, everyMs, client.gone)
    }
  }

  #event(nowMs: number): Promise<string> {
    if (this.#last === null || nowMs - this.#last.atMs >= everyMs / 2) {
      const text = liveText(this.#served).catch((thrown: unknown) => {
        this.#served.onFault(thrown)
        return '{}'
      })
      this.#last = { atMs: nowMs, text }
    }
    return this.#last.text
  }
}

async function liveText({ log, clock, plans, run }: Served): Promise<string> {
  const running = run()
  // A broker that is away must not hide what else is known.
  const topics = await log.listTopics().catch(() => null)
  return JSON.stringify({
    atMs: clock.now(),
    log: log.kind,
    place: log.place,
    state: running !== null ? 'running' : plans.length === 0 ? 'no-pipeline' : 'starting',
    waitsFor: running?.waitsFor() ?? [],
    tasks: running?.status() ?? [],
    sources: running?.sources().map(sourceJson) ?? [],
    deliveries: running?.deliveries().map(deliveryJson) ?? [],
    edges: edgesOf(running?.steps() ?? []),
    topics: topics?.slice(0, topicsMax).map(topicCounts) ?? null,
    topicCount: topics?.length ?? 0,
  })
}

function topicCounts({ name, partitions }: TopicInfo): object {
  let [start, end, bytes] = [0, 0, 0]
  for (const part of partitions) {
    start += part.startOffset
    end += part.endOffset
    bytes += part.bytes
  }
  return { topic: name, partitions: partitions.length, start, end, bytes }
}

/** Resolves when the time is over, or the signal fires. */
function until(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
