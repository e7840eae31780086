/** How a command's failure is told: what happened, what to do, no stack unless asked for. */
import { MillraceError, messageOf } from '../core/error.ts'

/** @returns lines without a newline at the end */
export function errorReport(thrown: unknown, options: { withStack: boolean }): string {
  if (options.withStack) return `millrace: ${stackOf(thrown)}`
  const lines = [`millrace: ${withoutRepetition(thrown)}`]
  if (thrown instanceof MillraceError) {
    if (thrown.hint !== undefined) lines.push(`  ${thrown.hint}`)
    if (thrown.blame === 'engine') lines.push(`  ${debugHint}`)
  } else lines.push(`  ${debugHint}`)
  return lines.join('\n')
}

const debugHint = 'run it again with --debug for the stack'

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return messageOf(thrown)
  const hint =
    thrown instanceof MillraceError && thrown.hint !== undefined ? `\n  ${thrown.hint}` : ''
  const cause = thrown.cause === undefined ? '' : `\ncaused by: ${stackOf(thrown.cause)}`
  return `${thrown.stack ?? thrown.message}${hint}${cause}`
}

/** Without the place behind the message where the message names it already: a topic, no more. */
function withoutRepetition(thrown: unknown): string {
  const message = messageOf(thrown)
  if (!(thrown instanceof MillraceError)) return message
  const { topic } = thrown.at
  const suffix = ` (${topic})`
  const isNamed = topic !== undefined && message.includes(`'${topic}'`) && message.endsWith(suffix)
  return isNamed ? message.slice(0, -suffix.length) : message
}
