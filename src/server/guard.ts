/**
 * Who may ask at all. A page in the user's browser can send requests to this machine: so what the
 * browser says of where it comes from (`Host`, `Origin`, `Sec-Fetch-Site`) must be this server
 * itself. There is no CORS: no other page reads anything.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { CheckedHttpOptions } from './http-options.ts'
import { Refusal } from './refusal.ts'

export class Guard {
  readonly #hosts: ReadonlySet<string>
  readonly #isLoopback: boolean
  readonly #tokens: readonly Buffer[]

  constructor({ hosts, isLoopback, tokens }: CheckedHttpOptions) {
    this.#hosts = new Set(hosts.map((name) => name.toLowerCase()))
    this.#isLoopback = isLoopback
    this.#tokens = tokens.map(digestOf)
  }

  /** @throws Refusal 400, 403, 421: for every request, whatever it asks for */
  checkOrigin(request: IncomingMessage): void {
    const host = hostOf(request)
    if (!this.#isOurs(host.name)) {
      throw new Refusal(421, 'forbidden', `this server is not known as '${host.name}'`, {
        hint: 'name it in the option hosts (--http-hosts), or use its address',
      })
    }
    const { origin } = request.headers
    const site = request.headers['sec-fetch-site']
    const isOther =
      (origin !== undefined &&
        origin !== `http://${host.text}` &&
        origin !== `https://${host.text}`) ||
      site === 'cross-site' ||
      site === 'same-site' // another port or subdomain
    if (isOther) {
      throw new Refusal(403, 'forbidden', 'requests of other web pages are refused', {
        hint: 'ask from a program, or from a page of this server',
      })
    }
  }

  /**
   * @returns who asks, for limits: the number of the token; −1 where none is needed
   * @throws Refusal 401
   */
  checkToken(request: IncomingMessage): number {
    if (this.#tokens.length === 0) return -1
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    // Digests have one length, so that the time tells nothing of the token's.
    const digest = digestOf(given ?? '')
    let found = -1
    for (const [i, token] of this.#tokens.entries()) {
      if (timingSafeEqual(token, digest)) found = i
    }
    if (given !== undefined && found >= 0) return found
    const what = given === undefined ? 'a token is needed' : 'the token is not known'
    throw new Refusal(401, 'unauthorised', what, {
      hint: 'send Authorization: Bearer TOKEN',
      headers: { 'WWW-Authenticate': 'Bearer realm="millrace"' },
    })
  }

  /**
   * An address cannot be made to mean another machine, a name can (DNS rebinding). On a server for
   * this machine alone, the address must be of this machine, too.
   */
  #isOurs(name: string): boolean {
    if (this.#hosts.has(name)) return true
    if (isIP(name) === 0) return false
    return !this.#isLoopback || name === '::1' || name.startsWith('127.')
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

interface HostHeader {
  /** As it came, with its port. */
  readonly text: string
  /** In lower case, without port and brackets. */
  readonly name: string
}

function hostOf(request: IncomingMessage): HostHeader {
  const given = request.headersDistinct.host ?? []
  const text = (given[0] ?? '').toLowerCase()
  const name = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::(\d{1,5}))?$/.exec(text)
  const isPort = Number(name?.[3] ?? 0) <= 65_535
  if (given.length === 1 && name !== null && isPort) {
    return { text, name: name[1] ?? name[2] ?? '' }
  }
  throw new Refusal(400, 'bad-request', 'a request has one header Host, with a name or address')
}
