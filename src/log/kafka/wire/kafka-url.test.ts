import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { test } from 'vitest'
import { MillraceError } from '../../../core/error.ts'
import { parseKafkaUrl, securityFromEnvironment } from './kafka-url.ts'

test('brokers, TLS, login and further settings are read', () => {
  const url = parseKafkaUrl(
    'kafka://a:1,[::1]:2,c?tls=true&ca=/etc/ca.pem&verify=false&servername=b.example' +
      '&sasl=SCRAM-SHA-512&username=a%20b&replication=3',
    ['replication'],
  )
  assert.deepEqual(url, {
    brokers: ['a:1', '[::1]:2', 'c:9092'],
    tls: { ca: '/etc/ca.pem', servername: 'b.example', rejectUnauthorized: false },
    sasl: { mechanism: 'scram-sha-512', username: 'a b' },
    settings: new Map([['replication', '3']]),
  })
  assert.deepEqual(parseKafkaUrl('kafka://a:1/'), { brokers: ['a:1'], settings: new Map() })
  assert.equal(parseKafkaUrl('kafka://a?tls=true').tls, true)
  assert.equal(parseKafkaUrl('kafka://a?tls=false').tls, false)
})

const refused: readonly (readonly [url: string, says: RegExp])[] = [
  ['kafka:a:1', /not written like/],
  ['kafka://', /names no broker/],
  ['kafka://a:0', /'a:0' is no broker/],
  ['kafka://a:70000', /is no broker/],
  ['kafka://a:1/topic', /not written like/],
  ['kafka://a?speed=1', /'speed' .* not known.*tls, ca/],
  ['kafka://a?tls=yes', /'tls' .* is 'yes'/],
  ['kafka://a?tls=false&ca=x', /tls=false, but 'ca'/],
  ['kafka://a?tls=true&tls=true', /twice/],
  ['kafka://a?ca=', /empty/],
  ['kafka://a?sasl=gssapi', /'gssapi' is not known.*scram-sha-256/],
  ['kafka://a?username=x', /no mechanism/],
  ['kafka://x@a:1', /a user before the host/],
  ['kafka://x:hunter2@a:1', /holds a password.*MILLRACE_KAFKA_PASSWORD/],
  ['kafka://a?sasl=plain&username=x&password=hunter2', /holds a password.*MILLRACE_KAFKA_PASSWORD/],
  ['kafka://a?Token=hunter2', /holds a token.*MILLRACE_KAFKA_TOKEN/],
  ['kafka://a?passphrase=hunter2', /holds a passphrase.*MILLRACE_KAFKA_PASSPHRASE/],
]

test.each(refused)('%s is refused', (url, says) => {
  assert.throws(
    () => parseKafkaUrl(url),
    (error) => {
      assert.ok(error instanceof MillraceError && error.code === 'invalid-argument')
      assert.match(`${error.message} → ${error.hint}`, says)
      assert.doesNotMatch(inspect(error), /hunter2/)
      return true
    },
  )
})

test('the environment adds secrets, and printing does not show them', async () => {
  const environment = {
    MILLRACE_KAFKA_USERNAME: 'ann',
    MILLRACE_KAFKA_PASSWORD: 'hunter2',
    MILLRACE_KAFKA_TOKEN: 'hunter2.token',
    MILLRACE_KAFKA_CA: '/ca.pem',
    MILLRACE_KAFKA_CERT: '/cert.pem',
    MILLRACE_KAFKA_KEY: 'hunter2-key',
    MILLRACE_KAFKA_PASSPHRASE: 'hunter2-pass',
  }
  const scram = securityFromEnvironment(environment, { sasl: { mechanism: 'scram-sha-256' } })
  assert.ok(scram.sasl?.mechanism === 'scram-sha-256' && scram.sasl.username === 'ann')
  assert.equal(
    typeof scram.sasl.password === 'function' && (await scram.sasl.password()),
    'hunter2',
  )
  assert.ok(typeof scram.tls === 'object' && scram.tls.ca === '/ca.pem')
  assert.equal(typeof scram.tls.key === 'function' && (await scram.tls.key()), 'hunter2-key')

  const token = securityFromEnvironment(environment, { sasl: { mechanism: 'oauthbearer' } })
  assert.ok(token.sasl?.mechanism === 'oauthbearer' && typeof token.sasl.token === 'function')
  assert.equal(await token.sasl.token(), 'hunter2.token')
  assert.doesNotMatch(inspect([scram, token], { depth: 9, showHidden: true }), /hunter2/)
})

test('what was chosen wins over the environment', () => {
  const environment = { MILLRACE_KAFKA_CA: '/env.pem', MILLRACE_KAFKA_USERNAME: 'env' }
  assert.deepEqual(securityFromEnvironment(environment), { tls: { ca: '/env.pem' } })
  assert.deepEqual(securityFromEnvironment(environment, { tls: false }), { tls: false })
  assert.deepEqual(securityFromEnvironment(environment, { tls: { ca: '/own.pem' } }), {
    tls: { ca: '/own.pem' },
  })
  assert.deepEqual(securityFromEnvironment({ MILLRACE_KAFKA_CA: '' }), {})
  const sasl = { mechanism: 'plain', username: 'own', password: 'x' } as const
  assert.deepEqual(securityFromEnvironment(environment, { sasl, tls: false }).sasl, sasl)
})

test.each([
  ['plain', {}, /no user name/],
  ['plain', { MILLRACE_KAFKA_USERNAME: 'ann' }, /no password/],
  ['oauthbearer', {}, /no token/],
] as const)('a login by %s with %o lacks something', (mechanism, environment, says) => {
  assert.throws(
    () => securityFromEnvironment(environment, { sasl: { mechanism } }),
    (error) =>
      error instanceof MillraceError &&
      error.code === 'invalid-argument' &&
      says.test(error.message) &&
      /MILLRACE_KAFKA_/.test(error.hint ?? ''),
  )
})
