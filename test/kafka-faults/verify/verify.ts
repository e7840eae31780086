/**
 * Computes everything that the workers should have written again, from the input as Kafka's own
 * consumer read it (read_committed), and compares. Shares no code with the engine, the log, the
 * pipelines or the driver: a plain batch computation over files.
 */
import type { Difference } from './difference.ts'
import type { Acknowledged, Dump } from './dump-file.ts'
import { checkCounts } from './counts.ts'
import { checkInput } from './input.ts'
import { checkJoined } from './joined.ts'
import { checkLetters } from './letters.ts'
import { rowsOf } from './rows.ts'
import type { Row, SaleRow, ShipmentRow } from './rows.ts'
import { checkRunning } from './running.ts'
import { checkWindows } from './windows.ts'

export interface Verdict {
  readonly differences: readonly Difference[]
  /** Input records that were read back. */
  readonly inputs: number
  readonly acknowledged: number
  /** Output records that were checked, by topic. */
  readonly outputs: Readonly<Record<string, number>>
}

const sales = 'sales'
const shipments = 'shipments'
const refusedEvery = 97
const outputTopics = ['running', 'counts', 'windows', 'joined', 'sales.dead'] as const

export function verify(dump: Dump, acknowledged: readonly Acknowledged[]): Verdict {
  const saleRows = rowsOf<SaleRow>(dump, sales)
  const shipmentRows = rowsOf<ShipmentRow>(dump, shipments)
  // A step refuses these: a record is atomic, so nothing that it did elsewhere may be seen either.
  const isRefused = ({ value }: Row<SaleRow>): boolean => value.id % refusedEvery === 0
  const refused = saleRows.filter(isRefused)
  const passed = saleRows.filter((row) => !isRefused(row))
  const differences = [
    ...checkInput(dump, [sales, shipments], acknowledged),
    ...checkRunning(dump, 'running', passed),
    ...checkCounts(dump, 'counts', passed),
    ...checkWindows(dump, 'windows', saleRows, isRefused),
    ...checkJoined(dump, 'joined', passed, shipmentRows),
    ...checkLetters(dump, 'sales.dead', refused),
  ]
  return {
    differences,
    inputs: saleRows.length + shipmentRows.length,
    acknowledged: acknowledged.length,
    outputs: Object.fromEntries(outputTopics.map((name) => [name, dump.get(name)?.length ?? 0])),
  }
}
