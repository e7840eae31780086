/** Where the page of `millrace start` is to be. */
import { createServer } from 'node:net'
import { httpAddressDefault, parseHttpAddress } from '../../host/http-address.ts'
import type { HttpOptions } from '../../server/http-options.ts'
import { isPageBuilt } from '../../server/page-files.ts'

/**
 * Where nobody says a place, one that is free: another program on the usual port is no reason not
 * to start. In a clone without the built page there is none.
 * @throws `invalid-argument` for what is no address
 */
export async function pageAddress(asked: string | undefined): Promise<HttpOptions | null> {
  if (!isPageBuilt()) return null
  const named = asked ?? process.env['MILLRACE_HTTP']
  if (named !== undefined && named !== '') return { ...parseHttpAddress(named), ui: true }
  const usual = parseHttpAddress(httpAddressDefault)
  const port = (await isFree(usual)) ? usual.port : 0
  return { ...usual, port, ui: true }
}

function isFree({ host, port }: Pick<HttpOptions, 'host' | 'port'>): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })
}
