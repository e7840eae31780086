/** The operator of `match` under `OperatorRun`; outputs `match` and `timed-out`. */
import type { MatchSpec } from '../../pipeline/patterns/match-spec.ts'
import { matchOperator } from '../operators/match.ts'
import { OperatorRun } from './operator-run.ts'

export function matchRun(spec: MatchSpec): OperatorRun {
  return new OperatorRun((context, { named }) =>
    matchOperator(spec, context, named('match'), named('timed-out')),
  )
}
