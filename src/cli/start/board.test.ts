import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { test } from 'vitest'
import { boardLines, colourStyle, statusLine } from './board.ts'
import { bar, count, elapsed, percent, sparkline } from './format.ts'
import type { VitalsWindow } from './results.ts'
import { openScreen } from './screen.ts'
import type { Snapshot } from './snapshot.ts'
import { introText, shownPath, summaryText } from './texts.ts'
import type { IntroOptions } from './texts.ts'

const hour = (n: number): number => Date.UTC(2001, 0, 1, n)

const second = (cpu: number): VitalsWindow => ({
  window: { start: 0, end: 1000 },
  cpu,
  cpuMax: cpu,
  memory: 0.5,
  load: 1.25,
  loopDelayMaxMs: 3,
})

const empty: Snapshot = {
  seconds: [],
  tenSeconds: null,
  alert: null,
  worst: null,
  counts: new Map(),
  runningMs: 0,
  vitals: { sampleCount: 0 },
  flights: {
    speed: 3600,
    state: 'running',
    reachedMs: null,
    watermarkMs: null,
    rowCount: 0,
  },
  inPerSecond: 0,
  outPerSecond: 0,
  commitsPerSecond: 0,
  totals: { inCount: 0, outCount: 0, commitCount: 0 },
  lag: 0,
}

const busy: Snapshot = {
  ...empty,
  runningMs: 3_723_000,
  seconds: [second(0.1), second(0.9)],
  tenSeconds: second(0.5),
  alert: { at: '2026-01-01T10:00:05.000Z', alert: 'busy', cpu: 0.9, seconds: 5 },
  worst: {
    window: { start: hour(12), end: hour(13) },
    airports: [{ key: 'ORD', flights: 112, meanDelay: 34.4 }],
  },
  counts: new Map([
    ['vitals-alerts', 3],
    ['flights.late', 12],
    ['flights.dead', 1],
  ]),
  vitals: { sampleCount: 1_234 },
  flights: {
    speed: 3600,
    state: 'running',
    reachedMs: hour(14),
    watermarkMs: hour(13),
    rowCount: 1_200,
  },
  inPerSecond: 700.4,
  outPerSecond: 512,
  commitsPerSecond: 23,
  totals: { inCount: 10_000, outCount: 2_000, commitCount: 300 },
  lag: 4,
}

test('the board of a running start', () => {
  const text = boardLines(busy).join('\n')
  const wished = [
    /^Millrace {2}1:02:03 {2}700 records\/s in · 512 results\/s out · 23 commits\/s · lag 4$/m,
    /^This machine {2}1,234 samples/m,
    /cpu +▁█ {2}90 % {3}10 s 50 %, top 50 %$/m,
    /memory +▅▅ {2}50 % {3}load 1\.25$/m,
    /alerts +3, last: busy since 10:00:00 UTC$/m,
    /reached +2001-01-01 14:00 +watermark 2001-01-01 13:00$/m,
    /flights +1,200 of 3,000,000 +late 12 \(1\.0 %, flights\.late\) +dead 1$/m,
    /scheduled 2001-01-01 12:00 to 13:00$/m,
    /ORD +34 min +112 flights {2}█+$/m,
  ]
  for (const pattern of wished) assert.match(text, pattern)
})

test('it has as many lines before the first results as with them', () => {
  assert.equal(boardLines(empty).length, boardLines(busy).length)
  assert.match(boardLines(empty).join('\n'), /the first hour is open/)
  assert.match(boardLines(empty).join('\n'), /the first window is open/)
})

test('only what runs is shown', () => {
  const { flights, vitals } = busy
  assert.doesNotMatch(boardLines({ ...busy, flights: null }).join('\n'), /Flights/)
  assert.doesNotMatch(boardLines({ ...busy, vitals: null }).join('\n'), /This machine/)
  assert.ok(flights !== null && vitals !== null)
  const ended = { ...busy, flights: { ...flights, state: 'ended' } }
  assert.match(boardLines(ended).join('\n'), /the recording has ended/)
})

test('colours change nothing but colours', () => {
  const coloured = boardLines(busy, colourStyle)
  assert.ok(coloured.join('').includes('\u001b[1m'))
  assert.deepEqual(coloured.map(stripVTControlCharacters), boardLines(busy))
})

test('one line where there is no terminal', () => {
  assert.equal(
    statusLine(busy),
    '1:02:03 | 700 records/s, 23 commits/s | cpu 90 %, memory 50 %, alerts 3 | ' +
      'flights 1,200 to 2001-01-01 14:00, worst of 12:00 ORD 34 min, late 12',
  )
  assert.equal(statusLine(empty), '0:00 | 0 records/s, 0 commits/s | flights 0 to -, late 0')
})

test('what is said before and after', () => {
  const options: IntroOptions = {
    place: 'data',
    page: 'http://127.0.0.1:7070',
    speed: 3600,
    vitals: true,
    flights: true,
    missing: null,
    before: { sampleCount: 20, flightCount: 1_500, reachedMs: hour(9) },
    command: 'npx millrace',
    dataOption: ' --data data',
    planFile: 'src/examples/flights.ts',
  }
  const intro = introText(options)
  assert.match(intro, /two examples/)
  assert.match(intro, /Goes on where it was: 1,500 flights up to 2001-01-01 09:00, 20 samples\.$/m)
  assert.match(intro, /Data: data \(kept for 7 days/)
  assert.match(intro, /Stop: Ctrl-C/)
  assert.match(intro, /npx millrace plan src\/examples\/flights\.ts/)
  const missing = 'the recording of flights is not installed: npm install it'
  const alone = introText({ ...options, flights: false, missing, before: null })
  assert.match(alone, /\(no flights: the recording of flights is not installed: npm install it\)/)
  assert.doesNotMatch(alone, /Goes on|flights-worst/)
  assert.match(intro, /^Page: http:\/\/127\.0\.0\.1:7070$/m)
  const inMemory = introText({ ...options, place: null, page: null })
  assert.doesNotMatch(inMemory, /Page/)
  assert.match(inMemory, /in memory, gone at the end/)
  assert.doesNotMatch(inMemory, /another terminal/)
  assert.match(intro, /consume vitals-1s --follow --data data$/m)
  assert.doesNotMatch(summaryText(busy, null), /goes on/)
  const summary = summaryText(busy, 'npx millrace start')
  assert.match(summary, /10,000 records in, 2,000 results out and 300 commits\./)
  assert.match(summary, /1,234 samples and 1,200 flights up to 2001-01-01 14:00, 12 late\./)
})

test('pieces', () => {
  assert.deepEqual([0, 999, 1_000, 12_345_678].map(count), ['0', '999', '1,000', '12,345,678'])
  assert.deepEqual([0, 61_000, 3_600_000].map(elapsed), ['0:00', '1:01', '1:00:00'])
  assert.equal(percent(0.056), '6 %')
  assert.equal(sparkline([0, 0.5, 1, 2], 1, 6), '  ▁▅██')
  assert.equal(sparkline([0, 1], 1, 1), '█')
  assert.deepEqual(
    [bar(5, 10, 4), bar(20, 10, 4), bar(-1, 10, 4), bar(1, 0, 4)],
    ['██', '████', '', ''],
  )
  assert.equal(shownPath('/a/b/c', '/a/b'), 'c')
  assert.equal(shownPath('/a/b', '/a/b'), '.')
  assert.equal(shownPath('/x', '/a/b/c/d'), '/x')
})

interface Drawn {
  readonly text: string[]
  taken: () => void
}

function drawn(): Drawn & { write(text: string): Promise<unknown> } {
  const text: string[] = []
  let release = (): void => {}
  return {
    text,
    taken: () => release(),
    write(piece) {
      text.push(piece)
      return new Promise<void>((resolve) => {
        release = resolve
      })
    },
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a terminal is drawn over in place, within its size', async () => {
  const output = drawn()
  const size = { columns: 40, rows: 10 }
  const screen = openScreen(output, { isTerminal: true, colours: false, size: () => size })
  screen.show(busy)
  output.taken()
  await settle()
  screen.show(busy)
  output.taken()
  await settle()
  const [first = '', second = ''] = output.text
  assert.equal(first.split('\n').length - 1, 9)
  assert.ok(second.startsWith('\u001b[9A'), JSON.stringify(second.slice(0, 10)))
  for (const line of second.replace('\r', '').split('\n')) {
    assert.ok(stripVTControlCharacters(line).length < 40, line)
  }
  screen.say('a word')
  assert.match(output.text.at(-1) ?? '', /^\u001b\[9A\ra word/)
  output.taken()
  await settle()
  const ended = screen.end()
  output.taken()
  await ended
  assert.ok(output.text.at(-1)?.endsWith('\u001b[?25h'))
})

test('who reads slowly gets fewer pictures, not a growing pile', async () => {
  for (const isTerminal of [true, false]) {
    const output = drawn()
    const size = { columns: 80, rows: 24 }
    const screen = openScreen(output, { isTerminal, colours: false, size: () => size })
    screen.show(busy)
    screen.show(busy)
    screen.show(busy)
    assert.equal(output.text.length, 1)
    output.taken()
    await settle()
    screen.show(busy)
    assert.equal(output.text.length, 2)
  }
})
