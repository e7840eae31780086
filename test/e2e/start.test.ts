/** `millrace start` as a user runs it: killed, started again, stopped; then the log is checked. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { Flight } from '../../src/examples/flights-recording.ts'
import { flightsRecording } from '../../src/examples/flights-recording.ts'
import { openLog } from '../../src/host/open-log.ts'
import type { Log } from '../../src/log/log.ts'

const command = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url))
const limitMs = 20_000
let dir: string
let data: string
const running = new Set<ChildProcess>()

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-start-'))
  data = join(dir, 'data')
})

afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

interface Started {
  readonly child: ChildProcess
  output(): string
  /**
   * Resolves when the output fits; rejects after the limit or when the process has ended before.
   */
  until(pattern: RegExp): Promise<void>
  readonly exit: Promise<number | null>
}

function start(...args: string[]): Started {
  return startWith([], args)
}

function startWith(nodeOptions: string[], args: string[]): Started {
  const all = [...nodeOptions, command, 'start', '--data', data, ...args]
  const child = spawn(process.execPath, all, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let output = ''
  let look = (): void => {}
  const take = (piece: Buffer): void => {
    output += String(piece)
    look()
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const exit = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      running.delete(child)
      resolve(code)
      look()
    })
  })
  const until = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${why} before ${pattern}:\n${output}`))
      const timer = setTimeout(() => fail(`${limitMs} ms went by`), limitMs)
      look = () => {
        const isFound = pattern.test(output)
        if (!isFound && child.exitCode === null && child.signalCode === null) return
        clearTimeout(timer)
        if (isFound) resolve()
        else fail('it ended')
      }
      look()
    })
  return { child, output: () => output, until, exit }
}

interface Row {
  readonly flight: Flight
  readonly time: number
}

async function valuesOf<T>(log: Log, topic: string): Promise<{ value: T; time: number }[]> {
  const [partition] = (await log.describeTopic(topic)).partitions
  const reader = await log.openReader([{ topic, partition: 0, offset: 0 }])
  const values: { value: T; time: number }[] = []
  while (values.length < (partition?.endOffset ?? 0)) {
    const batch = reader.poll(0)
    if (batch === null) {
      expect(await reader.wait(5_000)).toBe('ready')
      continue
    }
    for (let i = batch.first; i < batch.count; i++) {
      values.push({ value: JSON.parse(String(batch.value(i))) as T, time: batch.time(i) })
    }
  }
  await reader.close()
  return values
}

/** The recording's first rows in the order in which they become known, found by sorting. */
async function expectedRows(count: number): Promise<number[]> {
  const recording = await flightsRecording(systemClock)
  const rows: { row: number; arrivesAt: number }[] = []
  for await (const chunk of recording.rows(0)) {
    for (const { arrivesAt } of chunk) rows.push({ row: rows.length, arrivesAt })
    const completeMs = (chunk.at(-1)?.time ?? 0) - recording.earlyMsMax
    if (rows.filter(({ arrivesAt }) => arrivesAt < completeMs).length >= count) break
  }
  return rows
    .toSorted((a, b) => a.arrivesAt - b.arrivesAt || a.row - b.row)
    .slice(0, count)
    .map(({ row }) => row)
}

const hourMs = 3_600_000

/**
 * What the pipeline says it does, by a loop over all records: flights by airport and hour, and the
 * late ones.
 */
function computed(rows: readonly Row[]): { windows: Map<string, number>; late: number[] } {
  const counts = new Map<string, number>()
  const late: number[] = []
  let watermark = Number.NEGATIVE_INFINITY
  for (const { flight, time } of rows) {
    watermark = Math.max(watermark, time - hourMs)
    const start = Math.floor(time / hourMs) * hourMs
    if (watermark >= start + hourMs + 3 * hourMs) {
      late.push(flight.row)
      continue
    }
    const window = `${flight.origin} ${start}`
    counts.set(window, (counts.get(window) ?? 0) + 1)
  }
  const isClosed = ([window]: [string, number]): boolean =>
    Number(window.split(' ')[1]) + hourMs <= watermark
  return { windows: new Map([...counts].filter(isClosed)), late }
}

test('L1 killed and started again it goes on: no flight is lost, none twice', async () => {
  const first = start('--only', 'flights', '--speed', '36000')
  await first.until(/\| flights \d{2,3},\d{3} to/)
  first.child.kill('SIGKILL')
  await first.exit
  expect(first.output()).toContain('Stop: Ctrl-C')
  expect(first.output()).not.toContain('Goes on where it was')

  const second = start('--only', 'flights', '--speed', '36000')
  await second.until(/Goes on where it was: [\d,]+ flights up to 2001-01-0\d \d\d:\d\d/)
  await second.until(/\| flights (?:[2-9]\d|\d{3}),\d{3} to/)
  second.child.kill('SIGINT')
  expect(await second.exit, second.output()).toBe(0)
  expect(second.output()).toMatch(/Stopped after [\d,]+ records in/)

  const log = await openLog({ log: 'embedded', data })
  try {
    const flights = await valuesOf<Flight>(log, 'flights')
    expect(flights.length).toBeGreaterThan(20_000)
    expect(flights.map(({ value }) => value.row)).toEqual(await expectedRows(flights.length))

    const [group] = (await log.groups()).filter((one) => one.group === 'flights')
    const taken = group?.offsets.find(({ topic }) => topic === 'flights')?.offset ?? 0
    expect(taken).toBeGreaterThan(20_000)
    const rows = flights.slice(0, taken).map(({ value, time }) => ({ flight: value, time }))
    const expected = computed(rows)
    const late = await valuesOf<Flight>(log, 'flights.late')
    expect(late.map(({ value }) => value.row)).toEqual(expected.late)
    expect(late.length).toBeGreaterThan(10)

    // The newest result of each window; revisions follow the first one.
    interface Result {
      key: string
      window: { start: number; revision?: number }
      flights: number
    }
    const results = await valuesOf<Result>(log, 'flights-by-airport')
    const newest = new Map<string, number>()
    const seen = new Set<string>()
    for (const { value } of results) {
      const window = `${value.key} ${value.window.start}`
      const result = `${window} ${value.window.revision ?? 0}`
      expect(seen.has(result), `${result} twice`).toBe(false)
      seen.add(result)
      newest.set(window, value.flights)
    }
    expect(newest.size).toBeGreaterThan(500)
    expect(Object.fromEntries(newest)).toEqual(Object.fromEntries(expected.windows))
  } finally {
    await log.close()
  }
}, 60_000)

/** As where the package is installed alone: what reads the recording is not there. */
const withoutReader = [
  '--import',
  `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier === 'hyparquet') throw new Error('not installed')
        return next(specifier, context)
      },
    })`)}`,
]

test('without the recording it runs the vital signs; a second run is refused', async () => {
  data = join(dir, 'vitals')
  const first = startWith(withoutReader, [])
  await first.until(/\(no flights: .* npm install vega-datasets/)
  await first.until(/\| cpu +\d+ %, memory +\d+ %, alerts \d+/)

  const second = start('--only', 'vitals')
  expect(await second.exit).toBe(1)
  expect(second.output()).toMatch(/pipeline 'vitals'.*\n.*take.over/)

  first.child.kill('SIGTERM')
  expect(await first.exit, first.output()).toBe(0)
  expect(first.output()).toMatch(/In the log: \d+ samples\./)

  const wanted = startWith(withoutReader, ['--only', 'flights'])
  expect(await wanted.exit).toBe(1)
  expect(wanted.output()).toContain('the recording of flights is not installed')
}, 60_000)
