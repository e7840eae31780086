/** SaslHandshake: by which mechanism the login goes. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface SaslHandshakeAnswer {
  readonly code: number
  /** What the broker offers at this port. */
  readonly mechanisms: readonly string[]
}

export const saslHandshake: Api<{ readonly mechanism: string }, SaslHandshakeAnswer> = api({
  name: 'SaslHandshake',
  key: 17,
  version: 1,
  flexible: false,
  write(writer, { mechanism }) {
    writer.appendString(mechanism, false)
  },
  read(reader) {
    const code = reader.readInt16()
    return { code, mechanisms: reader.readArray((r) => r.readString(false), false, false) }
  },
})
