/** ApiVersions: what a broker can do. */
import type { Reader } from '@platformatic/kafka'
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface VersionRange {
  readonly min: number
  readonly max: number
}

export interface ApiVersionsAnswer {
  readonly code: number
  /** By api key. */
  readonly versions: ReadonlyMap<number, VersionRange>
  /** Finalized feature levels. */
  readonly levels: ReadonlyMap<string, number>
}

const finalizedFeaturesTag = 2

export const apiVersions: Api<null, ApiVersionsAnswer> = api({
  name: 'ApiVersions',
  key: 18,
  version: 3,
  flexible: true,
  write(writer) {
    writer.appendString('millrace').appendString('0').appendTaggedFields()
  },
  read(reader) {
    const code = reader.readInt16()
    // A broker that does not know this version answers in the oldest one, which looks different.
    if (code !== 0) return { code, versions: new Map(), levels: new Map() }
    const ranges = reader.readArray((r) => {
      const key = r.readInt16()
      return [key, { min: r.readInt16(), max: r.readInt16() }] as const
    })
    reader.readInt32() // throttle time
    return { code, versions: new Map(ranges), levels: readLevels(reader) }
  },
})

function readLevels(reader: Reader): Map<string, number> {
  const levels = new Map<string, number>()
  for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
    const tag = reader.readUnsignedVarInt()
    const size = reader.readUnsignedVarInt()
    if (tag !== finalizedFeaturesTag) {
      reader.skip(size)
      continue
    }
    reader.readArray((r) => {
      const name = r.readString()
      levels.set(name, r.readInt16())
      r.readInt16() // lowest level
    })
  }
  return levels
}
