/**
 * POSTs records to an address, signed as Standard Webhooks has it (standardwebhooks.com,
 * spec/standard-webhooks.md): `webhook-id`, `webhook-timestamp` and `webhook-signature`, the
 * HMAC-SHA256 of `id.timestamp.body`. The id is the record's, the same at each try.
 */
import { createHmac } from 'node:crypto'
import { messageOf, MillraceError } from '../../core/error.ts'
import { checkSinkName } from '../../pipeline/sink-spec.ts'
import { deliveryOptionNames, deliverySpec } from '../delivery/delivery-options.ts'
import { checkOptionNames } from '../option-names.ts'
import type { DeliveryOptions } from '../delivery/delivery-options.ts'
import { retryAfterMs } from '../http/retry-after.ts'
import { secret } from '../secret.ts'
import type { Secret } from '../secret.ts'
import type { Attempt, DeliveringSink, SinkConnection, SinkContext, SinkRecord } from '../sink.ts'

export interface WebhookOptions<V, K> extends Omit<DeliveryOptions, 'batch'> {
  /** `https://…` or `http://…`. A user and a password in it are sent, as basic authentication. */
  readonly url: string
  /** Sent with each request; a value may be a secret. */
  readonly headers?: Readonly<Record<string, Secret>>
  /**
   * With which requests are signed: `whsec_` and base64, or any text. Of several, each signs, so
   * that one can take the place of another. Default: requests are not signed.
   */
  readonly secret?: Secret | readonly Secret[]
  /** What is sent as JSON. Default: the value. */
  readonly payload?: (value: V, key: K) => unknown
}

interface Spec {
  readonly name: string
  readonly url: string
  /** Scheme, host and port: for errors. */
  readonly origin: string
  readonly basic: string | null
  readonly headers: Readonly<Record<string, Secret>>
  readonly secrets: readonly Secret[]
  readonly payload: (value: unknown, key: unknown) => unknown
}

/** An answer is read so far that its connection can be used again; then it is cut off. */
const answerBytesMax = 64 << 10
/** Of an answer that refuses, shown in the error. */
const shownLength = 200
/** Set here. */
const reserved: ReadonlySet<string> = new Set([
  'content-length',
  'host',
  'connection',
  'transfer-encoding',
  'idempotency-key',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
])
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i

/**
 * A sink that POSTs each record as JSON: at least once, those of a key in order. 2xx means taken.
 * 429 and 503: the destination is away for as long as `Retry-After` says. 408, 425, other 5xx, and
 * 3xx, as redirects are not followed: tried again. Any other status: refused, a dead letter. The
 * header `idempotency-key` tells repeats.
 * @param name stable, unique in its pipeline: 1 to 100 of `a-z A-Z 0-9 . _ -`
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * const orderHook = webhook<{ id: number }>('shop', {
 *   url: 'https://shop.example/hooks/orders',
 *   secret: { env: 'SHOP_HOOK_SECRET' },
 *   rate: 100,
 * })
 */
export function webhook<V, K = unknown>(
  name: string,
  options: WebhookOptions<V, K>,
): DeliveringSink<V, K> {
  checkSinkName(name)
  checkOptionNames(`sink '${name}'`, options, optionNames)
  const spec = specOf(name, options as WebhookOptions<unknown, unknown>)
  return {
    kind: 'sink',
    guarantee: 'at-least-once',
    name,
    type: 'webhook',
    codec: null,
    keep: options.keep ?? false,
    delivery: deliverySpec(name, options, { batch: 1, order: 'key', concurrency: 16 }),
    open: (context) => open(spec, context),
  }
}

async function open(spec: Spec, { clock }: SinkContext): Promise<SinkConnection> {
  const keys = await Promise.all(spec.secrets.map(async (one) => keyOf(await secret(one))))
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (spec.basic !== null) headers['authorization'] = spec.basic
  for (const [header, value] of Object.entries(spec.headers))
    headers[header.toLowerCase()] = await secret(value)
  return {
    deliver: async ([record], attempt) => {
      if (record === undefined) return
      const body = bodyOf(spec, record)
      const timestamp = String(Math.floor(clock.now() / 1_000))
      const request = { body, headers: { ...headers, ...signed(keys, record.id, timestamp, body) } }
      await post(spec, request, { attempt, nowMs: clock.now() })
    },
    close: async () => {},
  }
}

interface Request {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

async function post(
  spec: Spec,
  { body, headers }: Request,
  { attempt: { signal }, nowMs }: { readonly attempt: Attempt; readonly nowMs: number },
): Promise<void> {
  const response = await fetch(spec.url, {
    method: 'POST',
    body,
    headers,
    signal,
    redirect: 'manual',
  })
  const text = await endOf(response)
  if (response.ok) return
  const { status } = response
  const said = `sink ${spec.name}: ${spec.origin} answered ${status}`
  const askedMs = retryAfterMs(response.headers.get('retry-after'), nowMs)
  const details = askedMs === null ? {} : { retryAfterMs: askedMs }
  if (status === 429 || status === 503) throw new MillraceError('sink-unavailable', said, details)
  if (status >= 500 || status === 408 || status === 425)
    throw new MillraceError('sink-failed', said, details)
  if (status < 400)
    throw new MillraceError('sink-failed', said, {
      hint: 'redirects are not followed: give the address that they lead to',
    })
  const why = text === '' ? '' : `: ${text.slice(0, shownLength)}`
  throw new MillraceError('sink-refused', said + why)
}

/** Reads the answer to its end, as far as it is of any use. @returns its first part */
async function endOf(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const decoder = new TextDecoder()
  let text = ''
  for (let bytes = 0; bytes <= answerBytesMax;) {
    const { done, value } = await reader.read()
    if (done) return text
    bytes += value.length
    if (text.length < shownLength) text += decoder.decode(value.subarray(0, shownLength))
  }
  await reader.cancel()
  return text
}

/** @throws `sink-refused` for what no JSON can be made of */
function bodyOf({ name, payload }: Spec, { value, key }: SinkRecord): string {
  try {
    const body = JSON.stringify(payload(value, key)) as string | undefined
    if (body !== undefined) return body
  } catch (thrown) {
    const text = `sink ${name}: no JSON can be made of a record: ${messageOf(thrown)}`
    throw new MillraceError('sink-refused', text, { cause: thrown })
  }
  throw new MillraceError('sink-refused', `sink ${name}: there is nothing to send of a record`)
}

function signed(
  keys: readonly Buffer[],
  id: string,
  timestamp: string,
  body: string,
): Record<string, string> {
  const headers = { 'idempotency-key': id, 'webhook-id': id, 'webhook-timestamp': timestamp }
  if (keys.length === 0) return headers
  const signatures = keys.map((key) => {
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`)
    return `v1,${hmac.digest('base64')}`
  })
  return { ...headers, 'webhook-signature': signatures.join(' ') }
}

const keyPrefix = 'whsec_'

function keyOf(text: string): Buffer {
  if (!text.startsWith(keyPrefix)) return Buffer.from(text)
  return Buffer.from(text.slice(keyPrefix.length), 'base64')
}

function specOf(name: string, options: WebhookOptions<unknown, unknown>): Spec {
  const { headers = {}, payload = (value: unknown) => value, secret: given } = options
  const text: unknown = options.url
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null
  // It may hold a password: it is not shown.
  if (url === null || !/^https?:$/.test(url.protocol))
    throw refused(name, 'url is no address', "an address like 'https://shop.example/hook'")
  for (const header of Object.keys(headers))
    if (!headerName.test(header) || reserved.has(header.toLowerCase()))
      throw refused(name, `headers cannot have '${header}'`, 'headers that are not set by the sink')
  if (typeof payload !== 'function')
    throw refused(name, 'payload is no function', 'a function of value and key')
  const secrets: readonly Secret[] =
    given === undefined ? [] : Array.isArray(given) ? given : [given as Secret]
  if (secrets.some((one) => one === '')) throw refused(name, 'secret is empty', 'a secret')
  const { username, password, origin } = url
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const basic = login === ':' ? null : `Basic ${Buffer.from(login).toString('base64')}`
  url.username = ''
  url.password = ''
  return { name, url: url.href, origin, basic, headers, secrets, payload }
}

function refused(sink: string, what: string, allowed: string): MillraceError {
  return new MillraceError('invalid-argument', `sink '${sink}': ${what}`, {
    hint: `use ${allowed}`,
  })
}

const optionNames: readonly string[] = [
  ...deliveryOptionNames.filter((option) => option !== 'batch'),
  'url',
  'headers',
  'secret',
  'payload',
]
