/** What the verifier says of one place where the output is not what the input asks for. */
import type { DumpedRecord } from './dump-file.ts'

export type Fault = 'lost' | 'twice' | 'order' | 'altered' | 'unexpected'

export interface Difference {
  readonly fault: Fault
  readonly topic: string
  readonly key: string
  /** As text, for people. */
  readonly expected: string
  readonly got: string
  /** Where it was met: offsets in the output, and in the input where that helps. */
  readonly at: string
}

export function place(record: DumpedRecord | undefined): string {
  if (record === undefined) return 'nowhere'
  return `${record.topic}/${record.partition}@${record.offset}`
}

/** One line for people. */
export function differenceLine(difference: Difference): string {
  const { fault, topic, key, expected, got, at } = difference
  return `${fault}: ${topic}, key ${key}: expected ${expected}, got ${got} (${at})`
}
