/**
 * `npm run bench [-- CASE…]`: runs each case in a process of its own, pinned to one core where the
 * system can, and prints one table. A benchmark, not a test: it says what was reached beside what
 * is aimed at, and always exits 0 unless a case fails.
 */
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Figure } from './measure.ts'
import { canPin, printTable, runScript } from './run-case.ts'

const cases: Record<string, readonly string[]> = {
  'append-read': ['cases/append-read.ts'],
  'filter-map': ['cases/pipelines.ts', 'filter-map'],
  'window-count': ['cases/pipelines.ts', 'window-count'],
  'http-ingest': ['cases/http-ingest.ts'],
  latency: ['cases/latency.ts'],
  webhook: ['cases/webhook.ts'],
  'delivery-latency': ['cases/delivery-latency.ts'],
  files: ['cases/files.ts'],
  postgres: ['cases/postgres.ts'],
  page: ['cases/page.ts'],
  'cold-start': ['cases/cold-start.ts'],
  'memory-flat': ['cases/pipelines.ts', 'memory-flat'],
}
/** Cases that speak of one core: run pinned to one, and again with all there are. */
const oneCore = new Set(['append-read', 'filter-map', 'window-count'])
const onceIsEnough = new Set(['cold-start', 'memory-flat', 'page'])
/** Cases that are cheap enough to be run several times; the median run is shown. */
const runsOf = (name: string): number => (onceIsEnough.has(name) ? 1 : 3)

async function runCase(name: string, pin: boolean): Promise<Figure[]> {
  const [file, ...args] = cases[name] ?? []
  return runScript(fileURLToPath(new URL(file ?? '', import.meta.url)), args, pin)
}

/** Runs a case several times and gives, for each of its figures, the run in the middle. */
async function medianOf(name: string, pin: boolean, note: string): Promise<Figure[]> {
  const runs: Figure[][] = []
  for (let i = 0; i < runsOf(name); i++) runs.push(await runCase(name, pin))
  return (runs[0] ?? []).map((_, at) => {
    const sorted = runs.map((run) => run[at] as Figure).toSorted((a, b) => a.score - b.score)
    const middle = sorted[Math.floor(sorted.length / 2)] as Figure
    return { ...middle, note: `${note}${middle.note}` }
  })
}

const wanted = process.argv.slice(2)
const names = wanted.length === 0 ? Object.keys(cases) : wanted
const unknown = names.find((name) => !(name in cases))
if (unknown !== undefined) {
  console.error(`no case '${unknown}'; there are ${Object.keys(cases).join(', ')}`)
  process.exit(2)
}
const pinned = canPin()
const memoryGiB = Math.round(totalmem() / 2 ** 30)
const cpuModel = cpus()[0]?.model ?? 'CPU'
const machine = `${cpus().length} × ${cpuModel}, ${memoryGiB} GiB, ${process.platform}`
console.log(`${machine}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}\n`)
const figures: Figure[] = []
for (const name of names) {
  if (!oneCore.has(name)) figures.push(...(await medianOf(name, false, '')))
  else {
    if (pinned) figures.push(...(await medianOf(name, true, 'one core; ')))
    figures.push(...(await medianOf(name, false, `${cpus().length} cores; `)))
  }
}
printTable(figures)
