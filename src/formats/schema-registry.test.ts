import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { afterEach, beforeEach, test } from 'vitest'
import { startRegistry } from '../../test/registry/registry-server.ts'
import type { RegistryServer } from '../../test/registry/registry-server.ts'
import { systemClock } from '../core/clock.ts'
import type { Clock } from '../core/clock.ts'
import { isCode } from '../core/error.ts'
import type { ErrorCode } from '../core/error.ts'
import { SchemaRegistry } from './schema-registry.ts'
import type { SchemaText } from './schema-registry.ts'

/** Pauses take no time. */
const hasty: Clock = { ...systemClock, after: (_ms, run) => systemClock.after(0, run) }

let server: RegistryServer
let registry: SchemaRegistry
beforeEach(async () => {
  server = await startRegistry()
  registry = new SchemaRegistry({ url: server.url, clock: hasty })
})
afterEach(() => server.close())

const avroText: SchemaText = { type: 'AVRO', text: '"string"', references: [] }
const jsonText: SchemaText = { type: 'JSON', text: '{}', references: [] }

async function refuses(code: ErrorCode, work: Promise<unknown>, words = ''): Promise<void> {
  await assert.rejects(work, (thrown) => {
    assert.ok(isCode(thrown, code), `${code}, not ${String(thrown)}`)
    assert.ok(thrown.message.includes(words), thrown.message)
    return true
  })
}

test('a schema is registered once, and read back by its id', async () => {
  const id = await registry.register('a-value', avroText)
  assert.equal(await registry.register('a-value', avroText), id)
  const references = [{ name: 'b.proto', subject: 'b', version: 1 }]
  const other = await registry.register('b-value', { ...jsonText, references })
  assert.notEqual(other, id)
  assert.deepEqual(await registry.schema(id), avroText)
  assert.deepEqual(await registry.schema(other), { ...jsonText, references })
  assert.deepEqual(await registry.latest('b-value'), { ...jsonText, references, id: other })
  assert.deepEqual(await registry.version({ subject: 'a-value', version: 1 }), avroText)
  assert.equal(await registry.find('a-value', avroText), id)
  assert.equal(server.versions('a-value').length, 1)
  // The default, which old registries do not know by name.
  assert.deepEqual(server.versions('a-value')[0], { schema: '"string"' })
})

test('an id is asked for once, also by many at a time', async () => {
  const id = await registry.register('a', avroText)
  await Promise.all(Array.from({ length: 20 }, () => registry.schema(id)))
  await registry.schema(id)
  assert.equal(server.requests.filter((line) => line.includes('/schemas/ids/')).length, 1)
})

test('what the registry does not have, or does not take, is told with its words', async () => {
  await refuses('decode-failed', registry.schema(77), 'no schema 77')
  await refuses('registry-failed', registry.latest('nobody'), "Subject 'nobody' not found. (40401)")
  await refuses('registry-failed', registry.find('a', avroText), 'Schema not found (40403)')
  const invalid = registry.register('a', { ...avroText, text: 'INVALID' })
  await refuses('registry-failed', invalid, 'Invalid schema (42201)')
})

test('a registry that stumbles is asked again; one that is away is told', async () => {
  server.failNext(500, 0, 503, 429)
  const id = await registry.register('a', avroText)
  assert.equal(server.requests.length, 5)
  server.failNext(500, 500, 500, 500, 500)
  await refuses('registry-failed', registry.schema(id), 'out of order')
  assert.deepEqual(await registry.schema(id), avroText, 'a failure is not remembered')
  await server.close()
  await refuses('registry-failed', registry.schema(99), 'does not answer')
})

test('a login is refused at once, and its password is nowhere', async () => {
  const options = { url: server.url, username: 'ann', password: 'S3CRET' }
  const secured = new SchemaRegistry(options)
  server.failNext(401)
  await assert.rejects(secured.schema(1), (thrown) => {
    assert.ok(isCode(thrown, 'not-authorised'))
    return !inspect(thrown, { depth: 9 }).includes('S3CRET')
  })
  assert.deepEqual(server.logins, [`Basic ${Buffer.from('ann:S3CRET').toString('base64')}`])
  assert.ok(!inspect(secured, { depth: 9, showHidden: true }).includes('S3CRET'))
  await refuses('decode-failed', new SchemaRegistry({ url: server.url, token: 'T' }).schema(1))
  assert.equal(server.logins.at(-1), 'Bearer T')
})

test('urls that are none, or tell a password, are refused without repeating it', () => {
  for (const url of ['', 'registry:8081', 'ftp://registry', 'http://ann:S3CRET@host:8081']) {
    assert.throws(
      () => new SchemaRegistry({ url }),
      (thrown) => isCode(thrown, 'invalid-argument') && !inspect(thrown).includes('S3CRET'),
    )
  }
  assert.equal(new SchemaRegistry({ url: 'http://host:1/base/' }).place, 'http://host:1/base')
})
