/** The client's side of SCRAM [RFC 5802, RFC 7677], as Kafka speaks it: no channel binding. */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

export interface ScramOptions {
  readonly hash: 'sha256' | 'sha512'
  readonly username: string
  readonly password: string
  /** Unlike any other before; printable, no comma. */
  readonly nonce: string
}

export interface Scram {
  /** What the client says first. */
  readonly first: string
  /** Its answer to what the server said first. @throws Error that says what is wrong with it */
  answer(serverFirst: string): Promise<string>
  /** Whether the server, too, knows the password. After `answer`. */
  isProof(serverFinal: string): boolean
}

/** [RFC 7677 §4]: fewer would make the password easy to guess for whoever listens. */
const iterationsMin = 4_096
/** A server that asks for more would keep this process busy for minutes. */
const iterationsMax = 10_000_000
/** Says that no channel binding is used: `n,,` in base64. */
const header = 'n,,'
const headerBase64 = 'biws'

const stretch = promisify(pbkdf2)

export function scram({ hash, username, password, nonce }: ScramOptions): Scram {
  const name = username.replaceAll('=', '=3D').replaceAll(',', '=2C')
  const firstBare = `n=${name},r=${nonce}`
  const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest()
  let expected: Buffer | null = null
  return {
    first: `${header}${firstBare}`,
    async answer(serverFirst) {
      const { salt, iterations, serverNonce } = readServerFirst(serverFirst, nonce)
      const bits = hash === 'sha256' ? 32 : 64
      const salted = await stretch(password, salt, iterations, bits, hash)
      const withoutProof = `c=${headerBase64},r=${serverNonce}`
      const spoken = `${firstBare},${serverFirst},${withoutProof}`
      const clientKey = hmac(salted, 'Client Key')
      const signature = hmac(createHash(hash).update(clientKey).digest(), spoken)
      const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)))
      expected = hmac(hmac(salted, 'Server Key'), spoken)
      return `${withoutProof},p=${proof.toString('base64')}`
    },
    isProof(serverFinal) {
      const given = Buffer.from(fieldsOf(serverFinal).get('v') ?? '', 'base64')
      return (
        expected !== null && given.length === expected.length && timingSafeEqual(given, expected)
      )
    },
  }
}

function readServerFirst(
  text: string,
  nonce: string,
): { salt: Buffer; iterations: number; serverNonce: string } {
  const fields = fieldsOf(text)
  const salt = Buffer.from(fields.get('s') ?? '', 'base64')
  const iterations = Number(fields.get('i'))
  const serverNonce = fields.get('r') ?? ''
  if (salt.length === 0) throw new Error('it gives no salt')
  if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length) {
    throw new Error('its nonce does not go on from ours')
  }
  const isRight = Number.isInteger(iterations) && iterations >= iterationsMin
  if (!isRight || iterations > iterationsMax) {
    throw new Error(`it asks for ${fields.get('i') ?? 'no'} iterations`)
  }
  return { salt, iterations, serverNonce }
}

/** `a=1,b=2`; a value may hold further equal signs. */
function fieldsOf(text: string): ReadonlyMap<string, string> {
  return new Map(text.split(',').map((field) => [field.slice(0, 1), field.slice(2)] as const))
}
