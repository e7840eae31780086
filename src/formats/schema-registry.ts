/**
 * A client of a schema registry: Confluent's protocol, which Karapace, Apicurio and Redpanda speak
 * as well. Only what codecs need: schemas by id, and the id of a schema under a subject.
 */
import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import { MillraceError, messageOf } from '../core/error.ts'

export type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON'

/** Another schema that one uses by name. */
export interface SchemaReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** A schema as text, and what it refers to. */
export interface SchemaText {
  readonly type: SchemaType
  readonly text: string
  readonly references: readonly SchemaReference[]
}

export interface SchemaRegistryOptions {
  /** `http://host:port` or `https://…`, without user and password in it. */
  readonly url: string
  /** For HTTP basic authentication. */
  readonly username?: string
  readonly password?: string
  /** Bearer token, in place of user and password. */
  readonly token?: string
  /** Ms for one request. Default 10,000. */
  readonly timeoutMs?: number
  /** For the pauses between attempts. Default: the machine's. */
  readonly clock?: Clock
}

/** Schemas are small; whoever answers with more is no registry. */
const answerBytesMax = 4 << 20
const attemptsMax = 5
const pauseMsMin = 100
/** Ids that were asked for and do not exist are many where a topic holds rubbish. */
const remembersMax = 10_000

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/**
 * A schema registry. One may be shared by any number of topics; schemas are asked for once and
 * remembered, as a schema of an id never changes.
 *
 * A registry that is away is asked again, five times within about two seconds, then
 * `registry-failed` is thrown: a run waits and tries anew, no record is given up for it.
 * @example
 * const registry = new SchemaRegistry({ url: 'http://127.0.0.1:8081' })
 */
export class SchemaRegistry {
  /** Without secrets, for people. */
  readonly place: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #byId: Map<number, Promise<SchemaText>> = new Map()

  /** @throws `invalid-argument` for a url that is none, or has a password in it */
  constructor(options: SchemaRegistryOptions) {
    this.place = placeOf(options.url)
    this.#headers = headersOf(options)
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this.#clock = options.clock ?? systemClock
  }

  /** @throws `decode-failed` where the registry has no such id · `registry-failed` */
  schema(id: number): Promise<SchemaText> {
    const known = this.#byId.get(id)
    if (known !== undefined) return known
    if (this.#byId.size >= remembersMax) this.#byId.clear()
    const asked = this.#schema(id)
    this.#byId.set(id, asked)
    // What could not be answered is asked again the next time.
    asked.catch(() => this.#byId.delete(id))
    return asked
  }

  /** One version of a subject, as references name it. @throws `registry-failed` */
  async version({ subject, version }: Omit<SchemaReference, 'name'>): Promise<SchemaText> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`
    const { status, body } = await this.#ask('GET', path)
    if (status !== 200) throw this.#refused(`version ${version} of subject '${subject}'`, body)
    return schemaOf(body)
  }

  /**
   * The newest schema of a subject and its id. @throws `registry-failed`, also where there is none
   */
  async latest(subject: string): Promise<SchemaText & { readonly id: number }> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/latest`
    const { status, body } = await this.#ask('GET', path)
    if (status !== 200) throw this.#refused(`subject '${subject}'`, body)
    return { ...schemaOf(body), id: idOf(body, this.place) }
  }

  /**
   * The id of a schema under a subject, registered if it is not there yet.
   * @throws `registry-failed`; with the registry's words where the schema is invalid, or not
   * compatible with the versions before
   */
  async register(subject: string, schema: SchemaText): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    return await this.#post(path, subject, schema)
  }

  /** The id of a schema that must be under the subject already. @throws `registry-failed` */
  async find(subject: string, schema: SchemaText): Promise<number> {
    return await this.#post(`/subjects/${encodeURIComponent(subject)}`, subject, schema)
  }

  async #post(path: string, subject: string, schema: SchemaText): Promise<number> {
    const { type, text, references } = schema
    const { status, body } = await this.#ask('POST', path, {
      schema: text,
      ...(type === 'AVRO' ? {} : { schemaType: type }), // the default, which old registries want
      ...(references.length === 0 ? {} : { references }),
    })
    if (status !== 200) throw this.#refused(`a schema of subject '${subject}'`, body)
    return idOf(body, this.place)
  }

  async #schema(id: number): Promise<SchemaText> {
    const { status, body } = await this.#ask('GET', `/schemas/ids/${id}`)
    if (status === 200) return schemaOf(body)
    if (status !== 404) throw this.#refused(`schema ${id}`, body)
    throw new MillraceError('decode-failed', `the registry ${this.place} has no schema ${id}`, {
      hint: 'the record was written with another registry, or not with one at all',
    })
  }

  /** Again where trying again may help. */
  async #ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === attemptsMax
      try {
        const answer = await this.#once(method, path, body)
        const isTransient = answer.status >= 500 || answer.status === 429
        if (!isTransient || isLast) return answer
      } catch (thrown) {
        if (thrown instanceof MillraceError || isLast) throw this.#away(thrown)
      }
      const pauseMs = pauseMsMin * 2 ** (attempt - 1)
      await new Promise<void>((resolve) => this.#clock.after(pauseMs, resolve))
    }
  }

  async #once(method: 'GET' | 'POST', path: string, body: unknown): Promise<Answer> {
    const response = await fetch(`${this.place}${path}`, {
      method,
      headers: this.#headers,
      redirect: 'error', // a password is for this host alone
      signal: AbortSignal.timeout(this.#timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await textOf(response, this.place)
    return { status: response.status, body: bodyOf(text, this.place) }
  }

  #away(thrown: unknown): MillraceError {
    if (thrown instanceof MillraceError) return thrown
    const cause = thrown instanceof Error ? thrown.cause : undefined
    const why = cause instanceof Error ? messageOf(cause) : messageOf(thrown)
    const text = `the schema registry ${this.place} does not answer: ${why}`
    return new MillraceError('registry-failed', text, {
      hint: 'is it up, and is the url right?',
    })
  }

  #refused(what: string, body: Record<string, unknown>): MillraceError {
    const said = typeof body['message'] === 'string' ? `: ${body['message'].slice(0, 500)}` : ''
    const code = typeof body['error_code'] === 'number' ? ` (${body['error_code']})` : ''
    const text = `the schema registry ${this.place} refused ${what}${said}${code}`
    const isLogin = body['error_code'] === 401 || body['error_code'] === 403
    return new MillraceError(isLogin ? 'not-authorised' : 'registry-failed', text)
  }
}

function placeOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new MillraceError('invalid-argument', 'the url of the schema registry is none', {
      hint: 'write http://host:8081',
    })
  }
  if (url.username !== '' || url.password !== '') {
    throw new MillraceError('invalid-argument', `the url of ${url.host} has a password in it`, {
      hint: 'give username and password as options: urls end up in logs',
    })
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

function headersOf(options: SchemaRegistryOptions): Record<string, string> {
  const headers: Record<string, string> = {
    accept: 'application/vnd.schemaregistry.v1+json, application/json',
    'content-type': 'application/vnd.schemaregistry.v1+json',
  }
  const { username, password = '', token } = options
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  else if (username !== undefined) {
    const pair = Buffer.from(`${username}:${password}`).toString('base64')
    headers['authorization'] = `Basic ${pair}`
  }
  return headers
}

async function textOf(response: Response, place: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > answerBytesMax) throw strange(place, `answers with over ${answerBytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function bodyOf(text: string, place: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // said below
  }
  throw strange(place, 'does not answer in JSON')
}

function strange(place: string, what: string): MillraceError {
  return new MillraceError('registry-failed', `the schema registry ${place} ${what}`, {
    hint: 'is there a schema registry at that url?',
  })
}

function idOf(body: Record<string, unknown>, place: string): number {
  const id = body['id']
  if (typeof id === 'number' && Number.isInteger(id)) return id
  throw strange(place, 'gives no id')
}

function schemaOf(body: Record<string, unknown>): SchemaText {
  const { schema, schemaType, references } = body
  return {
    type: schemaType === 'PROTOBUF' || schemaType === 'JSON' ? schemaType : 'AVRO',
    text: String(schema),
    references: Array.isArray(references) ? references.map(referenceOf) : [],
  }
}

function referenceOf(value: unknown): SchemaReference {
  const { name, subject, version } = (value ?? {}) as Record<string, unknown>
  return { name: String(name), subject: String(subject), version: Number(version) }
}
