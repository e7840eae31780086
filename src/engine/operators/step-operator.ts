/** The operator of each kind of step: one line a kind. */
import type { StepSpec } from '../../pipeline/step-spec.ts'
import type { Operator, StepContext, StepOutputs } from './operator.ts'
import { intervalJoinOperator } from './interval-join.ts'
import { globalJoinOperator, latestJoinOperator } from './latest-join.ts'
import { lookupJoinOperator } from './lookup-join.ts'
import { mapAsyncOperator } from './map-async.ts'
import { matchOperator } from './match.ts'
import { processOperator } from './process.ts'
import { sameKeyOperator } from './same-key.ts'
import { splitOperator } from './split.ts'
import { tableOperator } from './table-operator.ts'
import { asOfJoinOperator, versionedJoinOperator } from './versioned-join.ts'
import { windowJoinOperator } from './window-join.ts'

export function stepOperator(spec: StepSpec, context: StepContext, outputs: StepOutputs): Operator {
  switch (spec.kind) {
    case 'same-key':
      return sameKeyOperator(outputs.main)
    case 'split':
      return splitOperator(spec, context, outputs)
    case 'interval-join':
      return intervalJoinOperator(spec, context, outputs.main)
    case 'window-join':
      return windowJoinOperator(spec, context, outputs.main)
    case 'as-of-join':
      return asOfJoinOperator(spec, context, outputs.main)
    case 'versioned-join':
      return versionedJoinOperator(spec, context, outputs.main)
    case 'latest-join':
      return latestJoinOperator(spec, context, outputs.main)
    case 'global-join':
      return globalJoinOperator(spec, context, outputs.main)
    case 'process':
      return processOperator(spec, context, outputs)
    case 'map-async':
      return mapAsyncOperator(spec, context, outputs.main)
    case 'lookup-join':
      return lookupJoinOperator(spec, context, outputs.main)
    case 'match':
      return matchOperator(spec, context, outputs.main, outputs.named('timed-out'))
    default:
      return tableOperator(spec, context, outputs.main)
  }
}
