/**
 * The broker that tests use: `kafkaTest` is vitest's `test`, skipped with its reason where no
 * broker can be started. It is started once for a whole run (setup.ts).
 */
import { inject, test } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port`, separated by commas; '' where there is none. */
    kafkaBrokers: string
    kafkaMissing: string
  }
}

/** `host:port`. Empty where there is none: then `kafkaTest` skips. */
export const brokers: readonly string[] = inject('kafkaBrokers')
  .split(',')
  .filter((broker) => broker !== '')

const missing = inject('kafkaMissing')

/** As vitest's `test`, or skipped with the reason in the title. */
export const kafkaTest: typeof test =
  brokers.length > 0
    ? test
    : (((title: string, ...rest: unknown[]) => {
        const last = rest.findLast((one) => typeof one === 'function') as () => void
        test.skip(`${title} [skipped: ${missing}]`, last)
      }) as typeof test)

/** A name that no other test uses. */
export function uniqueName(name: string): string {
  return `${name}-${crypto.randomUUID().slice(0, 8)}`
}
