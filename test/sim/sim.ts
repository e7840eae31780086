/**
 * `npm run sim -- [--minutes 1] [--seed N] [--from N] [--go-on] [--on brokers]`: random pipelines
 * under random faults, one seed after the other. Ends with 1 at the first failure, or after all
 * with `--go-on`. `--seed N` is that seed alone, its plan shown. `--on brokers`: on modelled Kafka
 * brokers, those seeds whose results do not depend on when records arrive.
 */
import { parseArgs } from 'node:util'
import { checkOnBrokers } from './check-brokers.ts'
import { checkCase } from './check-case.ts'
import { randomCase } from './random-case.ts'
import { Tally } from './tally.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    from: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    'go-on': { type: 'boolean', default: false },
    on: { type: 'string', default: 'memory' },
  },
})
const numbers = [values.minutes, values.seed ?? '0', values.from].map(Number)
const [minutes = 0, , from = 0] = numbers
const isOnBrokers = values.on === 'brokers'
const isPlace = isOnBrokers || values.on === 'memory'
if (!isPlace || numbers.some((n) => !(n >= 0)) || !Number.isInteger(from)) {
  console.error(
    'usage: npm run sim -- [--minutes M] [--seed N] [--from N] [--go-on] [--on brokers]',
  )
  process.exit(2)
}
process.exitCode =
  values.seed === undefined ? await manySeeds() : await oneSeed(Number(values.seed))

async function oneSeed(seed: number): Promise<number> {
  console.log(`${randomCase(seed).text}\n`)
  try {
    if (isOnBrokers) {
      const report = await checkOnBrokers(seed)
      console.log(report === null ? 'no case for brokers' : `ok: ${JSON.stringify(report)}`)
      return 0
    }
    const { report, written } = await checkCase(seed)
    console.log(`ok: ${written} records written, ${JSON.stringify(report)}`)
    return 0
  } catch (thrown) {
    console.error(thrown instanceof Error ? thrown.message : thrown)
    return 1
  }
}

async function manySeeds(): Promise<number> {
  const tally = new Tally()
  const endMs = Date.now() + minutes * 60_000
  let toldMs = Date.now()
  let failed = 0
  let onBrokers = 0
  let seed = from
  for (; Date.now() < endMs; seed++) {
    try {
      if (isOnBrokers) onBrokers += (await checkOnBrokers(seed))?.runs ?? 0
      else tally.add(await checkCase(seed))
    } catch (thrown) {
      failed += 1
      console.error(thrown instanceof Error ? thrown.message : thrown)
      if (!values['go-on']) break
    }
    if (Date.now() - toldMs < 10_000) continue
    toldMs = Date.now()
    const runs = tally.runs + onBrokers
    console.log(`seed ${seed}: ${runs} runs, ${failed} failed`)
  }
  if (isOnBrokers) {
    console.log(`seeds ${from} to ${seed - 1} on brokers: ${onBrokers} runs, ${failed} failed`)
    return failed === 0 ? 0 : 1
  }
  console.log(`seeds ${from} to ${seed - 1}, ${failed} failed\n${tally.text()}`)
  for (const name of tally.missing) console.log(`never there: ${name}`)
  return failed === 0 ? 0 : 1
}
