/** SaslAuthenticate: one step of the login. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface SaslAuthenticateAnswer {
  readonly code: number
  /** The broker's words for people. */
  readonly reason: string
  readonly bytes: Buffer
  /** How long the login holds, ms; 0: for ever. */
  readonly lifetimeMs: number
}

export const saslAuthenticate: Api<{ readonly bytes: Buffer }, SaslAuthenticateAnswer> = api({
  name: 'SaslAuthenticate',
  key: 36,
  version: 2,
  flexible: true,
  write(writer, { bytes }) {
    writer.appendBytes(bytes).appendTaggedFields()
  },
  read(reader) {
    const code = reader.readInt16()
    const reason = reader.readNullableString() ?? ''
    const bytes = reader.readBytes()
    return { code, reason, bytes, lifetimeMs: Number(reader.readInt64()) }
  },
})
