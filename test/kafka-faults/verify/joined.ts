/** Pairs of a sale and a shipment of one order, no further apart than the interval: each once. */
import type { Difference } from './difference.ts'
import type { Dump } from './dump-file.ts'
import type { Row, SaleRow, ShipmentRow } from './rows.ts'
import { grouped, rowsOf } from './rows.ts'
import { compareAsMultisets } from './sequences.ts'

interface PairRow {
  readonly order: string
  readonly sale: number
  readonly shipment: number
}

const withinMs = 200

export function checkJoined(
  dump: Dump,
  topic: string,
  sales: readonly Row<SaleRow>[],
  shipments: readonly Row<ShipmentRow>[],
): Difference[] {
  const ofOrder = grouped(shipments, ({ value }) => value.order)
  const expected = sales.flatMap(({ value: { order, id, at } }) =>
    (ofOrder.get(order) ?? [])
      .filter(({ value }) => Math.abs(value.at - at) <= withinMs)
      .map(({ value }): PairRow => ({ order, sale: id, shipment: value.id })),
  )
  return compareAsMultisets({
    topic,
    expected,
    got: rowsOf<PairRow>(dump, topic),
    keyOf: ({ order }) => order,
    idOf: ({ sale, shipment }) => `${sale} ${shipment}`,
  })
}
