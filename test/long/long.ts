/**
 * `npm run long -- [--minutes 60] [--rate 20000] [--seed N] [--svg FILE]`: the embedded log under a
 * steady load, its process killed or ended every few minutes. Each result is compared with what the
 * input says, as it comes; memory and file size must stay flat.
 */
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../src/core/random.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { Log } from '../../src/log/log.ts'
import { EngineProcess, memoryOf } from './engine-process.ts'
import { Expected } from './expected.ts'
import { Feed } from './feed.ts'
import { Outputs } from './outputs.ts'
import { inputTopics } from './pipeline.ts'
import { plotSvg } from './plot.ts'
import { bytesOf, flatness, quantile, type Sample } from './samples.ts'

const tickMs = 20
const sampleEveryMs = 5_000
const catchUpMsMax = 120_000
/** More than this, from the second sixth of the run to the last, is not flat. */
const growthMax = 1.15
const mib = 2 ** 20
const letterRetentionMs = 180_000

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    svg: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
const perSecond = Number(values.rate)
const seed = Number(values.seed)
if (!(minutes > 0) || !(perSecond >= 100) || !Number.isInteger(seed)) {
  console.error('usage: npm run long -- [--minutes N] [--rate N, from 100] [--seed N] [--svg FILE]')
  process.exit(2)
}

interface Restart {
  readonly seconds: number
  readonly signal: 'SIGKILL' | 'SIGTERM'
  /** From the signal until a result came again. */
  readonly outputAgainMs: number
}

class LongRun {
  readonly #dir = mkdtempSync(join(tmpdir(), 'millrace-long-'))
  readonly #expected = new Expected()
  readonly #samples: Sample[] = []
  readonly #restarts: Restart[] = []
  readonly #random = seededRandom(seed)
  readonly #startMs = Date.now()
  readonly #fail = (what: string): void => {
    this.#failure ??= new Error(what)
  }
  #failure: Error | null = null
  #cpuSeconds = 0

  async run(): Promise<void> {
    console.log(`seed ${seed}, ${minutes} min at ${perSecond}/s, in ${this.#dir}`)
    let engine = await EngineProcess.start(this.#dir, this.#fail)
    const log = await openEmbeddedLog({ dir: this.#dir })
    const { outputs, feed } = await this.#open(log)
    const endMs = this.#startMs + minutes * 60_000
    let sampledMs = this.#startMs
    let endsMs = this.#nextEndMs()
    while (Date.now() < endMs) {
      await this.#tick(feed, outputs)
      if (Date.now() - sampledMs >= sampleEveryMs) {
        sampledMs = Date.now()
        await this.#sample(log, engine, feed, outputs)
      }
      if (Date.now() < endsMs) continue
      engine = await this.#restart(engine, feed, outputs)
      endsMs = this.#nextEndMs()
    }
    await this.#finish(feed, outputs)
    this.#cpuSeconds += engine.cpuSeconds
    assert.equal(await engine.end('SIGTERM'), '0', 'the engine did not end in order')
    await outputs.close()
    await log.close()
    this.#report(feed, outputs)
    rmSync(this.#dir, { recursive: true, force: true })
  }

  async #open(log: Log): Promise<{ outputs: Outputs; feed: Feed }> {
    const expected = this.#expected
    // Letters are kept for ever until somebody says otherwise.
    for (const { name } of await log.listTopics())
      if (/\.(dead|late)$/.test(name))
        await log.alterTopic(name, { retentionMs: letterRetentionMs })
    const outputs = await Outputs.open(log)
    const feed = new Feed({ log, expected, seed, perSecond, startMs: Date.now() })
    return { outputs, feed }
  }

  async #tick(feed: Feed, outputs: Outputs): Promise<void> {
    const beganMs = Date.now()
    await feed.write(beganMs)
    outputs.take((topic, text) => this.#expected.take(topic, text, Date.now()))
    if (this.#failure !== null) throw this.#failure
    await pause(Math.max(1, tickMs - (Date.now() - beganMs)))
  }

  /** Half a minute to eight minutes. */
  #nextEndMs(): number {
    return Date.now() + 30_000 + this.#random.int(450_000)
  }

  /** The input goes on meanwhile. */
  async #restart(engine: EngineProcess, feed: Feed, outputs: Outputs): Promise<EngineProcess> {
    const signal = this.#random.int(3) === 0 ? 'SIGTERM' : 'SIGKILL'
    const atMs = Date.now()
    this.#cpuSeconds += engine.cpuSeconds
    let next: EngineProcess | null = null
    let read = 0
    const started = engine.end(signal).then(async (how) => {
      if (signal === 'SIGTERM' && how !== '0') this.#fail(`the engine ended with ${how}`)
      read = outputs.read
      next = await EngineProcess.start(this.#dir, this.#fail)
    })
    started.catch((thrown: unknown) => this.#fail(String(thrown)))
    const isBack = (): boolean => next !== null && outputs.read > read
    while (!isBack()) {
      await this.#tick(feed, outputs)
      assert.ok(Date.now() - atMs < catchUpMsMax, `no output for two minutes after ${signal}`)
    }
    const seconds = Math.round((atMs - this.#startMs) / 1000)
    const outputAgainMs = Date.now() - atMs
    this.#restarts.push({ seconds, signal, outputAgainMs })
    console.log(`${seconds} s: ${signal}, output again after ${outputAgainMs} ms`)
    await started
    return next as unknown as EngineProcess
  }

  async #sample(log: Log, engine: EngineProcess, feed: Feed, outputs: Outputs): Promise<void> {
    const group = (await log.groups()).find((each) => each.group === 'long')
    const committed = (group?.offsets ?? [])
      .filter(({ topic }) => inputTopics.some((name) => name === topic))
      .reduce((all, { offset }) => all + offset, 0)
    const { latenciesMs } = this.#expected
    this.#expected.latenciesMs = []
    const p50 = quantile(latenciesMs, 0.5)
    const p99 = quantile(latenciesMs, 0.99)
    const sample: Sample = {
      seconds: Math.round((Date.now() - this.#startMs) / 1000),
      engineMiB: Math.round(engine.memoryBytes / mib),
      driverMiB: Math.round(memoryOf(process.pid) / mib),
      filesMiB: Math.round(bytesOf(this.#dir) / mib),
      lag: feed.written - committed,
      outputs: outputs.read,
      latencyMs: latenciesMs.length === 0 ? null : { p50, p99 },
    }
    this.#samples.push(sample)
    appendFileSync(join(this.#dir, 'samples.jsonl'), `${JSON.stringify(sample)}\n`)
    if (this.#samples.length % 12 === 0) console.log(JSON.stringify(sample))
  }

  /** Every window closes; everything that is expected must come. */
  async #finish(feed: Feed, outputs: Outputs): Promise<void> {
    await feed.close()
    const fromMs = Date.now()
    while (this.#expected.waiting > 0) {
      outputs.take((topic, text) => this.#expected.take(topic, text, Date.now()))
      if (this.#failure !== null) throw this.#failure
      const missing = `${this.#expected.waiting} results never came`
      if (Date.now() - fromMs > catchUpMsMax)
        throw new Error([missing, ...this.#expected.missing()].join('\n'))
      await pause(tickMs)
    }
    // What comes twice would come now.
    await pause(1_000)
    outputs.take((topic, text) => this.#expected.take(topic, text, Date.now()))
  }

  #report(feed: Feed, outputs: Outputs): void {
    const { written, late, dead, duplicates } = feed
    const kills = this.#restarts.filter(({ signal }) => signal === 'SIGKILL').length
    const again = this.#restarts.map(({ outputAgainMs }) => outputAgainMs)
    const latencies = this.#samples.flatMap(({ latencyMs }) => latencyMs ?? [])
    console.log(`machine: ${cpus().length} × ${cpus()[0]?.model ?? '?'}, node ${process.version}`)
    console.log(`input: ${written} records (${late} late, ${duplicates} repeated, ${dead} damaged)`)
    console.log(`compared: ${outputs.read} results, each as it must be, none lost, none twice`)
    console.log(`restarts: ${this.#restarts.length}, ${kills} of them by SIGKILL`)
    console.log(
      `output again after: p50 ${quantile(again, 0.5)} ms, max ${Math.max(0, ...again)} ms`,
    )
    const p50 = quantile(
      latencies.map((each) => each.p50),
      0.5,
    )
    const p99 = quantile(
      latencies.map((each) => each.p99),
      0.5,
    )
    console.log(`latency of the join: p50 ${p50} ms, p99 ${p99} ms (medians of 5 s)`)
    console.log(
      `CPU of the engine: ${((this.#cpuSeconds / written) * 1e6).toFixed(1)} s per million`,
    )
    let isFlat = true
    for (const figure of ['engineMiB', 'driverMiB', 'filesMiB'] as const) {
      const { early, late: last, growth } = flatness(this.#samples, figure)
      const most = Math.max(...this.#samples.map((each) => each[figure]))
      console.log(`${figure}: ${early} → ${last} (× ${growth.toFixed(2)}), most ${most}`)
      if (figure !== 'driverMiB' && growth > growthMax) isFlat = false
    }
    if (values.svg !== undefined) {
      const svg = plotSvg(
        this.#samples,
        this.#restarts.map(({ seconds }) => seconds),
      )
      writeFileSync(values.svg, svg)
    }
    console.log(isFlat ? 'OK' : 'NOT FLAT')
    if (!isFlat) process.exitCode = 1
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

await new LongRun().run().catch((thrown: unknown) => {
  console.error(thrown)
  console.log(`FAILED, seed ${seed}`)
  process.exit(1)
})
