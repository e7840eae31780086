/** `millrace dead replay` and `discard`. */
import type { LetterChoice } from '../connect/letters/letter-choice.ts'
import { type Settled, settleLetters } from '../connect/letters/settle-letters.ts'
import { systemRandom } from '../core/random.ts'
import type { Log, TopicInfo } from '../log/log.ts'
import { catchInterrupt, type Context } from './context.ts'
import { eachLetter } from './dead-list.ts'
import { choiceOf, type SettleCommandOptions } from './dead-options.ts'
import { formatCount, plural } from './text-format.ts'

interface Wish {
  readonly info: TopicInfo
  readonly action: 'replay' | 'discard'
  readonly options: SettleCommandOptions
}

export async function settle(log: Log, context: Context, wish: Wish): Promise<void> {
  const { info, options, action } = wish
  const choice = choiceOf(options, { state: 'open', nowMs: context.clock.now() })
  const isAsked = options.yes !== true && context.isTerminal.stdin
  if (options.dryRun === true || isAsked) {
    const count = await countOpen(log, context, info, choice)
    const most = Math.min(count, options.limit ?? count)
    const what = `${action} ${plural(most, 'letter')} of ${info.name}`
    if (options.dryRun === true) return context.note(`would ${what}`)
    if (count === 0) return context.note(`no open letter of ${info.name} was chosen`)
    const { confirm } = await import('./confirm.ts')
    if (!(await confirm(`${what}?`))) return context.note('nothing was done')
  }
  await work(log, context, { ...wish, choice })
}

async function work(
  log: Log,
  context: Context,
  { info, action, options, choice }: Wish & { readonly choice: LetterChoice },
): Promise<void> {
  const interrupt = catchInterrupt()
  try {
    const settled = await settleLetters({
      log,
      clock: context.clock,
      random: systemRandom,
      letters: info.name,
      action,
      choice,
      limit: options.limit ?? null,
      takesInputs: options.results === 'input',
      address: options.forAll ? 'all' : options.for ? { pipeline: options.for } : 'sender',
      isStopped: () => interrupt.signal.aborted,
    })
    if (options.json) {
      const told = { letters: info.name, action, ...settled }
      return void (await context.stdout.write(`${JSON.stringify(told)}\n`))
    }
    for (const line of linesOf(settled, action)) context.note(line)
    if (action === 'replay') await noteStrangers(log, context, settled)
    if (interrupt.signal.aborted) context.note('stopped; the same command goes on')
  } finally {
    interrupt.release()
  }
}

function linesOf(settled: Settled, action: 'replay' | 'discard'): string[] {
  const { already, skipped, topics, pipelines } = settled
  const done = plural(settled.settled, 'letter')
  const whom = pipelines.map((one) => (one === null ? 'all that read it' : `'${one}'`)).join(', ')
  const head =
    action === 'discard'
      ? `${done} discarded`
      : settled.settled === 0
        ? 'no letter replayed'
        : `${done} replayed into ${topics.join(', ')}, for ${whom}`
  return [
    head,
    ...(already > 0 ? [`${formatCount(already)} had been replayed or discarded before`] : []),
    ...(skipped.result > 0
      ? [
          `${formatCount(skipped.result)} hold a result, no record: with --results input the ` +
            'records behind them go through all steps again',
        ]
      : []),
    ...(skipped['no-record'] > 0
      ? [`${formatCount(skipped['no-record'])} are no record's: none can be replayed`]
      : []),
    ...(skipped.gone > 0
      ? [`of ${formatCount(skipped.gone)} the record is not there any more`]
      : []),
    ...(skipped['too-large'] > 0
      ? [
          `${formatCount(skipped['too-large'])} are too large with their headers: ` +
            'millrace topics alter TOPIC --record-bytes-max SIZE',
        ]
      : []),
  ]
}

/** A pipeline that has another name now would take nothing. */
async function noteStrangers(log: Log, context: Context, settled: Settled): Promise<void> {
  if (settled.settled === 0) return
  const groups = new Set((await log.groups()).map(({ group }) => group))
  for (const pipeline of settled.pipelines) {
    if (pipeline === null || groups.has(pipeline)) continue
    context.note(`no pipeline '${pipeline}' has read from this log: nobody takes these records`)
  }
}

async function countOpen(
  log: Log,
  { clock }: Context,
  info: TopicInfo,
  choice: LetterChoice,
): Promise<number> {
  let count = 0
  await eachLetter({ log, clock }, info, choice, () => (count += 1))
  return count
}
