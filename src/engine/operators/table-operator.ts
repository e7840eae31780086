/** The operator of each kind of step that has to do with tables: one line a kind. */
import { unreachable } from '../../core/assert.ts'
import type { TableSpec } from '../../pipeline/table-spec.ts'
import { changesOperator } from './changes.ts'
import { dedupeOperator } from './dedupe.ts'
import { foreignKeyJoinOperator } from './foreign-key-join.ts'
import {
  foreignKeyAnswerOperator,
  foreignKeyAskOperator,
  foreignKeyLeftOperator,
} from './foreign-key-left.ts'
import { foreignKeyRightOperator } from './foreign-key-right.ts'
import type { Operator, Push, StepContext } from './operator.ts'
import { regroupOperator } from './regroup.ts'
import { tableFoldOperator } from './table-fold.ts'
import { tableJoinOperator } from './table-join.ts'
import {
  tableChangesOperator,
  tableFilterOperator,
  tableMapOperator,
  tableRowsOperator,
} from './table-rows.ts'
import { toTableOperator } from './table-source.ts'
import { tableTopNOperator } from './table-top-n.ts'
import { topNOperator } from './top-n.ts'

export function tableOperator(spec: TableSpec, context: StepContext, emit: Push): Operator {
  switch (spec.kind) {
    case 'to-table':
      return toTableOperator(context, emit)
    case 'table-map':
      return tableMapOperator(spec, context, emit)
    case 'table-filter':
      return tableFilterOperator(spec, context, emit)
    case 'table-rows':
      return tableRowsOperator(emit)
    case 'table-changes':
      return tableChangesOperator(emit)
    case 'table-join':
      return tableJoinOperator(spec, context, emit)
    case 'regroup':
      return regroupOperator(spec, context, emit)
    case 'table-fold':
      return tableFoldOperator(spec, context, emit)
    case 'table-top-n':
      return tableTopNOperator(spec, context, emit)
    case 'foreign-key-left':
      return foreignKeyLeftOperator(spec, context, emit)
    case 'foreign-key-ask':
      return foreignKeyAskOperator(emit)
    case 'foreign-key-right':
      return foreignKeyRightOperator(context, emit)
    case 'foreign-key-answer':
      return foreignKeyAnswerOperator(emit)
    case 'foreign-key-join':
      return foreignKeyJoinOperator(spec, context, emit)
    case 'top-n':
      return topNOperator(spec, context, emit)
    case 'dedupe':
      return dedupeOperator(spec, context, emit)
    case 'changes':
      return changesOperator(spec, context, emit)
    default:
      return unreachable(spec)
  }
}
