/**
 * What the page costs: 100 steps, 50,000 records a second, without anybody who looks and with the
 * page open in a browser on the same processors, in turns. The engine loses what the process
 * needs more of its core; the browser says how long its frames took.
 */
import { count, from, generator, json, topic, tumbling } from '../../src/index.ts'
import { run } from '../../src/host/run.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { openBrowser, openPage } from '../../test/page/browser.ts'
import { inTempDir, meter, report } from '../measure.ts'

const perSecond = 50_000
const branches = 10
const mapsEach = 7
const warmUpMs = 5_000
const spellMs = 8_000
const turns = 4
const lossMax = 3
/** At 60 Hz a frame is 16.7 ms: longer than two of them is seen as a jerk. */
const frameMsMax = 34

interface Event {
  readonly id: number
  readonly at: number
}

const events = topic('events', {
  codec: json<Event>(),
  key: ({ id }) => String(id % 1_000),
  time: ({ at }) => at,
  partitions: 4,
})
const source = generator({
  name: 'load',
  rate: perSecond,
  value: (id) => ({ id, at: Date.now() }),
  key: ({ id }: Event) => String(id % 1_000),
})

/** A filter, maps, a window and an output each: a tenth of the records goes through a branch. */
function branchOf(n: number) {
  let stream = from(events)
    .filter(({ id }) => id % branches === n)
    .named(`branch-${n}`)
  for (let i = 0; i < mapsEach; i++) {
    stream = stream.map((event) => event).named(`branch-${n}-map-${i}`)
  }
  return stream
    .window(tumbling('1s'))
    .aggregate({ events: count() })
    .named(`per-second-${n}`)
    .to(topic(`per-second-${n}`))
}

/** Runs in the page. */
const watchFrames = `
  window.frames = []
  let last = performance.now()
  const look = (now) => {
    window.frames.push(now - last)
    last = now
    requestAnimationFrame(look)
  }
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(look) })
  undefined
`

await inTempDir(async (dir) => {
  const log = await openEmbeddedLog({ dir })
  const pipelines = [
    from(source).to(events),
    ...Array.from({ length: branches }, (_, n) => branchOf(n)),
  ]
  const running = await run(pipelines, {
    log,
    http: { port: 0, ui: true },
    notify: () => {},
    signals: false,
  })
  const browser = await openBrowser()
  const spells = { closed: [] as number[], open: [] as number[] }
  const frames: number[] = []
  await pause(warmUpMs)
  let taken = 0
  for (let turn = 0; turn < turns; turn++) {
    spells.closed.push((await spell()).cores)
    const { page, faults } = await openPage(browser, running.httpUrl ?? '')
    await page.waitForSelector('.node.step')
    await pause(1_000)
    await page.evaluate(watchFrames)
    const { cores, records } = await spell()
    spells.open.push(cores)
    taken += records
    frames.push(...((await page.evaluate('window.frames')) as number[]))
    if (faults.length > 0) throw new Error(faults.join('\n'))
    await page.close()
  }
  async function spell(): Promise<{ cores: number; records: number }> {
    const before = recordsIn()
    const measured = meter()
    await pause(spellMs)
    const records = recordsIn() - before
    return { cores: measured.cpuSeconds() / measured.seconds(), records }
  }
  function recordsIn(): number {
    return running.status().reduce((sum, { counters }) => sum + counters.recordsIn, 0)
  }
  const lag = running.status().flatMap(({ inputs }) => inputs.map((input) => input.lag))
  await browser.close()
  await running.stop()
  await log.close()
  const loss = (middle(spells.open) - middle(spells.closed)) * 100
  const rate = taken / ((turns * spellMs) / 1_000)
  report({
    name: `page open: ${branches * (mapsEach + 3)} steps, ${Math.round(rate / 1_000)} k records/s`,
    reached: `${loss.toFixed(1)} % of a core`,
    score: loss,
    aim: `< ${lossMax} %`,
    met: loss < lossMax,
    cpuSecondsPerMillion: (middle(spells.closed) / perSecond) * 1e6,
    note:
      `${(middle(spells.closed) * 100).toFixed(0)} % without the page; ` +
      `lag ${lag.reduce((sum, one) => sum + one, 0)}`,
  })
  const sorted = frames.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  report({
    name: 'page open: its frames',
    reached: `p99 ${at(0.99).toFixed(0)} ms`,
    score: at(0.99),
    aim: `≤ ${frameMsMax} ms`,
    met: at(0.99) <= frameMsMax,
    cpuSecondsPerMillion: null,
    note:
      `p50 ${at(0.5).toFixed(0)} ms, longest ${at(1 - 1e-9).toFixed(0)} ms, ` +
      `of ${sorted.length}`,
  })
})

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
