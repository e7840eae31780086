import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { test } from 'vitest'
import { isCode } from '../core/error.ts'
import type { ErrorCode } from '../core/error.ts'
import { loaded, openKafkaUrl, optionsOf } from './kafka.ts'

function refuses(code: ErrorCode, text: string, environment: Record<string, string> = {}): void {
  assert.throws(
    () => optionsOf(text, environment),
    (thrown) => isCode(thrown, code) && !inspect(thrown, { depth: 9 }).includes('S3CRET'),
    text,
  )
}

test('an address names brokers and settings; secrets come from the environment', () => {
  assert.deepEqual(optionsOf('kafka://a:1,b:2', {}), { brokers: ['a:1', 'b:2'] })
  const text =
    'kafka://a:1?sasl=scram-sha-512&username=ann&tls=true&compression=zstd&out-of-range=latest' +
    '&membership=streams&session-timeout-ms=6000&instance-id=i&client-id=c' +
    '&standbys=1&state-directory=none'
  const { sasl, ...others } = optionsOf(text, { MILLRACE_KAFKA_PASSWORD: 'S3CRET' })
  assert.ok(sasl?.mechanism === 'scram-sha-512' && sasl.username === 'ann')
  assert.equal(typeof sasl.password === 'function' && sasl.password(), 'S3CRET')
  assert.ok(!inspect(sasl).includes('S3CRET'))
  assert.deepEqual(others, {
    brokers: ['a:1'],
    tls: {},
    clientId: 'c',
    instanceId: 'i',
    compression: 'zstd',
    outOfRange: 'latest',
    membership: 'streams',
    stateDirectory: null,
    standbys: 1,
    sessionTimeoutMs: 6000,
  })
  const token = optionsOf('kafka://a:1?sasl=oauthbearer', { MILLRACE_KAFKA_TOKEN: 'T' }).sasl
  assert.ok(token?.mechanism === 'oauthbearer' && typeof token.token === 'function')
  assert.equal(token.token(), 'T')
})

test('what cannot be meant is refused, and no secret is repeated', async () => {
  refuses('invalid-argument', 'kafka://')
  refuses('invalid-argument', 'kafka://ann:S3CRET@a:1')
  refuses('invalid-argument', 'kafka://a:1?password=S3CRET')
  refuses('invalid-argument', 'kafka://a:1?colour=red')
  refuses('invalid-argument', 'kafka://a:1?compression=rar')
  refuses('invalid-argument', 'kafka://a:1?session-timeout-ms=soon')
  refuses('invalid-argument', 'kafka://a:1?sasl=plain&username=ann')
  await assert.rejects(openKafkaUrl('kafka://a:1?ca=no-such-file.pem', { data: '.' }), (thrown) =>
    isCode(thrown, 'file-not-found'),
  )
})

test('whoever uses Kafka without its package is told which', async () => {
  const missing = loaded(async () => {
    throw new Error("Cannot find package '@platformatic/kafka' imported from x.js")
  })
  await assert.rejects(missing, (thrown) => isCode(thrown, 'missing-dependency'))
  const other = loaded(async () => {
    throw new Error('out of memory')
  })
  await assert.rejects(other, /out of memory/)
})
