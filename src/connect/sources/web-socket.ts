/**
 * Messages of a WebSocket as records, read as a client, with Node's own `WebSocket`.
 *
 * Not replayable: the server sends what happens, and what it sent while nobody was connected, or
 * what was in hand at a crash, is gone, unless `subscribe` asks for it again. What it then sends
 * twice, `id` and `from(source, { dedupe })` leave out.
 */
import type { Clock } from '../../core/clock.ts'
import { durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import { checkSourceName } from '../../pipeline/source-start.ts'
import { checkOptionNames } from '../option-names.ts'
import { mapped, orElse, oversize } from '../record-mapping.ts'
import type { RecordMapping } from '../record-mapping.ts'
import { secret } from '../secret.ts'
import type { Secret } from '../secret.ts'
import type { Source, SourceBatch, SourceContext, SourceRecord } from '../source.ts'

/** Text, or bytes, as the server sent it. */
export type WebSocketData = string | Uint8Array

export interface WebSocketSourceOptions {
  /** `wss://…` or `ws://…`. Where it holds a token, give the whole address as a secret. */
  readonly url: Secret
  /** Of the source, unique on the log. Default `'web-socket'`. */
  readonly name?: string
  /** Sent in this order at each connection: what is asked for. May be secrets. Default: nothing. */
  readonly subscribe?: Secret | readonly Secret[]
  /** Subprotocols, of which the server chooses. Default: none. */
  readonly protocols?: string | readonly string[]
  /**
   * Default: no key. Where one of the functions `key`, `time` and `id` throws, its default stands
   * in: the record is then for the topic's own decoding to judge.
   */
  readonly key?: (data: WebSocketData) => string | Uint8Array | null
  /** When it happened, ms since 1970. Default: when it came. */
  readonly time?: (data: WebSocketData) => number
  /** The same where the server sends it again, and no other's. Default: none. */
  readonly id?: (data: WebSocketData) => string | undefined
  /** Answers of the server that are no records, as those to `ping`. Default: all are records. */
  readonly filter?: (data: WebSocketData) => boolean
  /** Sent each time that nothing has come for half of `idleTimeout`. Default: nothing. */
  readonly ping?: string
  /**
   * When nothing has come for so long, the connection is taken for dead and made anew. Frames of
   * the protocol (ping) do not count: they are not to be seen. Default `'60s'`.
   */
  readonly idleTimeout?: Duration
  /** For a connection to come about. Default `'10s'`. */
  readonly connectTimeout?: Duration
  /**
   * Bytes that are held while commits take their time. A server cannot be slowed down: beyond that
   * the connection is closed, which is said, and made anew. 1,000 to 1 GiB. Default 16 MiB.
   */
  readonly bufferBytesMax?: number
  /** What is larger becomes no record: told and counted. Default 1,000,000. */
  readonly payloadBytesMax?: number
}

/** How many records were committed, in all. */
export interface WebSocketPosition {
  readonly records: number
}

interface Spec {
  readonly url: Secret
  readonly name: string
  readonly subscribe: readonly Secret[]
  readonly protocols: string[]
  readonly mapping: RecordMapping<WebSocketData>
  readonly filter: (data: WebSocketData) => boolean
  readonly ping: string | null
  readonly idleTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly bufferBytesMax: number
  readonly payloadBytesMax: number
  readonly connect: Connect
}

const batchRecordsMax = 5_000
/** For the objects around a message. */
const overheadBytes = 100

/**
 * A source of what a WebSocket server sends.
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * const ticker = webSocketSource({
 *   url: 'wss://exchange.example/stream',
 *   subscribe: JSON.stringify({ subscribe: ['BTC-EUR'] }),
 *   id: (data) => (JSON.parse(String(data)) as { id: string }).id,
 * })
 * const whole = pipeline('ticks', from(ticker, { dedupe: { within: '10m' } }).to(topic('ticks')))
 */
export function webSocketSource(options: WebSocketSourceOptions): Source<WebSocketPosition> {
  return webSocketSourceOn(options, (url, protocols) => new WebSocket(url, protocols))
}

type Connect = (url: string, protocols: string[]) => WebSocket

/** The same on another kind of socket, for tests. */
export function webSocketSourceOn(
  options: WebSocketSourceOptions,
  connect: Connect,
): Source<WebSocketPosition> {
  const spec = { ...specOf(options), connect }
  return {
    kind: 'source',
    name: spec.name,
    type: 'web-socket',
    replayable: false,
    open: (position, context) => batches(spec, position?.records ?? 0, context),
  }
}

async function* batches(
  spec: Spec,
  before: number,
  { signal, clock }: SourceContext,
): AsyncGenerator<SourceBatch<WebSocketPosition>, void> {
  if (signal.aborted) return
  const url = addressOf(spec, await secret(spec.url))
  const first = await Promise.all(spec.subscribe.map((one) => secret(one)))
  const inbox = new Inbox(spec, clock)
  const onAbort = (): void => inbox.wake()
  signal.addEventListener('abort', onAbort)
  let records = before
  try {
    inbox.connect(url, first)
    while (!signal.aborted) {
      const waiting = inbox.take(batchRecordsMax)
      if (waiting.length === 0) {
        await inbox.wait()
        continue
      }
      const batch = recordsOf(waiting, spec)
      if (batch.records.length === 0 && batch.refused?.length === 0) continue
      records += batch.records.length
      yield { ...batch, position: { records } }
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    inbox.close()
  }
}

interface Waiting {
  readonly data: WebSocketData
  readonly bytes: number
  readonly atMs: number
}

/** What has come and was not taken. */
class Inbox {
  readonly #spec: Spec
  readonly #clock: Clock
  #socket: WebSocket | null = null
  #waiting: Waiting[] = []
  #bytes = 0
  #failure: MillraceError | null = null
  #isClosed = false
  #heardMs = 0
  #cancelTimer: () => void = () => {}
  #ring: () => void = () => {}

  constructor(spec: Spec, clock: Clock) {
    this.#spec = spec
    this.#clock = clock
  }

  connect(url: string, first: readonly string[]): void {
    const { protocols, connectTimeoutMs } = this.#spec
    const socket = this.#spec.connect(url, protocols)
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    this.#cancelTimer = this.#clock.after(connectTimeoutMs, () =>
      this.#fail(`no connection came about within ${connectTimeoutMs} ms`),
    )
    socket.addEventListener('open', () => {
      this.#cancelTimer()
      if (this.#isOver) return socket.close()
      for (const text of first) socket.send(text)
      this.#heardMs = this.#clock.monotonic()
      this.#watch()
    })
    socket.addEventListener('message', ({ data }) => this.#receive(data as string | ArrayBuffer))
    socket.addEventListener('error', () => this.#fail('there is no connection, or it was lost'))
    socket.addEventListener('close', ({ code }) => this.#fail(`it closed the connection (${code})`))
  }

  /** Resolves when there is something to take. @throws `source-failed` */
  async wait(): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    await new Promise<void>((resolve) => {
      this.#ring = resolve
    })
  }

  wake(): void {
    this.#ring()
  }

  take(countMax: number): Waiting[] {
    const taken = this.#waiting.splice(0, countMax)
    for (const { bytes } of taken) this.#bytes -= bytes
    return taken
  }

  close(): void {
    this.#isClosed = true
    this.#end()
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#failure !== null
  }

  #receive(from: string | ArrayBuffer): void {
    if (this.#isOver) return
    this.#heardMs = this.#clock.monotonic()
    const data = typeof from === 'string' ? from : new Uint8Array(from)
    const bytes = overheadBytes + (typeof data === 'string' ? Buffer.byteLength(data) : data.length)
    const { bufferBytesMax } = this.#spec
    if (this.#bytes + bytes > bufferBytesMax)
      return this.#fail(`more than ${bufferBytesMax} bytes wait to be committed`)
    this.#bytes += bytes
    this.#waiting.push({ data, bytes, atMs: this.#clock.now() })
    this.#ring()
  }

  /** Sends the ping when half of the time is over, gives up when all of it is. */
  #watch(): void {
    const { idleTimeoutMs, ping } = this.#spec
    const look = (): void => {
      if (this.#isOver) return
      const quietMs = this.#clock.monotonic() - this.#heardMs
      if (quietMs >= idleTimeoutMs) return this.#fail(`nothing has come for ${idleTimeoutMs} ms`)
      if (ping !== null && quietMs >= idleTimeoutMs / 2) this.#socket?.send(ping)
      this.#watch()
    }
    this.#cancelTimer = this.#clock.after(idleTimeoutMs / 4, look)
  }

  #fail(why: string): void {
    if (this.#isOver) return
    // The address may hold a token: it is not shown.
    this.#failure = new MillraceError('source-failed', `source ${this.#spec.name}: ${why}`)
    this.#end()
  }

  #end(): void {
    this.#cancelTimer()
    this.#socket?.close()
    this.#ring()
  }
}

function recordsOf(
  waiting: readonly Waiting[],
  spec: Spec,
): Pick<SourceBatch<WebSocketPosition>, 'records' | 'refused'> {
  const records: SourceRecord[] = []
  const refused: MillraceError[] = []
  const limit = { source: spec.name, payloadBytesMax: spec.payloadBytesMax }
  for (const { data, atMs } of waiting) {
    if (!orElse(() => spec.filter(data), true)) continue
    const record = mapped({ message: data, value: data, key: null, time: atMs }, spec.mapping)
    const fault = oversize(record, 'what came', limit)
    if (fault === null) records.push(record)
    else refused.push(fault)
  }
  return { records, refused }
}

/** @throws `invalid-argument` */
function addressOf({ name }: Pick<Spec, 'name'>, text: string): string {
  if (URL.canParse(text) && /^wss?:$/.test(new URL(text).protocol)) return text
  throw refused(name, 'url is no address', "an address like 'wss://exchange.example/stream'")
}

function specOf(options: WebSocketSourceOptions): Omit<Spec, 'connect'> {
  const { name = 'web-socket', url, subscribe = [], protocols = [], ping = null } = options
  const { key, time, id, filter = () => true } = options
  checkSourceName(name)
  checkOptionNames(`source '${name}'`, options, optionNames)
  if (typeof url === 'string') addressOf({ name }, url)
  for (const [option, fn] of Object.entries({ key, time, id, filter }))
    if (fn !== undefined && typeof fn !== 'function')
      throw refused(name, `${option} is no function`, 'a function of what came')
  const ms = (option: 'idleTimeout' | 'connectTimeout', fallback: Duration): number => {
    const value = durationMs(options[option] ?? fallback, option)
    if (value >= 100) return value
    throw refused(name, `${option} is too short`, "at least '100ms'")
  }
  const count = (option: 'bufferBytesMax' | 'payloadBytesMax', fallback: number): number => {
    const value = options[option] ?? fallback
    if (Number.isInteger(value) && value >= 1_000 && value <= 1 << 30) return value
    throw refused(name, `${option} cannot be ${value}`, 'a whole number from 1,000 to 1 GiB')
  }
  const list = <T>(given: T | readonly T[]): readonly T[] =>
    Array.isArray(given) ? (given as readonly T[]) : [given as T]
  return {
    name,
    url,
    filter,
    ping,
    subscribe: list(subscribe),
    protocols: [...list(protocols)],
    mapping: { key, time, id },
    idleTimeoutMs: ms('idleTimeout', '60s'),
    connectTimeoutMs: ms('connectTimeout', '10s'),
    bufferBytesMax: count('bufferBytesMax', 16 << 20),
    payloadBytesMax: count('payloadBytesMax', 1_000_000),
  }
}

function refused(source: string, what: string, allowed: string): MillraceError {
  const text = `source '${source}': ${what}`
  return new MillraceError('invalid-argument', text, { hint: `use ${allowed}` })
}

const optionNames: readonly string[] = [
  'url',
  'name',
  'subscribe',
  'protocols',
  'key',
  'time',
  'id',
  'filter',
  'ping',
  'idleTimeout',
  'connectTimeout',
  'bufferBytesMax',
  'payloadBytesMax',
] satisfies (keyof WebSocketSourceOptions)[]
