/** TLS and logins with a real broker, and what is said where they fail. */
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { afterAll, beforeAll, test } from 'vitest'
import {
  plainLifetimeMs,
  startSecureBroker,
  whyNoSecureBroker,
} from '../../../../test/kafka/secure-broker.ts'
import type { SecureBroker } from '../../../../test/kafka/secure-broker.ts'
import { systemClock as clock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { ErrorCode } from '../../../core/error.ts'
import { api } from './api.ts'
import type { Cluster } from './cluster.ts'
import { connectCluster } from './connect-cluster.ts'
import type { ClusterEvent, ConnectOptions } from './connect-cluster.ts'
import { retrying } from './retrying.ts'
import type { SaslOptions } from './security.ts'

const why = whyNoSecureBroker()
const secureTest: typeof test =
  why === null
    ? test
    : (((title: string, run: () => void) =>
        test.skip(`${title} [skipped: ${why}]`, run)) as typeof test)

const password = 'scram-secret-Xy7'
let broker: SecureBroker
/** Everything that was thrown or told, as somebody would print it. */
const said: string[] = []

beforeAll(async () => {
  if (why !== null) return
  broker = await startSecureBroker()
  const plain = await connectCluster({ brokers: [broker.ports.plaintext], clock })
  await addUser(plain, 'scram-sha-256')
  await addUser(plain, 'scram-sha-512')
  await plain.close()
}, 90_000)

afterAll(async () => {
  await broker?.stop()
}, 30_000)

type ScramMechanism = 'scram-sha-256' | 'scram-sha-512'

interface Upsertion {
  readonly name: string
  readonly mechanism: ScramMechanism
}

const alterUserScramCredentials = api<Upsertion, number[]>({
  name: 'AlterUserScramCredentials',
  key: 51,
  version: 0,
  flexible: true,
  write(writer, { name, mechanism }) {
    const is256 = mechanism === 'scram-sha-256'
    const salt = randomBytes(16)
    const hash = is256 ? 'sha256' : 'sha512'
    const salted = pbkdf2Sync(password, salt, 4_096, is256 ? 32 : 64, hash)
    writer
      .appendArray([], () => {})
      .appendArray([name], (w) => {
        w.appendString(name)
          .appendInt8(is256 ? 1 : 2)
          .appendInt32(4_096)
        w.appendBytes(salt).appendBytes(salted)
      })
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    return reader.readArray((r) => {
      r.readString()
      const code = r.readInt16()
      r.readNullableString()
      return code
    })
  },
})

/** The broker knows its new users a moment later. */
async function addUser(cluster: Cluster, mechanism: ScramMechanism): Promise<void> {
  const name = userOf(mechanism)
  const codes = await cluster.send('any', alterUserScramCredentials, { name, mechanism })
  assert.deepEqual(codes, [0])
  const options = { tls: { ca: broker.ca }, sasl: { mechanism, username: name, password } }
  const isKnown = async (): Promise<void> => {
    const outcome = await attempt(broker.ports.login, options)
    if (outcome instanceof MillraceError) {
      throw new MillraceError('log-unreachable', outcome.message)
    }
  }
  await retrying(isKnown, { clock, limitMs: 10_000 })
}

function userOf(mechanism: ScramMechanism): string {
  return `bob-${mechanism.slice(-3)}`
}

/** Connects, asks a question, closes. @returns the error, or the ids of the brokers found */
async function attempt(
  place: string,
  options: Partial<ConnectOptions>,
): Promise<MillraceError | number[]> {
  const notify = (event: ClusterEvent): void => void said.push(inspect(event, { depth: 9 }))
  const cluster = await connectCluster({ brokers: [place], clock, notify, ...options })
  try {
    said.push(inspect(cluster, { depth: 9, showHidden: true }), cluster.place)
    return (await cluster.brokers()).map(({ node }) => node)
  } catch (thrown) {
    assert.ok(thrown instanceof MillraceError, inspect(thrown))
    said.push(inspect(thrown, { depth: 9, showHidden: true }), thrown.message, String(thrown.hint))
    said.push(inspect(cluster.state))
    return thrown
  } finally {
    await cluster.close()
  }
}

/** A token as the broker takes it without a signature. */
function tokenOf(subject: string, seconds: number): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(clock.now() / 1_000)
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + seconds })}.`
}

const good: readonly (readonly [title: string, () => [string, Partial<ConnectOptions>]])[] = [
  ['TLS', () => [broker.ports.tls, { tls: { ca: broker.ca } }]],
  [
    'TLS, CA as text, another name',
    () => [
      broker.ports.tls,
      { tls: { ca: readFileSync(broker.ca, 'utf8'), servername: 'localhost' } },
    ],
  ],
  ['TLS that takes any certificate', () => [broker.ports.expired, { tls: noVerify }]],
  ['mutual TLS', () => [broker.ports.mutual, { tls: { ca: broker.ca, ...broker.client } }]],
  [
    'mutual TLS, key with a passphrase',
    () => [broker.ports.mutual, { tls: { ca: broker.ca, ...broker.lockedClient } }],
  ],
  ['PLAIN over TLS', () => [broker.ports.login, login(plain())]],
  ['PLAIN without TLS', () => [broker.ports.open, { sasl: plain() }]],
  ['SCRAM-SHA-256', () => [broker.ports.login, login(scram('scram-sha-256'))]],
  ['SCRAM-SHA-512', () => [broker.ports.login, login(scram('scram-sha-512'))]],
  [
    'OAUTHBEARER',
    () => [broker.ports.login, login({ mechanism: 'oauthbearer', token: tokenOf('eve', 600) })],
  ],
  [
    'OAUTHBEARER, token from a function, extensions',
    () => [
      broker.ports.login,
      login({
        mechanism: 'oauthbearer',
        token: () => Promise.resolve(tokenOf('eve', 600)),
        extensions: { tenant: 'a' },
      }),
    ],
  ],
]

const noVerify = { rejectUnauthorized: false } as const

function plain(secret = broker.user.password): SaslOptions {
  return { mechanism: 'plain', username: broker.user.username, password: secret }
}

function scram(mechanism: ScramMechanism, secret = password): SaslOptions {
  return { mechanism, username: userOf(mechanism), password: () => secret }
}

function login(sasl: SaslOptions): Partial<ConnectOptions> {
  return { tls: { ca: broker.ca }, sasl }
}

secureTest.each(good)('connects by %s', async (_title, given) => {
  const [place, options] = given()
  assert.deepEqual(await attempt(place, options), [1])
})

type Bad = readonly [
  title: string,
  given: () => [string, Partial<ConnectOptions>],
  code: ErrorCode,
  message: RegExp,
  hint: RegExp,
]

const wrong = 'wrong-secret-Qq3'
const bad: readonly Bad[] = [
  [
    'a wrong password (PLAIN)',
    () => [broker.ports.login, login(plain(wrong))],
    'not-authorised',
    /refuses the login of user 'ann' by PLAIN: .*[Ii]nvalid/,
    /password/,
  ],
  [
    'a wrong password (SCRAM)',
    () => [broker.ports.login, login(scram('scram-sha-512', wrong))],
    'not-authorised',
    /refuses the login of user 'bob-512' by SCRAM-SHA-512: /,
    /password/,
  ],
  [
    'a token that is none',
    () => [broker.ports.login, login({ mechanism: 'oauthbearer', token: wrong })],
    'not-authorised',
    /refuses the login of the token by OAUTHBEARER/,
    /MILLRACE_KAFKA_TOKEN/,
  ],
  [
    'a token that has ended',
    () => [broker.ports.login, login({ mechanism: 'oauthbearer', token: tokenOf('e', -60) })],
    'not-authorised',
    /by OAUTHBEARER/,
    /token/,
  ],
  [
    'a mechanism that is not offered',
    () => [broker.ports.open, { sasl: scram('scram-sha-256') }],
    'not-authorised',
    /SCRAM-SHA-256: it offers PLAIN/,
    /mechanism/,
  ],
  [
    'a login where none is wanted',
    () => [broker.ports.tls, login(plain())],
    'not-authorised',
    /takes no login/,
    /leave sasl out/,
  ],
  [
    'no login where one is wanted',
    () => [broker.ports.open, {}],
    'log-unreachable',
    /closed the connection at the first request/,
    /set sasl/,
  ],
  [
    'a CA that is not known',
    () => [broker.ports.tls, { tls: true }],
    'log-unreachable',
    /the CA of its certificate is not known|not trusted/,
    /MILLRACE_KAFKA_CA/,
  ],
  [
    'the wrong CA',
    () => [broker.ports.tls, { tls: { ca: broker.otherCa } }],
    'log-unreachable',
    /its certificate/,
    /MILLRACE_KAFKA_CA/,
  ],
  [
    'a certificate that has expired',
    () => [broker.ports.expired, { tls: { ca: broker.ca } }],
    'log-unreachable',
    /has expired/,
    /renew/,
  ],
  [
    'a certificate for another name',
    () => [broker.ports.tls, { tls: { ca: broker.ca, servername: 'elsewhere.example' } }],
    'log-unreachable',
    /for another name: .*elsewhere\.example/,
    /servername/,
  ],
  [
    'no client certificate where one is wanted',
    () => [broker.ports.mutual, { tls: { ca: broker.ca } }],
    'not-authorised',
    /wants a client certificate/,
    /MILLRACE_KAFKA_CERT/,
  ],
  [
    'a client certificate of a stranger',
    () => [broker.ports.mutual, { tls: { ca: broker.ca, ...broker.stranger } }],
    'not-authorised',
    /wants a client certificate/,
    /its CA signed/,
  ],
  [
    'no TLS on a port with TLS',
    () => [broker.ports.tls, {}],
    'log-unreachable',
    /speaks TLS, the client does not|closed the connection without an answer/,
    /tls: true/,
  ],
  [
    'a login without TLS on a port with TLS',
    () => [broker.ports.login, { sasl: plain() }],
    'log-unreachable',
    /speaks TLS, the client does not|closed the connection without an answer/,
    /tls: true/,
  ],
  [
    'TLS on a port without',
    () => [broker.ports.plaintext, { tls: { ca: broker.ca } }],
    'log-unreachable',
    /speak no TLS/,
    /leave tls out/,
  ],
]

secureTest.each(bad)('says what is wrong: %s', async (title, given, code, message, hint) => {
  const [place, options] = given()
  const began = clock.monotonic()
  const error = await attempt(place, options)
  assert.ok(error instanceof MillraceError, `no error: ${inspect(error)}`)
  assert.equal(error.code, code, error.message)
  assert.match(error.message, message)
  assert.match(String(error.hint), hint)
  // Only there a request was sent before anything was wrong.
  assert.equal(error.outcome, title.startsWith('no login') ? 'unknown' : 'not-applied')
  assert.ok(clock.monotonic() - began < 4_000, 'it took long')
})

secureTest('a login that ends is renewed without anybody noticing', async () => {
  const events: ClusterEvent[] = []
  const cluster = await connectCluster({
    ...login(plain()),
    brokers: [broker.ports.login],
    clock,
    notify: (event) => events.push(event),
  })
  const endMs = clock.monotonic() + 1.6 * plainLifetimeMs
  let count = 0
  const ask = async (): Promise<void> => {
    while (clock.monotonic() < endMs) {
      await cluster.topics(['no-such-topic'], { fresh: true })
      count += 1
    }
  }
  await Promise.all([ask(), ask(), ask()])
  await cluster.close()
  assert.ok(count > 20, `only ${count} requests`)
  assert.deepEqual(events, [])
})

secureTest('no secret is in anything that was said', () => {
  assert.ok(said.length > 50, 'the tests before have said nothing')
  const secrets = [password, wrong, broker.user.password, broker.lockedClient.passphrase]
  const key = readFileSync(broker.client.key, 'utf8').split('\n')[1] ?? ''
  assert.ok(key.length > 20)
  for (const text of said) {
    for (const secret of [...secrets, key]) assert.ok(!text.includes(secret), text)
    assert.doesNotMatch(text, /eyJ[\w-]{20}/, 'a token')
  }
})
