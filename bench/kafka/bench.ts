/**
 * `npm run bench:kafka -- [--records 3000000] [CASE…]`: the same pipelines on one real broker; the
 * engine is a process of its own on one core. Prints one table; a benchmark, no test: it exits 0
 * unless a case fails, and with 69 where there is no Java or Maven.
 */
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { kafkaVersion, whyNoKafka } from '../../test/kafka/jars.ts'
import type { Figure } from '../measure.ts'
import { printTable } from '../run-case.ts'
import { drain } from './drain.ts'
import { firstOutput } from './first-output.ts'
import { latency } from './latency.ts'
import { buildPublished } from './published.ts'
import { restart, takeover } from './recovery.ts'
import { withSetting } from './setting.ts'
import type { Setting } from './setting.ts'

const cases: Readonly<Record<string, (setting: Setting) => Promise<Figure[]>>> = {
  'filter-map': (setting) => drain(setting, 'filter-map'),
  'window-count': (setting) => drain(setting, 'window-count'),
  // First: by its load the broker is warm for the others, as one that runs for long.
  latency,
  'first-output': firstOutput,
  restart,
  takeover,
}
/** Cases without a backlog to drain. */
const recordsOfOthers = 20_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { records: { type: 'string', default: '3000000' } },
})
const records = Number(values.records)
const names = positionals.length === 0 ? Object.keys(cases) : positionals
const unknown = names.find((name) => !(name in cases))
if (unknown !== undefined || !Number.isInteger(records) || records < 10_000) {
  console.error(
    `usage: npm run bench:kafka -- [--records N, at least 10000] [${Object.keys(cases).join(' ')}]`,
  )
  process.exit(2)
}
const why = whyNoKafka()
if (why !== null) {
  console.error(`the benchmark needs a real Kafka, from Java and Maven: ${why}`)
  process.exit(69)
}

buildPublished()
const memoryGiB = Math.round(totalmem() / 2 ** 30)
const cpuModel = cpus()[0]?.model ?? 'CPU'
const machine = `${cpus().length} × ${cpuModel}, ${memoryGiB} GiB, ${process.platform}`
const date = new Date().toISOString().slice(0, 10)
console.log(`${machine}, Node ${process.version}, Kafka ${kafkaVersion}, one broker, ${date}\n`)
const figures: Figure[] = []
let failed = 0
const isDrain = (name: string): boolean => name === 'filter-map' || name === 'window-count'
const drains = names.filter(isDrain)
const others = names.filter((name) => !isDrain(name))
for (const [group, count] of [
  [drains, records],
  [others, recordsOfOthers],
] as const) {
  if (group.length > 0) await withSetting(count, (setting) => runAll(group, setting))
}
printTable(figures)
process.exitCode = failed === 0 ? 0 : 1

async function runAll(group: readonly string[], setting: Setting): Promise<void> {
  for (const name of group) {
    process.stderr.write(`${name} …\n`)
    try {
      figures.push(...((await cases[name]?.(setting)) ?? []))
    } catch (error) {
      failed += 1
      console.error(`${name} failed:`, error)
    }
  }
}
