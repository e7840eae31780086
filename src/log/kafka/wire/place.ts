/** Addresses of brokers: `host:port`. */
import { MillraceError } from '../../../core/error.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** `[::1]:9092` for IPv6. */
export function placeOf({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** @throws `invalid-argument` */
export function addressOf(text: string): Address {
  const found = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text)
  const host = found?.[1] ?? found?.[2]
  const port = Number(found?.[3])
  if (host !== undefined && port > 0 && port < 65_536) return { host, port }
  // An address with a user in it may have a password, too: it is not repeated.
  const shown = text.includes('@') ? 'an address with a user in it' : `'${text}'`
  throw new MillraceError('invalid-argument', `${shown} is no broker`, {
    hint: 'write host:port, for instance 127.0.0.1:9092',
  })
}
