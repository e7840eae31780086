/**
 * `npm run test:kafka-faults -- [--minutes 2] [--seed N] [--rate 500] [--keep]`: three brokers and
 * three equal processes, both killed, paused and stopped at random, while a driver writes. At the
 * end everything is computed again from the input and compared. Exit code 0, 1 where anything was
 * lost, doubled or changed, hung or died; 69 where there is no Java or Maven.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { KafkaCluster } from '../kafka/cluster.ts'
import { whyNoKafka } from '../kafka/jars.ts'
import { startDriver } from './driving.ts'
import type { Driver } from './driving.ts'
import { Fleet } from './fleet.ts'
import { Lanes } from './lanes.ts'
import { Outputs } from './outputs.ts'
import { Probe } from './probe.ts'
import { inSeconds, reportTable } from './report.ts'
import { partitions, salesTopic, shipmentsTopic } from './scenario.ts'
import { differenceLine } from './verify/difference.ts'
import { readAcknowledged, readDump } from './verify/dump-file.ts'
import { verify } from './verify/verify.ts'

/** Short ones, so that a test of minutes sees them pass many times. */
const workerSettings = { sessionTimeoutMs: 6_000, transactionTimeoutMs: 12_000, standbys: 1 }
const brokerSettings = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000' }
const workers = 3
const hangMs = 60_000
const startMsMax = 60_000
const drainMsMax = 120_000
/** No output for so long, with nothing left to process: all is done. */
const quietMs = 5_000
const differencesShown = 20
const outputTopics = ['running', 'counts', 'windows', 'joined']

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rate: { type: 'string', default: '500' },
    keep: { type: 'boolean', default: false },
  },
})
const [minutes, seed, perSecond] = [values.minutes, values.seed, values.rate].map(Number) as [
  number,
  number,
  number,
]
if (!(minutes > 0) || !Number.isInteger(seed) || !(perSecond >= 100)) {
  console.error(
    'usage: npm run test:kafka-faults -- [--minutes M] [--seed N] [--rate, at least 100] [--keep]',
  )
  process.exit(2)
}
const why = whyNoKafka()
if (why !== null) {
  console.error(`the fault test needs a real Kafka, from Java and Maven: ${why}`)
  process.exit(69)
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-kafka-faults-'))
mkdirSync(join(directory, 'logs'))
const failures: string[] = []
const failing = new AbortController()
const say = (line: string): void => console.log(`${new Date().toISOString()} ${line}`)
const fail = (what: string): void => {
  failures.push(what)
  say(`FAILED: ${what}`)
  failing.abort()
}

say(`seed ${seed}, ${minutes} minutes, ${perSecond} records/s, data in ${directory}`)
const cluster = await KafkaCluster.start({
  nodes: 3,
  directory: join(directory, 'kafka'),
  settings: brokerSettings,
})
const probe = new Probe(cluster)
const fleet = new Fleet({ brokers: cluster.brokers, directory, settings: workerSettings, fail })
/** What there is of the test so far. */
const begun: { driver: Driver | null; lanes: Lanes | null } = { driver: null, lanes: null }
process.once('SIGINT', () => fail('interrupted'))
process.once('SIGTERM', () => fail('interrupted'))
try {
  const driver = await runFaults()
  if (failures.length === 0) await compare(driver)
} catch (error) {
  fail(error instanceof Error ? (error.stack ?? error.message) : String(error))
} finally {
  begun.driver?.kill()
  fleet.killAll()
  await cluster.stop()
}
if (begun.lanes !== null) {
  say(`${begun.lanes.measured.length} times output had to come again from every partition:`)
  console.log(`\n${reportTable(begun.lanes.measured)}\n`)
}
if (failures.length === 0) say(`OK, seed ${seed}`)
else {
  say(`FAILED, seed ${seed}; logs and data are kept in ${directory}`)
  for (const failure of failures) console.log(`  ${failure}`)
}
if (failures.length === 0 && !values.keep) rmSync(directory, { recursive: true, force: true })
process.exit(failures.length === 0 ? 0 : 1)

/** From the first record to workers that have ended in order with nothing left to do. */
async function runFaults(): Promise<Driver> {
  await probe.create([salesTopic, shipmentsTopic], partitions)
  for (let number = 0; number < workers; number++) fleet.worker(number).start()
  const outputs = new Outputs(Date.now)
  const watching = probe.watch(outputTopics, (seen) => outputs.tell(seen))
  const settings = { seed, perSecond, startMs: Date.now() + 2_000 }
  const driving = startDriver({ brokers: cluster.brokers, directory, settings, fail })
  begun.driver = driving
  try {
    const isUp = await waitFor(startMsMax, () => outputs.partitionCount >= 2 * partitions)
    if (!isUp) {
      if (failures.length === 0)
        fail(`no output of all partitions ${inSeconds(startMsMax)} after the start`)
      return driving
    }
    say('output comes from every partition')
    const lanes = new Lanes({
      seed,
      cluster,
      fleet,
      driver: driving,
      outputs,
      say,
      fail,
      nowMs: Date.now,
      endMs: Date.now() + minutes * 60_000,
      signal: failing.signal,
    })
    begun.lanes = lanes
    const watchdog = setInterval(() => {
      if (Math.min(outputs.quietMs, lanes.calmMs) < hangMs) return
      fail(`a hang: no output for ${inSeconds(outputs.quietMs)}, and no fault is active`)
    }, 1000)
    await lanes.run()
    clearInterval(watchdog)
    if (failures.length > 0) return driving
    say(`no more faults; ${driving.acknowledged()} records are acknowledged`)
    await driving.finish()
    await drain(outputs)
    await fleet.stop()
    return driving
  } finally {
    await watching.stop()
  }
}

async function drain(outputs: Outputs): Promise<void> {
  const startedMs = Date.now()
  const lag = (): number => [...fleet.tasks().values()].reduce((all, each) => all + each, 0)
  const isDone = await waitFor(drainMsMax, () => lag() === 0 && outputs.quietMs > quietMs)
  if (isDone)
    say(`all is processed, ${inSeconds(Date.now() - startedMs - quietMs)} after the last record`)
  else if (failures.length === 0) {
    const tasks = [...fleet.tasks()].map(([task, behind]) => `${task}: ${behind}`).join(', ')
    fail(`${inSeconds(drainMsMax)} after the last record not all is processed; lag ${tasks}`)
  }
}

async function waitFor(timeoutMs: number, isMet: () => boolean): Promise<boolean> {
  const endMs = Date.now() + timeoutMs
  while (!isMet()) {
    if (failing.signal.aborted || Date.now() > endMs) return false
    await pause(50)
  }
  return true
}

/** Reads everything with Kafka's own consumer, and computes it again. */
async function compare(from: Driver): Promise<void> {
  const file = join(directory, 'dump.tsv')
  const names = [salesTopic, shipmentsTopic, ...outputTopics]
  await probe.dump(file, `(${names.join('|')})(\\.dead|\\.late)?`)
  const verdict = verify(await readDump(file), await readAcknowledged(from.file))
  const { differences, inputs, acknowledged, outputs } = verdict
  say(`${inputs} records in the input, ${acknowledged} of them acknowledged`)
  say(`compared: ${JSON.stringify(outputs)}`)
  const floor = perSecond * minutes * 60 * 0.5
  if (inputs < floor) fail(`only ${inputs} records were written, ${floor} are the least to be sure`)
  if (differences.length === 0) return
  for (const one of differences.slice(0, differencesShown)) console.log(`  ${differenceLine(one)}`)
  fail(`${differences.length} differences between the output and what the input asks for`)
}
