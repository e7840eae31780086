/**
 * One broker with a port for each kind of security: TLS, mutual TLS, a certificate that has
 * expired, a login over TLS and one without. For the tests of connections.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CertificateAuthority, keystoreOf, whyNoCertificates } from './certificates.ts'
import type { Certificate } from './certificates.ts'
import { KafkaCluster } from './cluster.ts'
import { whyNoKafka } from './jars.ts'

/** Logins by PLAIN hold this long, ms. */
export const plainLifetimeMs = 1_500

const listeners = ['PLAINTEXT', 'CONTROLLER', 'TLS', 'MUTUAL', 'EXPIRED', 'LOGIN', 'OPEN'] as const

export interface SecureBroker {
  /** `127.0.0.1:port` of each kind of port. */
  readonly ports: {
    readonly plaintext: string
    readonly tls: string
    /** TLS with client certificates. */
    readonly mutual: string
    /** TLS with a certificate of the broker that has expired. */
    readonly expired: string
    /** Login over TLS, by all mechanisms. */
    readonly login: string
    /** Login by PLAIN without TLS. */
    readonly open: string
  }
  /** Path of the CA's certificate, which signed the broker's and the client's. */
  readonly ca: string
  /** Of a CA that nobody trusts. */
  readonly otherCa: string
  readonly client: Certificate
  /** As `client`; its key has the passphrase. */
  readonly lockedClient: Certificate & { readonly passphrase: string }
  /** Signed by the other CA. */
  readonly stranger: Certificate
  /** Of PLAIN. SCRAM users are made by whoever needs them. */
  readonly user: { readonly username: string; readonly password: string }
  stop(): Promise<void>
}

/** Why it cannot be started on this machine; null where it can. */
export function whyNoSecureBroker(): string | null {
  return whyNoKafka() ?? whyNoCertificates()
}

export async function startSecureBroker(): Promise<SecureBroker> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kafka-keys-'))
  const authority = new CertificateAuthority(directory, 'ca')
  const otherAuthority = new CertificateAuthority(directory, 'other-ca')
  const names = 'DNS:localhost,IP:127.0.0.1'
  const broker = authority.sign({ name: 'broker', names })
  const old = authority.sign({ name: 'old-broker', names, days: -1 })
  const passphrase = 'locked-client-passphrase'
  const user = { username: 'ann', password: 'ann-plain-secret' }
  const first = await freePorts(listeners.length)
  const settings = {
    ...portSettings(first),
    ...tlsSettings({ ca: authority.cert, broker: keystoreOf(broker), old: keystoreOf(old) }),
    ...loginSettings(user),
  }
  const cluster = await KafkaCluster.start({ port: first, heapMb: 256, settings })
  const place = (name: (typeof listeners)[number]): string =>
    `127.0.0.1:${first + listeners.indexOf(name)}`
  return {
    ports: {
      plaintext: place('PLAINTEXT'),
      tls: place('TLS'),
      mutual: place('MUTUAL'),
      expired: place('EXPIRED'),
      login: place('LOGIN'),
      open: place('OPEN'),
    },
    ca: authority.cert,
    otherCa: otherAuthority.cert,
    client: authority.sign({ name: 'client' }),
    lockedClient: { ...authority.sign({ name: 'locked-client', passphrase }), passphrase },
    stranger: otherAuthority.sign({ name: 'stranger' }),
    user,
    async stop() {
      await cluster.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function portSettings(first: number): Record<string, string> {
  const all = listeners.map((name, i) => `${name}://127.0.0.1:${first + i}`)
  const protocols = {
    CONTROLLER: 'PLAINTEXT',
    PLAINTEXT: 'PLAINTEXT',
    TLS: 'SSL',
    MUTUAL: 'SSL',
    EXPIRED: 'SSL',
    LOGIN: 'SASL_SSL',
    OPEN: 'SASL_PLAINTEXT',
  }
  const map = Object.entries(protocols).map(([name, protocol]) => `${name}:${protocol}`)
  return {
    listeners: all.join(','),
    'advertised.listeners': all.filter((one) => !one.startsWith('CONTROLLER')).join(','),
    'listener.security.protocol.map': map.join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
  }
}

interface Stores {
  readonly ca: string
  readonly broker: string
  readonly old: string
}

function tlsSettings({ ca, broker, old }: Stores): Record<string, string> {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.truststore.type': 'PEM',
    'ssl.keystore.location': broker,
    'ssl.truststore.location': ca,
    'listener.name.mutual.ssl.client.auth': 'required',
    'listener.name.expired.ssl.keystore.type': 'PEM',
    'listener.name.expired.ssl.keystore.location': old,
  }
}

function loginSettings({ username, password }: SecureBroker['user']): Record<string, string> {
  const security = 'org.apache.kafka.common.security'
  const plain = `${security}.plain.PlainLoginModule required user_${username}="${password}";`
  const scram = `${security}.scram.ScramLoginModule required;`
  // Without a validator of its own it takes tokens that nobody has signed.
  const token =
    `${security}.oauthbearer.OAuthBearerLoginModule required ` +
    'unsecuredLoginStringClaim_sub="broker";'
  const login = 'listener.name.login'
  return {
    [`${login}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [`${login}.plain.sasl.jaas.config`]: plain,
    [`${login}.plain.connections.max.reauth.ms`]: String(plainLifetimeMs),
    [`${login}.scram-sha-256.sasl.jaas.config`]: scram,
    [`${login}.scram-sha-512.sasl.jaas.config`]: scram,
    [`${login}.oauthbearer.sasl.jaas.config`]: token,
    'listener.name.open.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.open.plain.sasl.jaas.config': plain,
  }
}

/** The first of so many ports in a row that are free now. */
async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 20; tries++) {
    const servers: Server[] = []
    try {
      const first = await listen(0, servers)
      for (let i = 1; i < count; i++) await listen(first + i, servers)
      return first
    } catch {
      // One of them is taken: from another place on.
    } finally {
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
    }
  }
  throw new Error(`no ${count} free ports in a row`)
}

function listen(port: number, servers: Server[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      servers.push(server)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}
