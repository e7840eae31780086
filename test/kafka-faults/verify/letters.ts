/**
 * Dead letters: the sales that a step refuses, each once, as they lie in the input; none is late.
 */
import type { Difference } from './difference.ts'
import { place } from './difference.ts'
import type { Dump, DumpedRecord } from './dump-file.ts'
import type { Row, SaleRow } from './rows.ts'

export function checkLetters(
  dump: Dump,
  topic: string,
  refused: readonly Row<SaleRow>[],
): Difference[] {
  const differences: Difference[] = []
  const letters = new Map<string, DumpedRecord[]>()
  for (const letter of dump.get(topic) ?? []) {
    const origin = `${letter.headers['millrace-partition']}@${letter.headers['millrace-offset']}`
    letters.set(origin, [...(letters.get(origin) ?? []), letter])
  }
  for (const { record } of refused) {
    const origin = `${record.partition}@${record.offset}`
    const [letter, again] = letters.get(origin) ?? []
    letters.delete(origin)
    const key = record.key ?? ''
    const expected = record.value ?? ''
    const at = `${place(record)}, letter ${place(letter)}`
    if (letter === undefined)
      differences.push({ fault: 'lost', topic, key, expected, got: 'no letter', at })
    else if (letter.value !== record.value || letter.key !== record.key) {
      const got = `${letter.key} ${letter.value}`
      differences.push({ fault: 'altered', topic, key, expected, got, at })
    }
    if (again !== undefined) {
      const twice = `${at} and ${place(again)}`
      differences.push({ fault: 'twice', topic, key, expected, got: 'two letters', at: twice })
    }
  }
  const isOther = (name: string): boolean => name !== topic && /\.(dead|late)$/.test(name)
  const others = [...dump].flatMap(([name, records]) => (isOther(name) ? records : []))
  for (const letter of [...[...letters.values()].flat(), ...others]) {
    differences.push({
      fault: 'unexpected',
      topic: letter.topic,
      key: letter.key ?? '',
      expected: 'no letter',
      got: `${reasonOf(letter)}: ${letter.value}`,
      at: place(letter),
    })
  }
  return differences
}

function reasonOf({ headers }: DumpedRecord): string {
  return `${headers['millrace-reason']} at ${headers['millrace-step']}`
}
