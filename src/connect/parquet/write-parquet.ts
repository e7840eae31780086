/** Rows into a Parquet file, a group of them at a time. Needs the package hyparquet-writer. */
import { open } from 'node:fs/promises'
import { messageOf, MillraceError } from '../../core/error.ts'
import type { ColumnType, FinishFrom } from '../files-out/file-format.ts'

type Library = typeof import('hyparquet-writer')
type Columns = Readonly<Record<string, ColumnType>>

/** Rows of a group: what a reader takes at once; held in memory. */
const groupRowsMax = 50_000
const groupBytesMax = 16 << 20
const chunkBytes = 256 << 10

const basicTypes = {
  string: 'STRING',
  boolean: 'BOOLEAN',
  int32: 'INT32',
  int64: 'INT64',
  double: 'DOUBLE',
  timestamp: 'TIMESTAMP',
  json: 'JSON',
} as const satisfies Record<ColumnType, string>

/**
 * @param load for tests
 * @throws `missing-dependency`
 */
export async function loadParquet(
  load: () => Promise<Library> = () => import('hyparquet-writer'),
): Promise<Library> {
  try {
    return await load()
  } catch (thrown) {
    if (!messageOf(thrown).includes('hyparquet-writer')) throw thrown
    throw new MillraceError('missing-dependency', 'the package hyparquet-writer is not there', {
      hint: 'install it: npm install hyparquet-writer',
    })
  }
}

/** Makes a file of rows that `parquetFormat` wrote; it is on disk then. */
export async function writeParquet(
  { ByteWriter, ParquetWriter, schemaFromColumnData }: Library,
  columns: Columns,
  from: FinishFrom,
): Promise<void> {
  const types = Object.entries(columns)
  const bytes = new ByteWriter()
  const columnData = types.map(([name, type]) => {
    return { name, data: [], nullable: true, type: basicTypes[type] }
  })
  // Types are always given: guessed ones fit the first rows only.
  const writer = new ParquetWriter({ writer: bytes, schema: schemaFromColumnData({ columnData }) })
  const handle = await open(from.path, 'w')
  try {
    const flush = async (): Promise<void> => {
      await handle.writeFile(new Uint8Array(bytes.buffer, 0, bytes.index))
      bytes.index = 0
    }
    for await (const rows of groups(from)) {
      const data = types.map(([name, type], i) => ({
        name,
        data: rows.map((row) => readValue(row[i], type)),
      }))
      await writer.write({ columnData: data, rowGroupSize: rows.length })
      await flush()
    }
    await writer.finish()
    await flush()
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function readValue(value: unknown, type: ColumnType): unknown {
  if (value === null) return null
  if (type === 'timestamp') return new Date(value as number)
  if (type === 'int64') return BigInt(value as string)
  return type === 'json' ? (JSON.parse(value as string) as unknown) : value
}

async function* groups({ staged, bytes }: FinishFrom): AsyncGenerator<unknown[][], void> {
  const handle = await open(staged)
  try {
    let rows: unknown[][] = []
    let groupBytes = 0
    let rest: Buffer = Buffer.alloc(0)
    for (let offset = 0; offset < bytes;) {
      const chunk = Buffer.alloc(Math.min(chunkBytes, bytes - offset))
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset)
      if (bytesRead === 0) break
      offset += bytesRead
      const text = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
      const end = text.lastIndexOf(0x0a) + 1
      rest = text.subarray(end)
      if (end === 0) continue
      const lines = text.toString('utf8', 0, end - 1)
      for (const row of JSON.parse(`[${lines.replaceAll('\n', ',')}]`) as unknown[][])
        rows.push(row)
      groupBytes += end
      if (rows.length < groupRowsMax && groupBytes < groupBytesMax) continue
      yield rows
      rows = []
      groupBytes = 0
    }
    if (rows.length > 0) yield rows
  } finally {
    await handle.close()
  }
}
