/** A CA of its own and certificates that it signed, by the openssl command, for tests of TLS. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']

/** Why there can be no certificates on this machine; null where there can. */
export function whyNoCertificates(): string | null {
  const { status } = spawnSync('openssl', ['version'])
  return status === 0 ? null : 'there is no openssl'
}

export interface CertificateOptions {
  readonly name: string
  /** `DNS:localhost,IP:127.0.0.1` */
  readonly names?: string
  /** −1: it has expired. Default 30. */
  readonly days?: number
  /** Of the key. Default none. */
  readonly passphrase?: string
}

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export class CertificateAuthority {
  readonly #directory: string
  readonly #key: string
  /** Path of its own certificate. */
  readonly cert: string

  constructor(directory: string, name: string) {
    this.#directory = directory
    this.cert = join(directory, `${name}.pem`)
    this.#key = join(directory, `${name}.key`)
    const files = ['-keyout', this.#key, '-out', this.cert]
    openssl(['req', '-x509', ...newKey, '-nodes', '-days', '30', '-subj', `/CN=${name}`, ...files])
  }

  sign({ name, names, days = 30, passphrase }: CertificateOptions): Certificate {
    const file = (suffix: string): string => join(this.#directory, `${name}.${suffix}`)
    const [cert, key, request, extensions] = [file('pem'), file('key'), file('csr'), file('ext')]
    const locked = passphrase === undefined ? ['-nodes'] : ['-passout', `pass:${passphrase}`]
    const files = ['-keyout', key, '-out', request]
    openssl(['req', '-new', ...newKey, ...locked, '-subj', `/CN=${name}`, ...files])
    writeFileSync(extensions, names === undefined ? '' : `subjectAltName=${names}\n`)
    const by = ['-CA', this.cert, '-CAkey', this.#key, '-extfile', extensions]
    openssl(['x509', '-req', '-in', request, ...by, '-days', String(days), '-out', cert])
    return { cert, key }
  }
}

/** Key and certificate in one file, as Kafka reads them. */
export function keystoreOf({ cert, key }: Certificate): string {
  const path = cert.replace(/\.pem$/, '.keystore.pem')
  writeFileSync(path, readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'))
  return path
}

function openssl(args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`)
}
