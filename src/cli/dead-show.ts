/** `millrace dead show`: one letter, with all that is known of it. */
import { isUtf8 } from 'node:buffer'
import { findLetter, historyOf, offsetOfReplay } from '../connect/letters/find-letter.ts'
import { LetterMarks, type Mark } from '../connect/letters/letter-marks.ts'
import type { Letter } from '../connect/letters/letter.ts'
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/error.ts'
import type { Log } from '../log/log.ts'
import { placeText, type RecordPlace } from '../pipeline/replay-headers.ts'
import type { Context } from './context.ts'
import { hexText } from './hex-text.ts'
import { bytesJson, letterJson, ownHeaders } from './letter-text.ts'
import { formatBytes, plural, timeText } from './text-format.ts'

interface Place {
  readonly log: Log
  readonly clock: Clock
}

/** Shown of a value on a terminal. */
const hexBytesMax = 512
const textCharactersMax = 2_000
/** As it stands in stacks. */
const engineFolder = new URL('../engine/', import.meta.url).href

/** @throws `offset-out-of-range` where there is no such letter */
export async function showLetter(
  place: Place,
  context: Context,
  wish: { readonly place: RecordPlace; readonly form: 'text' | 'json' | 'raw' },
): Promise<void> {
  const letter = await findLetter(place, wish.place)
  if (letter === null) {
    throw new MillraceError('offset-out-of-range', `there is no letter ${placeText(wish.place)}`, {
      hint: 'see which there are: millrace dead list TOPIC --state any',
    })
  }
  if (wish.form === 'raw') {
    if (letter.value !== null) await context.stdout.write(letter.value)
    return
  }
  const mark = await markOf(place, letter)
  const history = await historyOf(place, letter)
  if (wish.form === 'json') {
    const state = mark?.state ?? 'open'
    const settled = mark === null ? null : { at: mark.atMs, to: mark.to }
    const before = history.map((one) => placeText(one))
    const all = { ...letterJson(letter, { state }), settled, history: before }
    await context.stdout.write(`${JSON.stringify(all)}\n`)
    return
  }
  const parts = [factsText(letter, mark), historyText(letter, history, mark), bytesText(letter)]
  await context.stdout.write(parts.filter((part) => part !== '').join('\n'))
}

/** With the offset of the new record, where it can be found. */
async function markOf(place: Place, letter: Letter): Promise<Mark | null> {
  const marks = new LetterMarks(place.log, place.clock, letter.topic)
  try {
    await marks.catchUp()
    const mark = marks.of(letter)
    if (mark?.to === null || mark === null) return mark
    return { ...mark, to: { ...mark.to, offset: await offsetOfReplay(place, letter, mark.to) } }
  } finally {
    await marks.close()
  }
}

function factsText(letter: Letter, mark: Mark | null): string {
  const { reason, message, step, pipeline, stack, timeMs, origin } = letter
  const facts: (readonly [string, string])[] = [
    ['letter', placeText(letter)],
    ['state', stateText(mark)],
    ['reason', message === '' ? reason : `${reason}: ${message}`],
    ['step', pipeline === null ? step : `${step}, in ${pipeline}`],
    ['record', origin === null ? 'none alone is behind it' : placeText(origin)],
    ['time', `${timeText(timeMs)} UTC`],
    ['key', letter.key === null ? 'none' : textOrHex(letter.key)],
    ...ownHeaders(letter).map(({ name, value }): readonly [string, string] => [
      'header',
      `${name}: ${value === null ? 'null' : textOrHex(Buffer.from(value))}`,
    ]),
    ...lateFacts(letter),
  ]
  const lines = facts.map(([name, value]) => `${name.padEnd(9)}${safe(value)}\n`).join('')
  const trace = traceText(stack)
  return trace === '' ? lines : `${lines}\n${safe(trace)}\n`
}

/** Where it was thrown: the user's own lines. */
function traceText(stack: string): string {
  // The first line says the message again.
  const all = stack.split('\n').slice(1)
  const own = all.filter((line) => !line.includes(engineFolder))
  return [...own, ...(own.length < all.length ? ['    … in Millrace; --json has it'] : [])].join(
    '\n',
  )
}

function lateFacts({ headers }: Letter): (readonly [string, string])[] {
  const of = (name: string): string | undefined => {
    const value = headers.find((one) => one.name === `millrace-${name}`)?.value
    return value ? String(Buffer.from(value)) : undefined
  }
  const [watermark, windowEnd] = [of('watermark'), of('window-end')]
  if (watermark === undefined || windowEnd === undefined) return []
  const end = timeText(Number(windowEnd))
  return [['late', `for what ended at ${end}; event time was ${timeText(Number(watermark))}`]]
}

function stateText(mark: Mark | null): string {
  if (mark === null) return 'open'
  return `${mark.state} at ${timeText(mark.atMs)} UTC`
}

/** From the first record to what became of this letter; nothing where there is only the letter. */
function historyText(letter: Letter, history: readonly Letter[], mark: Mark | null): string {
  const first = letter.chain?.first ?? letter.origin
  const all = [...history, letter]
  if (first === null || (all.length === 1 && mark === null)) return ''
  const missing = (letter.chain?.attempt ?? 0) - history.length
  const lines: (readonly [string, string])[] = [
    [placeText(first), 'the record'],
    ...(missing > 0 ? [['…', `${plural(missing, 'letter')} not there any more`] as const] : []),
    ...all.flatMap((one, i): (readonly [string, string])[] => [
      ...(i > 0 && one.origin !== null ? [[placeText(one.origin), 'replayed'] as const] : []),
      [placeText(one), `${one.reason} in ${one.step}`],
    ]),
    ...(mark === null ? [] : [[placeAfter(mark), mark.state] as const]),
  ]
  const width = Math.max(...lines.map(([place]) => place.length))
  const text = lines.map(([place, what]) => `  ${safe(place.padEnd(width))}  ${safe(what)}\n`)
  return `history\n${text.join('')}`
}

function placeAfter({ to }: Mark): string {
  if (to === null) return '-'
  const { topic, partition, offset, from } = to
  if (offset === null) return `${topic}/${partition}, at ${from} or behind it`
  return placeText({ topic, partition, offset })
}

function bytesText({ value, isResult, isCut }: Letter): string {
  if (value === null) return 'value    none: a deletion\n'
  const what = [isResult ? ', a result as JSON' : '', isCut ? ', only its beginning' : '']
  const head = `value    ${formatBytes(value.length)}${what.join('')}\n`
  const hex = hexText(value, hexBytesMax)
  if (!isUtf8(value) || value.length === 0) return `${head}${hex}\n`
  const text = value.toString('utf8')
  const shown = text.slice(0, textCharactersMax)
  return `${head}${safe(shown)}${shown === text ? '' : '…'}\n\n${hex}\n`
}

function textOrHex(bytes: Buffer): string {
  const json = bytesJson(bytes)
  return typeof json === 'string' ? json : `${bytes.toString('hex')} (hex)`
}

/** Control characters must not reach the terminal. Line ends may. */
function safe(text: string): string {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '\u{fffd}')
}
