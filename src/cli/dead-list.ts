/** `millrace dead list`: letters counted by reason and step, then one line for each. */
import { type LetterChoice, anyLetter, isChosen } from '../connect/letters/letter-choice.ts'
import { LetterGroups } from '../connect/letters/letter-groups.ts'
import { LetterMarks, type LetterState } from '../connect/letters/letter-marks.ts'
import { scanLetters } from '../connect/letters/letter-scan.ts'
import type { Letter } from '../connect/letters/letter.ts'
import type { Clock } from '../core/clock.ts'
import type { Log, TopicInfo } from '../log/log.ts'
import { deadTopic, lateTopic } from '../pipeline/letter-topic.ts'
import type { Context } from './context.ts'
import { letterJson } from './letter-text.ts'
import { table } from './table.ts'
import { formatCount, plural, timeText } from './text-format.ts'

interface Place {
  readonly log: Log
  readonly clock: Clock
}

/** Columns of a terminal that a message, a step or a key may take. */
const messageWidth = 60
const nameWidth = 32

/** Each topic that has letters, with how many. */
export async function listAll(place: Place, context: Context, isJson: boolean): Promise<void> {
  const rows: { topic: string; letters: string; kind: string; counts: LetterGroups['counts'] }[] =
    []
  for (const info of await place.log.listTopics()) {
    const end = [deadTopic(''), lateTopic('')].find((one) => info.name.endsWith(one))
    if (end === undefined || !hasRecords(info)) continue
    const groups = new LetterGroups()
    await eachLetter(place, info, anyLetter, (letter, state) => groups.add(letter, state, false))
    const topic = info.name.slice(0, -end.length)
    rows.push({ topic, letters: info.name, kind: end.slice(1), counts: groups.counts })
  }
  if (isJson) return void (await context.stdout.write(`${JSON.stringify(rows)}\n`))
  if (rows.length === 0) return context.note('there are no letters')
  const columns = [
    { title: 'TOPIC' },
    { title: 'KIND' },
    { title: 'OPEN', align: 'right' },
    { title: 'REPLAYED', align: 'right' },
    { title: 'DISCARDED', align: 'right' },
  ] as const
  const lines = rows.map(({ topic, kind, counts }) => {
    const { open, replayed, discarded } = counts
    return [topic, kind, ...[open, replayed, discarded].map(formatCount)]
  })
  await context.stdout.write(table(columns, lines))
}

export async function listLetters(
  place: Place,
  context: Context,
  wish: {
    readonly info: TopicInfo
    readonly choice: LetterChoice
    readonly limit: number
    readonly isJson: boolean
  },
): Promise<void> {
  const { info, choice, limit, isJson } = wish
  const groups = new LetterGroups()
  const shown: { readonly letter: Letter; readonly state: LetterState }[] = []
  let count = 0
  await eachLetter(place, info, { ...choice, state: null }, (letter, state) => {
    const isWanted = choice.state === null || choice.state === state
    groups.add(letter, state, isWanted)
    if (!isWanted) return
    count += 1
    if (shown.length < limit) shown.push({ letter, state })
  })
  const { counts } = groups
  if (isJson) {
    const letters = shown.map(({ letter, state }) => letterJson(letter, { state }))
    const all = { letters: info.name, counts, groups: groups.all, shown: letters }
    return void (await context.stdout.write(`${JSON.stringify(all)}\n`))
  }
  const parts = [
    ...(count === 0 ? [] : [groupTable(groups)]),
    ...(shown.length === 0 ? [] : [letterTable(shown, choice.state === null)]),
  ]
  await context.stdout.write(parts.join('\n'))
  for (const line of notesOf(info.name, { counts, choice, count, shown: shown.length })) {
    context.note(line)
  }
}

function notesOf(
  name: string,
  {
    counts,
    choice,
    count,
    shown,
  }: {
    readonly counts: LetterGroups['counts']
    readonly choice: LetterChoice
    readonly count: number
    readonly shown: number
  },
): string[] {
  const states = (['open', 'replayed', 'discarded'] as const).filter((one) => counts[one] > 0)
  const hidden = states.filter((one) => choice.state !== null && one !== choice.state)
  const kinds = hidden.map((one) => `${formatCount(counts[one])} ${one}`).join(' and ')
  const what = choice.state === null ? 'letters' : `${choice.state} letters`
  return [
    ...(count === 0 ? [`no ${what} in ${name} that were asked for`] : []),
    ...(count > shown && shown > 0
      ? [`${formatCount(shown)} of ${plural(count, 'letter')} shown; --limit shows more`]
      : []),
    ...(hidden.length === 0 ? [] : [`${kinds} not shown: --state any`]),
  ]
}

/** Letters that are chosen, with their states. */
export async function eachLetter(
  { log, clock }: Place,
  info: TopicInfo,
  choice: LetterChoice,
  take: (letter: Letter, state: LetterState) => void,
): Promise<void> {
  const marks = new LetterMarks(log, clock, info.name)
  try {
    await marks.catchUp()
    for await (const letter of scanLetters({ log, clock }, info, choice)) {
      const state = marks.stateOf(letter)
      if (isChosen(letter, state, choice)) take(letter, state)
    }
  } finally {
    await marks.close()
  }
}

function hasRecords({ partitions }: TopicInfo): boolean {
  return partitions.some(({ startOffset, endOffset }) => endOffset > startOffset)
}

function groupTable(groups: LetterGroups): string {
  return table(
    [
      { title: 'COUNT', align: 'right' },
      { title: 'REASON' },
      { title: 'STEP' },
      { title: 'PIPELINE' },
      { title: 'FIRST RECORD' },
      { title: 'LAST RECORD' },
      { title: 'LAST MESSAGE' },
    ],
    groups.all.map(({ count, reason, step, pipeline, firstMs, lastMs, message }) => [
      formatCount(count),
      reason,
      cut(step, nameWidth),
      cut(pipeline ?? '-', nameWidth),
      timeText(firstMs),
      timeText(lastMs),
      cut(message, messageWidth),
    ]),
  )
}

function letterTable(
  shown: readonly { readonly letter: Letter; readonly state: LetterState }[],
  hasStates: boolean,
): string {
  return table(
    [
      { title: 'LETTER' },
      ...(hasStates ? [{ title: 'STATE' }] : []),
      { title: 'RECORD' },
      { title: 'TIME' },
      { title: 'KEY' },
      { title: 'REASON' },
      { title: 'STEP' },
      { title: 'MESSAGE' },
    ],
    shown.map(({ letter, state }) => [
      `${letter.partition}/${letter.offset}`,
      ...(hasStates ? [state] : []),
      letter.origin === null ? '-' : `${letter.origin.partition}/${letter.origin.offset}`,
      timeText(letter.timeMs),
      letter.key === null ? '-' : cut(letter.key.toString('utf8'), nameWidth),
      letter.reason,
      cut(letter.step, nameWidth),
      cut(letter.message, messageWidth),
    ]),
  )
}

/** The first line, at most so many characters. */
function cut(text: string, width: number): string {
  const [line = ''] = text.split('\n', 1)
  const characters = Array.from(line)
  if (characters.length <= width && line === text) return text
  return `${characters.slice(0, width - 1).join('')}…`
}
