/** Which letters the `dead` commands are to work on. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { LetterChoice } from '../connect/letters/letter-choice.ts'
import type { LetterState } from '../connect/letters/letter-marks.ts'
import { isCode, MillraceError } from '../core/error.ts'
import type { Log, TopicInfo } from '../log/log.ts'
import { deadTopic, lateTopic } from '../pipeline/letter-topic.ts'
import { type DataOptions, withDataOptions } from './data-options.ts'
import { someText, wholeNumber } from './option-values.ts'
import { parsePosition } from './position.ts'

export type LetterKind = 'dead' | 'late'

export interface KindOptions extends DataOptions {
  readonly kind: LetterKind
}

export interface ChoiceOptions extends KindOptions {
  readonly reason?: string
  readonly step?: string
  readonly pipeline?: string
  readonly key?: string
  readonly since?: TimeOption
  readonly until?: TimeOption
  readonly partition?: number
  readonly offset?: number
}

export interface SettleCommandOptions extends ChoiceOptions {
  readonly limit?: number
  readonly yes?: true
  readonly dryRun?: true
  readonly json?: true
  readonly results?: 'skip' | 'input'
  readonly for?: string
  readonly forAll?: true
}

type TimeOption = { readonly timeMs: number } | { readonly agoMs: number }

export function withKind(command: Command): Command {
  return withDataOptions(command).addOption(
    new Option('--kind <kind>', 'what was refused, or what came too late')
      .choices(['dead', 'late'])
      .default('dead'),
  )
}

/** Adds what letters are chosen by. */
export function withChoice(command: Command): Command {
  return withKind(command)
    .option('--reason <code>', 'only those with this error code', someText)
    .option('--step <name>', 'only those of this step, or sink', someText)
    .option('--pipeline <name>', 'only those of this pipeline', someText)
    .option('--key <text>', 'only those with this key')
    .option(
      '--since <time>',
      "only records of this time or later: '2024-05-06T07:08:09Z', '10m'",
      time,
    )
    .option('--until <time>', 'only records before this time', time)
    .option('--partition <p>', 'only this partition', wholeNumber(0))
    .option('--offset <n>', 'only the letter at this offset of --partition', wholeNumber(0))
}

function time(text: string): TimeOption {
  const position = parsePosition(text)
  if (position.kind === 'time') return { timeMs: position.timeMs }
  if (position.kind === 'ago') return { agoMs: position.ms }
  throw new InvalidArgumentError("Write a time as '2024-05-06T07:08:09Z', or '10m' for ago.")
}

/** @throws `invalid-argument` for an offset without its partition */
export function choiceOf(
  options: ChoiceOptions,
  { state, nowMs }: { readonly state: LetterState | null; readonly nowMs: number },
): LetterChoice {
  const { reason, step, pipeline, key, partition, offset } = options
  if (offset !== undefined && partition === undefined) {
    throw new MillraceError('invalid-argument', 'an offset is one of a partition', {
      hint: 'name it: --partition 0',
    })
  }
  const msOf = (given: TimeOption | undefined): number | null => {
    if (given === undefined) return null
    return 'timeMs' in given ? given.timeMs : nowMs - given.agoMs
  }
  return {
    reason: reason ?? null,
    step: step ?? null,
    pipeline: pipeline ?? null,
    key: key ?? null,
    sinceMs: msOf(options.since),
    untilMs: msOf(options.until),
    partition: partition ?? null,
    offset: offset ?? null,
    state,
  }
}

/**
 * The letters' topic of a topic; a name that is one already is taken as it is.
 * @throws `unknown-topic`
 */
export async function lettersOf(log: Log, name: string, kind: LetterKind): Promise<TopicInfo> {
  const isLetters = name.endsWith(deadTopic('')) || name.endsWith(lateTopic(''))
  const wanted = isLetters ? name : kind === 'late' ? lateTopic(name) : deadTopic(name)
  try {
    return await log.describeTopic(wanted)
  } catch (thrown) {
    if (!isCode(thrown, 'unknown-topic')) throw thrown
    throw new MillraceError('unknown-topic', `there are no ${kind} letters of topic '${name}'`, {
      hint: 'see which there are: millrace dead list',
    })
  }
}
