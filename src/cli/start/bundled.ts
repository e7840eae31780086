/** The bundled examples, running: their sources and their pipelines in this process, on one log. */
import { pause } from '../../connect/pause.ts'
import type { Source } from '../../connect/source.ts'
import { runSource } from '../../connect/source-runner.ts'
import type { SourceEvent, SourceRun } from '../../connect/source-runner.ts'
import { replay } from '../../connect/sources/replay.ts'
import type { ReplayPosition } from '../../connect/sources/replay.ts'
import { machineVitals } from '../../connect/sources/vitals.ts'
import type { VitalsPosition } from '../../connect/sources/vitals.ts'
import type { Clock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import { letterHeaderBytesMax } from '../../engine/letters.ts'
import { flightsRecording } from '../../examples/flights-recording.ts'
import flightsPipeline from '../../examples/flights.ts'
import vitalsPipeline from '../../examples/vitals.ts'
import { runBeside } from '../../host/run.ts'
import type { HostEvent } from '../../host/host-event.ts'
import type { Running } from '../../host/run.ts'
import type { Log } from '../../log/log.ts'
import type { HttpOptions } from '../../server/http-options.ts'
import { defaultTopicConfig } from '../../log/log.ts'

export type Example = 'vitals' | 'flights'

export interface BundledOptions {
  readonly log: Log
  readonly clock: Clock
  /** Which of them; null: all that can run here. */
  readonly only: Example | null
  /** Of the recording: its seconds in one second. */
  readonly speed: number
  readonly takeOver: boolean
  /** Where the page is to be; null: nowhere. */
  readonly http: HttpOptions | null
  readonly notify: (event: HostEvent | SourceEvent) => void
}

export interface Bundled {
  readonly vitals: SourceRun<VitalsPosition> | null
  readonly flights: SourceRun<ReplayPosition> | null
  readonly pipelines: Running
  /** Why the flights do not run, though they were not left out; null when they do. */
  readonly missing: string | null
  /** Rejects with the first error that ended a part of it; never resolves while all is well. */
  readonly failed: Promise<never>
  /** First the sources, then the pipelines; all that was taken is committed. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts the examples.
 * @throws `file-not-found` where the flights are wanted and not installed · `pipeline-running` ·
 * what the log throws
 */
export async function startBundled(options: BundledOptions): Promise<Bundled> {
  const { log, clock, only, speed, takeOver, http, notify } = options
  const found = only === 'vitals' ? null : await findFlights(options)
  const wanted: Example[] = only === null ? ['vitals', 'flights'] : [only]
  const examples = wanted.filter((name) => name === 'vitals' || found?.recording !== undefined)
  for (const name of examples) await boundLetters(log, name)
  const parts = { vitals: vitalsPipeline, flights: flightsPipeline }
  const started: SourceRun<unknown>[] = []
  const pipelines = await runBeside(
    examples.map((name) => parts[name]),
    { log, takeOver, signals: false, notify, ...(http === null ? {} : { http }) },
    () => started.map((one) => one.status()),
  )
  const startSource = async <P>(topic: Example, source: Source<P>): Promise<SourceRun<P>> => {
    const one = await runSource(log, source, { topic, clock, takeOver, notify })
    started.push(one)
    return one
  }
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.stop()))
    await caughtUp(pipelines, clock)
    await pipelines.stop()
  }
  try {
    const recording = found?.recording
    const vitals = examples.includes('vitals') ? await startSource('vitals', machineVitals()) : null
    const flights =
      recording === undefined ? null : await startSource('flights', replay({ recording, speed }))
    const failed = firstFailure([pipelines.done, ...started.map((one) => one.done)])
    return { vitals, flights, pipelines, missing: found?.missing ?? null, failed, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

interface FoundFlights {
  readonly recording?: Awaited<ReturnType<typeof flightsRecording>>
  readonly missing: string | null
}

async function findFlights({ only, clock }: BundledOptions): Promise<FoundFlights> {
  try {
    return { recording: await flightsRecording(clock), missing: null }
  } catch (thrown) {
    if (only === 'flights' || !isCode(thrown, 'file-not-found')) throw thrown
    const hint = thrown.hint === undefined ? '' : `: ${thrown.hint}`
    return { missing: `${thrown.message}${hint}` }
  }
}

/**
 * The same bounds as those of the examples' own topics: a forgotten example does not fill the disk.
 */
const lettersConfig = {
  partitions: 1,
  retentionMs: 7 * 86_400_000,
  retentionBytes: 64 * 2 ** 20,
  recordBytesMax: defaultTopicConfig.recordBytesMax + letterHeaderBytesMax,
}

/**
 * Late and dead records of a topic are kept for ever unless their topics exist with other settings.
 */
async function boundLetters(log: Log, topic: string): Promise<void> {
  const names = new Set((await log.listTopics()).map(({ name }) => name))
  for (const name of [`${topic}.late`, `${topic}.dead`]) {
    if (!names.has(name)) await log.createTopic(name, lettersConfig)
  }
}

/**
 * How long a stop waits for the pipelines to take what the sources gave last; the next start goes
 * on there anyway.
 */
const catchUpMsMax = 2_000

async function caughtUp(pipelines: Running, clock: Clock): Promise<void> {
  const endMs = clock.monotonic() + catchUpMsMax
  const never = new AbortController().signal
  const isBehind = (): boolean =>
    pipelines.status().some(({ inputs }) => inputs.some(({ lag }) => lag > 0))
  while (isBehind() && clock.monotonic() < endMs) await pause(clock, 20, never)
}

function firstFailure(parts: readonly Promise<void>[]): Promise<never> {
  const failed = new Promise<never>((_, reject) => {
    for (const part of parts) part.catch(reject)
  })
  failed.catch(() => {}) // looked at with the signals; alone it must not end the process
  return failed
}
