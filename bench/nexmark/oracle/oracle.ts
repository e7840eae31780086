/**
 * The bounded result of each query, by plain loops over all events at once: nothing of the engine
 * is used, so that it can be compared with this. The events are given in order of arrival, which
 * settles ties in q18 and q19, and in q9 between bids of equal price and time.
 *
 * In profile B bids have no channel and no address: rows of q16, q18, q19, q20, q22 and q23 then
 * lack these columns, and q21 has no row.
 */
import { q0, q1, q10, q13, q14, q2, q21, q22 } from './each-bid.ts'
import { q20, q23, q3 } from './joins.ts'
import { q18, q19 } from './ranked-bids.ts'
import type { Oracle } from './rows.ts'
import { q12sum, q15, q16, q17 } from './statistics.ts'
import { q11, q5, q7, q8 } from './windows.ts'
import { q4, q6, q9 } from './winning-bids.ts'

/** By names of queries; `q12sum` is what is certain of q12: bids of each bidder. */
export const oracle = {
  q0,
  q1,
  q2,
  q3,
  q4,
  q5,
  q6,
  q7,
  q8,
  q9,
  q10,
  q11,
  q12sum,
  q13,
  q14,
  q15,
  q16,
  q17,
  q18,
  q19,
  q20,
  q21,
  q22,
  q23,
} as const satisfies Readonly<Record<string, Oracle>>

export type OracleId = keyof typeof oracle
