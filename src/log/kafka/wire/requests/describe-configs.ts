/** DescribeConfigs: the settings of topics. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface DescribedConfig {
  readonly name: string
  readonly code: number
  readonly reason: string | null
  readonly settings: ReadonlyMap<string, string | null>
}

const topicResource = 2

export const describeConfigs: Api<
  { readonly topics: readonly string[]; readonly settings: readonly string[] },
  readonly DescribedConfig[]
> = api({
  name: 'DescribeConfigs',
  key: 32,
  version: 4,
  flexible: true,
  write(writer, { topics, settings }) {
    writer
      .appendArray([...topics], (w, name) => {
        w.appendInt8(topicResource)
          .appendString(name)
          .appendArray([...settings], (s, setting) => s.appendString(setting), true, false)
      })
      .appendBoolean(false)
      .appendBoolean(false)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    return reader.readArray((r) => {
      const code = r.readInt16()
      const reason = r.readNullableString()
      r.readInt8() // kind of resource
      const name = r.readString()
      const settings = r.readArray((c) => {
        const setting = [c.readString(), c.readNullableString()] as const
        c.readBoolean() // read only
        c.readInt8() // where it comes from
        c.readBoolean() // secret
        c.readArray((s) => {
          s.readString()
          s.readNullableString()
          s.readInt8()
        })
        c.readInt8() // type
        c.readNullableString() // documentation
        return setting
      })
      return { name, code, reason, settings: new Map(settings) }
    })
  },
})
