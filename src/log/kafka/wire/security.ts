/**
 * TLS and login of a connection: the options, checked; certificates read; secrets had when they are
 * needed and kept out of every text.
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { ConnectionOptions as NodeTlsOptions } from 'node:tls'
import { MillraceError, messageOf } from '../../../core/error.ts'

/** A function keeps the secret out of printed options, and may fetch a new one each time. */
export type Secret = string | (() => string | Promise<string>)

/**
 * Certificates and keys are PEM text or the path of a file with it. Files are read again for each
 * connection, so that renewed ones are taken up.
 */
export interface TlsOptions {
  /** Who may have signed the broker's certificate; default: the CAs that Node trusts. */
  readonly ca?: string
  /** The client's own certificate (mutual TLS), with the chain up to its CA. */
  readonly cert?: string
  readonly key?: Secret
  /** Of the key. */
  readonly passphrase?: Secret
  /** False accepts any certificate of the broker, so anybody in between. Default true. */
  readonly rejectUnauthorized?: boolean
  /** The name that the broker's certificate must have; default: the host connected to. */
  readonly servername?: string
}

export const saslMechanisms = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const

export type SaslOptions =
  | {
      readonly mechanism: Exclude<(typeof saslMechanisms)[number], 'oauthbearer'>
      readonly username: string
      readonly password: Secret
    }
  | {
      readonly mechanism: 'oauthbearer'
      /** A function is asked for a token at each login. */
      readonly token: Secret
      readonly extensions?: Readonly<Record<string, string>>
    }

export type Credentials =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string
    }
  | {
      readonly mechanism: 'oauthbearer'
      readonly token: string
      readonly extensions: Readonly<Record<string, string>>
    }

export interface Security {
  readonly usesTls: boolean
  readonly usesLogin: boolean
  /** For Node, read anew. null: no TLS. @throws `file-not-found`, `invalid-argument` */
  tls(host: string): Promise<NodeTlsOptions | null>
  /** Had anew. null: no login. @throws `log-unreachable` */
  credentials(): Promise<Credentials | null>
  /** The text without any secret that was used. */
  scrub(text: string): string
}

export interface SecurityOptions {
  readonly tls?: boolean | TlsOptions
  readonly sasl?: SaslOptions
}

/** Shorter ones would be found everywhere. */
const scrubbedMin = 3

/** @throws `invalid-argument`, `file-not-found` for certificates that cannot be used */
export async function securityOf({ tls = false, sasl }: SecurityOptions): Promise<Security> {
  const secrets = new Set<string>()
  const had = async (secret: Secret): Promise<string> => {
    const text = typeof secret === 'function' ? await given(secret) : secret
    if (text.length >= scrubbedMin) secrets.add(text)
    return text
  }
  const options = tls === true ? {} : tls === false ? null : tls
  if (sasl !== undefined) checkSasl(sasl)
  const security: Security = {
    usesTls: options !== null,
    usesLogin: sasl !== undefined,
    tls: async (host) => (options === null ? null : await nodeTls(options, host, had)),
    credentials: async () => (sasl === undefined ? null : await credentialsOf(sasl, had)),
    scrub(text) {
      let clean = text
      for (const secret of secrets) clean = clean.replaceAll(secret, '***')
      return clean
    },
  }
  await security.tls('localhost') // what is wrong with the files shows itself at once
  return security
}

/** @throws `log-unreachable`: what gives secrets is a service as the broker is one */
async function given(secret: () => string | Promise<string>): Promise<string> {
  let why = 'it gave no text'
  try {
    const text: unknown = await secret()
    if (typeof text === 'string') return text
  } catch (thrown) {
    why = messageOf(thrown)
  }
  throw new MillraceError('log-unreachable', `the function for a secret failed: ${why}`, {
    hint: 'it is what was given as a password, token, key or passphrase',
  })
}

function checkSasl(sasl: SaslOptions): void {
  const isSecret = (secret: unknown): boolean =>
    typeof secret === 'function' || (typeof secret === 'string' && secret !== '')
  if (!saslMechanisms.includes(sasl.mechanism)) {
    throw invalid(
      `the SASL mechanism '${String(sasl.mechanism)}' is not known`,
      `known are ${saslMechanisms.join(', ')}`,
    )
  }
  if (sasl.mechanism === 'oauthbearer') {
    if (!isSecret(sasl.token)) {
      throw invalid('sasl has no token', 'give sasl.token, or MILLRACE_KAFKA_TOKEN')
    }
    return
  }
  if (typeof sasl.username !== 'string' || sasl.username === '') {
    throw invalid('sasl has no username', 'give sasl.username, or MILLRACE_KAFKA_USERNAME')
  }
  if (!isSecret(sasl.password)) {
    throw invalid('sasl has no password', 'give sasl.password, or MILLRACE_KAFKA_PASSWORD')
  }
}

async function credentialsOf(
  sasl: SaslOptions,
  had: (secret: Secret) => Promise<string>,
): Promise<Credentials> {
  if (sasl.mechanism === 'oauthbearer') {
    const { mechanism, token, extensions = {} } = sasl
    return { mechanism, token: await had(token), extensions }
  }
  const { mechanism, username, password } = sasl
  return { mechanism, username, password: await had(password) }
}

async function nodeTls(
  { ca, cert, key, passphrase, rejectUnauthorized = true, servername }: TlsOptions,
  host: string,
  had: (secret: Secret) => Promise<string>,
): Promise<NodeTlsOptions> {
  if ((cert === undefined) !== (key === undefined)) {
    throw invalid(
      cert === undefined ? 'tls.key is without tls.cert' : 'tls.cert is without tls.key',
      'a client certificate needs both',
    )
  }
  const parts = {
    ...(ca === undefined ? {} : { ca: pem('ca', ca) }),
    ...(cert === undefined ? {} : { cert: pem('cert', cert) }),
    ...(key === undefined ? {} : { key: pem('key', await had(key)) }),
    ...(passphrase === undefined ? {} : { passphrase: await had(passphrase) }),
  }
  const name = servername ?? (isIP(host) === 0 ? host : undefined)
  return {
    secureContext: contextOf(parts),
    rejectUnauthorized,
    ...(name === undefined ? {} : { servername: name }),
  }
}

function contextOf(
  parts: Parameters<typeof createSecureContext>[0],
): ReturnType<typeof createSecureContext> {
  try {
    // Node passes over a CA that it cannot read; this does not.
    if (typeof parts?.ca === 'string') void new X509Certificate(parts.ca)
    return createSecureContext(parts)
  } catch (thrown) {
    const text = messageOf(thrown)
    const isLocked = /decrypt|passphrase|interrupted|empty password/i.test(text)
    throw invalid(
      `the certificates and keys of tls cannot be used: ${text}`,
      isLocked
        ? 'is tls.passphrase (MILLRACE_KAFKA_PASSPHRASE) the right one?'
        : 'give PEM text or the path of a PEM file; the key must belong to the certificate',
    )
  }
}

/** The text itself, or what the file of that name holds. */
function pem(part: 'ca' | 'cert' | 'key', given: string): string {
  if (given.includes('-----BEGIN ')) return given
  try {
    return readFileSync(given, 'utf8')
  } catch (thrown) {
    // What was meant as a key but is no PEM text is not repeated.
    const isName = part !== 'key' && given.length < 1_000 && !given.includes('\n')
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'no file'
    const text = `tls.${part} is neither PEM text nor a file that can be read: ${code}`
    throw new MillraceError(code === 'ENOENT' ? 'file-not-found' : 'invalid-argument', text, {
      hint: `give the path of a PEM file, or the text itself, -----BEGIN … included`,
      ...(isName ? { at: { file: given } } : {}),
    })
  }
}

function invalid(text: string, hint?: string): MillraceError {
  return new MillraceError('invalid-argument', text, hint === undefined ? {} : { hint })
}
