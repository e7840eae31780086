/**
 * What is used of the client library. Its own entrance loads all of it and compiles the schemas of
 * its clients, which takes longer than a whole start: where its modules can be loaded one by one
 * they are.
 */
type Library = typeof import('@platformatic/kafka')
type Parts = Pick<Library, 'Connection' | 'Reader' | 'Writer' | 'crc32c' | 'compressionsAlgorithms'>

const name = '@platformatic/kafka'

export const { Connection, Reader, Writer, crc32c, compressionsAlgorithms } = await load()

async function load(): Promise<Parts> {
  try {
    const root = import.meta.resolve(name)
    const modules = ['network/connection', 'protocol/reader', 'protocol/writer']
    const others = ['protocol/crc32c', 'protocol/compression']
    const loading = [...modules, ...others].map(
      (module) => import(new URL(`${module}.js`, root).href),
    )
    const parts = Object.assign({}, ...(await Promise.all(loading))) as Parts
    if (isWhole(parts)) return parts
  } catch {
    // Bundled, or of another layout.
  }
  return await import('@platformatic/kafka')
}

function isWhole({ Connection: C, Reader: R, Writer: W, ...rest }: Partial<Parts>): boolean {
  const all = [C, R, W, rest.crc32c, rest.compressionsAlgorithms?.lz4?.compressSync]
  return all.every((part) => typeof part === 'function')
}
