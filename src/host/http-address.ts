/** The address that a process is to serve HTTP on, as text. */
import { MillraceError } from '../core/error.ts'
import type { HttpOptions } from '../server/http-options.ts'

/** Where it listens when nobody says another place. */
export const httpAddressDefault = '127.0.0.1:7070'

/** `7070`, `127.0.0.1:7070`, `[::1]:7070`. @throws `invalid-argument` */
export function parseHttpAddress(text: string): Pick<HttpOptions, 'port' | 'host'> {
  const [, bracketed, plain, port] = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535) {
    throw new MillraceError('invalid-argument', `'${text}' is no address to listen on`, {
      hint: 'write a port, or HOST:PORT: 7070, 127.0.0.1:7070, [::1]:7070',
    })
  }
  const host = bracketed ?? plain
  return { port: Number(port), ...(host === undefined ? {} : { host }) }
}
