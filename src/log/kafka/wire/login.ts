/** The login of a connection by SASL [KIP-43, KIP-152, KIP-255]. */
import { randomBytes } from 'node:crypto'
import { MillraceError, messageOf } from '../../../core/error.ts'
import type { Api } from './api.ts'
import { codeName, errorCode } from './error-codes.ts'
import { saslAuthenticate } from './requests/sasl-authenticate.ts'
import { saslHandshake } from './requests/sasl-handshake.ts'
import { scram } from './scram.ts'
import type { Credentials } from './security.ts'

export interface LoginOptions {
  /** `host:port`, for messages. */
  readonly place: string
  readonly credentials: Credentials
  /** The text without secrets: the broker may repeat what it was told. */
  readonly scrub: (text: string) => string
  /** Sends a request on the connection that is to be logged in, and on no other. */
  readonly call: <Request, Answer>(api: Api<Request, Answer>, request: Request) => Promise<Answer>
}

/** Given by the broker. */
export interface Session {
  /** After this the broker closes the connection at the next request [KIP-368]; Infinity: never. */
  readonly lifetimeMs: number
}

/** One step: what the client says → what the broker says. */
type Say = (text: string) => Promise<{ readonly text: string; readonly lifetimeMs: number }>

/** @throws `not-authorised`, and what `call` throws */
export async function login({ place, credentials, scrub, call }: LoginOptions): Promise<Session> {
  const mechanism = credentials.mechanism.toUpperCase()
  const who =
    credentials.mechanism === 'oauthbearer' ? 'the token' : `user '${credentials.username}'`
  const refused = (reason: string, hint: string): MillraceError =>
    new MillraceError(
      'not-authorised',
      `broker ${place} refuses the login of ${who} by ${mechanism}: ${scrub(reason)}`,
      { hint },
    )
  const handshake = await call(saslHandshake, { mechanism })
  if (handshake.code !== errorCode.none) throw notOffered(handshake.code, refused, handshake)

  const say: Say = async (text) => {
    const answer = await call(saslAuthenticate, { bytes: Buffer.from(text) })
    const { code, reason, bytes, lifetimeMs } = answer
    if (code === errorCode.none) return { text: bytes.toString(), lifetimeMs }
    throw refused(reason === '' ? codeName(code) : reason, hints[credentials.mechanism])
  }
  const lifetimeMs = await spoken(credentials, say, (thrown) =>
    refused(`it did not prove that it is the right broker: ${messageOf(thrown)}`, strangerHint),
  )
  return { lifetimeMs: lifetimeMs > 0 ? lifetimeMs : Infinity }
}

const passwordHint =
  'check the user name and the password (sasl.password, MILLRACE_KAFKA_PASSWORD) and whether the ' +
  'user exists for this mechanism'
const hints: Readonly<Record<Credentials['mechanism'], string>> = {
  plain: passwordHint,
  'scram-sha-256': passwordHint,
  'scram-sha-512': passwordHint,
  oauthbearer: 'check the token (sasl.token, MILLRACE_KAFKA_TOKEN): its end, audience and scope',
}
const strangerHint = 'is this the right broker? the password may have been changed on one side'

function notOffered(
  code: number,
  refused: (reason: string, hint: string) => MillraceError,
  { mechanisms }: { readonly mechanisms: readonly string[] },
): MillraceError {
  if (code === errorCode.unsupportedSaslMechanism) {
    const offered = mechanisms.length === 0 ? 'none' : mechanisms.join(', ')
    return refused(
      `it offers ${offered}`,
      `set sasl.mechanism to one of them, written in small letters`,
    )
  }
  if (code === errorCode.illegalSaslState) {
    return refused('this port takes no login', 'leave sasl out, or use the port with SASL')
  }
  return refused(codeName(code), 'see the log of the broker')
}

/** @returns how long the login holds, ms */
async function spoken(
  credentials: Credentials,
  say: Say,
  strange: (thrown: unknown) => MillraceError,
): Promise<number> {
  switch (credentials.mechanism) {
    case 'plain': {
      const { username, password } = credentials
      return (await say(`\0${username}\0${password}`)).lifetimeMs
    }
    case 'oauthbearer': {
      const { token, extensions } = credentials
      const more = Object.entries(extensions).map(([name, value]) => `\x01${name}=${value}`)
      const answer = await say(`n,,\x01auth=Bearer ${token}${more.join('')}\x01\x01`)
      if (answer.text === '') return answer.lifetimeMs
      // A refusal is told in two steps: the second, empty one gets the error [RFC 7628 §3.2.3].
      return (await say('\x01')).lifetimeMs
    }
    case 'scram-sha-256':
    case 'scram-sha-512': {
      const { username, password, mechanism } = credentials
      const hash = mechanism === 'scram-sha-256' ? 'sha256' : 'sha512'
      const nonce = randomBytes(24).toString('base64url')
      const talk = scram({ hash, username, password, nonce })
      const first = await say(talk.first)
      const proof = await talk.answer(first.text).catch((thrown: unknown) => {
        throw strange(thrown)
      })
      const last = await say(proof)
      if (!talk.isProof(last.text)) throw strange('it does not know the password')
      return last.lifetimeMs
    }
  }
}
