/** `millrace dead`: what pipelines could not process, and what is to become of it. */
import { type Command, Option } from 'commander'
import type { LetterState } from '../connect/letters/letter-marks.ts'
import { MillraceError } from '../core/error.ts'
import type { Context } from './context.ts'
import { withLog } from './data-options.ts'
import {
  choiceOf,
  type ChoiceOptions,
  type KindOptions,
  lettersOf,
  type SettleCommandOptions,
  withChoice,
  withKind,
} from './dead-options.ts'
import { someText, wholeNumber } from './option-values.ts'

interface ListOptions extends ChoiceOptions {
  readonly state: LetterState | 'any'
  readonly limit: number
  readonly json?: true
}

interface ShowOptions extends KindOptions {
  readonly raw?: true
  readonly json?: true
}

const about = `
A record that does not decode, does not fit its schema, or makes a step throw, is kept in
TOPIC.dead; one that came too late for a step in TOPIC.late (--kind late); one that a sink has given
up in the dead letters of its outbox, the topic PIPELINE.SINK.outbox.`

const replayHelp = `
A letter's record is appended to its topic again, with its key, value, time and headers, for the
pipeline that refused it: other pipelines that read the topic pass over it. Of an outbox it is
delivered again, with its old id. Each letter is replayed once, also when this is killed and begun
again, or done twice at once. The record comes behind all that is there by now: behind later records
of its key, and its event time may be late.

--results input
  A letter can hold a result of a step that waits (mapAsync, lookup) in place of a record. That is
  passed over; with this, the record behind it goes through all steps again.

Example:
  millrace dead replay readings --reason decode-failed --since 1h`

export function registerDead(program: Command, context: Context): void {
  const dead = program
    .command('dead')
    .description('list, show, replay and discard dead and late letters')
    .addHelpText('after', about)
  registerList(dead, context)
  registerShow(dead, context)
  registerReplay(dead, context)
  registerDiscard(dead, context)
}

function registerList(dead: Command, context: Context): void {
  withChoice(
    dead
      .command('list [topic]')
      .description('count letters by reason and step, then show them; without a topic: count all'),
  )
    .addOption(
      new Option('--state <state>', 'only those')
        .choices(['open', 'replayed', 'discarded', 'any'])
        .default('open'),
    )
    .option('--limit <n>', 'show at most this many letters', wholeNumber(0), 20)
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  millrace dead list readings --reason step-failed')
    .action((name: string | undefined, options: ListOptions) =>
      withLog(options, 'look', async (log) => {
        const place = { log, clock: context.clock }
        const lists = await import('./dead-list.ts')
        const isJson = options.json === true
        if (name === undefined) return await lists.listAll(place, context, isJson)
        const state = options.state === 'any' ? null : options.state
        const choice = choiceOf(options, { state, nowMs: context.clock.now() })
        const info = await lettersOf(log, name, options.kind)
        return await lists.listLetters(place, context, {
          info,
          choice,
          limit: options.limit,
          isJson,
        })
      }),
    )
}

function registerShow(dead: Command, context: Context): void {
  withKind(dead.command('show <topic> <letter>'))
    .description(
      'show one letter, by partition/offset: bytes, error, where from, what became of it',
    )
    .option('--raw', 'write the bytes of its value, and nothing else')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  millrace dead show readings 0/5\n  millrace dead show readings 0/5 --raw | jq',
    )
    .action((name: string, letter: string, options: ShowOptions) =>
      withLog(options, 'look', async (log) => {
        const info = await lettersOf(log, name, options.kind)
        const { showLetter } = await import('./dead-show.ts')
        const form = options.raw ? 'raw' : options.json ? 'json' : 'text'
        await showLetter({ log, clock: context.clock }, context, {
          place: { topic: info.name, ...placeIn(letter) },
          form,
        })
      }),
    )
}

function placeIn(text: string): { readonly partition: number; readonly offset: number } {
  const [, partition, offset] = /^(\d{1,10})[/@](\d{1,15})$/.exec(text) ?? []
  if (partition !== undefined) return { partition: Number(partition), offset: Number(offset) }
  throw new MillraceError('invalid-argument', `'${text}' names no letter`, {
    hint: "write its partition and offset, as list shows them: '0/5'",
  })
}

function registerReplay(dead: Command, context: Context): void {
  const command = dead
    .command('replay <topic>')
    .description('put the records of letters back, so that they are processed again, each once')
  settling(command, context, 'replay')
    .addOption(
      new Option('--results <what>', 'letters that hold a result: skip, or input')
        .choices(['skip', 'input'])
        .default('skip'),
    )
    .addOption(
      new Option('--for <pipeline>', 'for this pipeline, in place of the one that refused them')
        .argParser(someText)
        .conflicts('forAll'),
    )
    .option('--for-all', 'for all pipelines that read the topic')
    .addHelpText('after', replayHelp)
}

function registerDiscard(dead: Command, context: Context): void {
  const command = dead
    .command('discard <topic>')
    .description('mark letters as done; they stay where they are, and are not replayed any more')
  settling(command, context, 'discard').addHelpText(
    'after',
    '\nExample:\n  millrace dead discard readings --partition 0 --offset 5',
  )
}

function settling(command: Command, context: Context, action: 'replay' | 'discard'): Command {
  return withChoice(command)
    .option('--limit <n>', 'at most this many letters', wholeNumber(1))
    .option('-y, --yes', 'do not ask (nothing is asked where input is no terminal)')
    .option('--dry-run', 'only count')
    .option('--json', 'one JSON object')
    .action((name: string, options: SettleCommandOptions) =>
      withLog(options, options.dryRun === true ? 'look' : 'change', async (log) => {
        const info = await lettersOf(log, name, options.kind)
        const { settle } = await import('./dead-settle.ts')
        await settle(log, context, { info, action, options })
      }),
    )
}
