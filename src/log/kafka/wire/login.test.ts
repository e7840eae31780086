import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { test } from 'vitest'
import { MillraceError } from '../../../core/error.ts'
import type { Api } from './api.ts'
import { login } from './login.ts'
import type { LoginOptions } from './login.ts'
import type { SaslAuthenticateAnswer } from './requests/sasl-authenticate.ts'
import type { SaslHandshakeAnswer } from './requests/sasl-handshake.ts'
import type { Credentials } from './security.ts'

const secret = 'hunter2'
const plain: Credentials = { mechanism: 'plain', username: 'ann', password: secret }
const scram: Credentials = { mechanism: 'scram-sha-256', username: 'ann', password: secret }
const bearer: Credentials = { mechanism: 'oauthbearer', token: secret, extensions: { a: 'b' } }

/** A broker that gives these answers, one after another. */
function talk(
  credentials: Credentials,
  handshake: SaslHandshakeAnswer,
  answers: readonly Partial<SaslAuthenticateAnswer>[] = [],
): { options: LoginOptions; told: string[] } {
  const told: string[] = []
  const left = [...answers]
  const call = <Request, Answer>(api: Api<Request, Answer>, request: Request): Promise<Answer> => {
    if (api.name === 'SaslHandshake') {
      told.push((request as { mechanism: string }).mechanism)
      return Promise.resolve(handshake as Answer)
    }
    told.push((request as { bytes: Buffer }).bytes.toString())
    const answer = { code: 0, reason: '', bytes: Buffer.alloc(0), lifetimeMs: 0, ...left.shift() }
    return Promise.resolve(answer as Answer)
  }
  const scrub = (text: string): string => text.replaceAll(secret, '***')
  return { options: { place: 'a:1', credentials, scrub, call }, told }
}

const welcome: SaslHandshakeAnswer = { code: 0, mechanisms: ['PLAIN'] }

test('PLAIN says user and password, and hears how long it holds', async () => {
  const { options, told } = talk(plain, welcome, [{ lifetimeMs: 5_000 }])
  assert.deepEqual(await login(options), { lifetimeMs: 5_000 })
  assert.deepEqual(told, ['PLAIN', '\0ann\0hunter2'])
})

test('a login without an end holds for ever', async () => {
  const { options } = talk(plain, welcome, [{ lifetimeMs: 0 }])
  assert.deepEqual(await login(options), { lifetimeMs: Infinity })
})

test('OAUTHBEARER says token and extensions; a refusal comes in two steps', async () => {
  const good = talk(bearer, welcome, [{ lifetimeMs: 1 }])
  await login(good.options)
  assert.deepEqual(good.told, ['OAUTHBEARER', 'n,,\x01auth=Bearer hunter2\x01a=b\x01\x01'])
  const refused = talk(bearer, welcome, [
    { bytes: Buffer.from('{"status":"invalid_token"}') },
    { code: 58, reason: 'invalid_token' },
  ])
  await assert.rejects(login(refused.options), /the token by OAUTHBEARER: invalid_token/)
  assert.equal(refused.told.at(-1), '\x01')
})

test.each<[string, Credentials, SaslHandshakeAnswer, Partial<SaslAuthenticateAnswer>[], RegExp]>([
  ['another mechanism', plain, { code: 33, mechanisms: ['GSSAPI'] }, [], /it offers GSSAPI/],
  ['none', plain, { code: 33, mechanisms: [] }, [], /it offers none/],
  ['no login here', plain, { code: 34, mechanisms: [] }, [], /takes no login.*leave sasl out/],
  ['something odd', plain, { code: -1, mechanisms: [] }, [], /UNKNOWN_SERVER_ERROR/],
  ['a wrong password', plain, welcome, [{ code: 58 }], /SASL_AUTHENTICATION_FAILED \(58\)/],
  ['it in its words', plain, welcome, [{ code: 58, reason: 'no hunter2!' }], /: no \*\*\*! →/],
  ['SCRAM nonsense', scram, welcome, [{ bytes: Buffer.from('no') }], /not prove.*no salt/],
])(
  'a broker that answers %s refuses the login',
  async (_title, credentials, handshake, answers, says) => {
    const { options } = talk(credentials, handshake, answers)
    await assert.rejects(login(options), (error) => {
      assert.ok(error instanceof MillraceError && error.code === 'not-authorised')
      assert.match(`${error.message} → ${error.hint}`, says)
      assert.doesNotMatch(inspect(error), /hunter2/)
      return true
    })
  },
)

test('a broker that does not know the password is not trusted', async () => {
  const { options } = talk(scram, welcome)
  const call: LoginOptions['call'] = async (api, request) => {
    const answer = await options.call(api, request)
    const said = (request as { bytes?: Buffer }).bytes?.toString() ?? ''
    const nonce = /r=(.*)$/.exec(said)?.[1]
    if (!said.startsWith('n,,')) return answer
    return { ...answer, bytes: Buffer.from(`r=${nonce}more,s=c2FsdA==,i=4096`) }
  }
  await assert.rejects(login({ ...options, call }), /it does not know the password/)
})
