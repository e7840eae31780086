/**
 * The client library, loaded when it is first needed: the package is optional. Whoever opens a
 * Kafka log calls this before importing what lies behind it.
 */
import { MillraceError } from '../../../core/error.ts'

export type KafkaLibrary = Pick<typeof import('@platformatic/kafka'), 'Connection' | 'Writer'>

const packageName = '@platformatic/kafka'

/**
 * @param load for tests
 * @throws `missing-dependency`
 */
export async function loadLibrary(
  load: () => Promise<KafkaLibrary> = () => import('./library-parts.ts'),
): Promise<KafkaLibrary> {
  try {
    return await load()
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown
    throw new MillraceError('missing-dependency', `the package ${packageName} is not installed`, {
      hint: `npm install ${packageName}`,
    })
  }
}

/** A package that the library itself does not find is another fault. */
function isMissing(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !('code' in thrown)) return false
  return thrown.code === 'ERR_MODULE_NOT_FOUND' && thrown.message.includes(`'${packageName}'`)
}
