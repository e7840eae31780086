/**
 * This machine's vital signs, sampled at a steady pace: one JSON record a sample, its key the
 * host's name, its time the time of sampling.
 *
 * Live, not replayable: nobody can sample yesterday. What is committed is in the topic once; while
 * the program does not run there are no samples, and `sample` goes on where it stood.
 */
import type { Clock } from '../../core/clock.ts'
import { durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import { pause } from '../pause.ts'
import type { Source, SourceBatch } from '../source.ts'
import { openMachineProbe } from './machine.ts'
import type { ByteCounters, CpuTimes, MachineProbe, MachineReading } from './machine.ts'

/** The value of one record. Shares are 0 to 1, rates are over the time since the sample before. */
export interface Vitals {
  readonly host: string
  /** Time of sampling, ISO 8601. */
  readonly at: string
  /** Number of the sample, from 1, over all runs. */
  readonly sample: number
  /** Share of all cores at work. */
  readonly cpu: number
  /** Share of each core. */
  readonly cores: readonly number[]
  /** Mean number of runnable tasks over the last minute. */
  readonly load: number
  /** Share of memory in use. */
  readonly memory: number
  readonly memoryUsedBytes: number
  readonly memoryTotalBytes: number
  /** How late this process's timers were since the sample before, ms. */
  readonly loopDelayMeanMs: number
  readonly loopDelayMaxMs: number
  /** Bytes a second; Linux only, missing elsewhere. */
  readonly diskReadPerSecond?: number
  readonly diskWrittenPerSecond?: number
  readonly networkInPerSecond?: number
  readonly networkOutPerSecond?: number
  /** Memory of this process, and its share of one core. */
  readonly processBytes: number
  readonly processCpu: number
}

export interface VitalsOptions {
  /** Time between samples. Default 250 ms. */
  readonly every?: Duration
  /** Reads the machine; opened with the source, closed with it. Default: this machine's. */
  readonly probe?: () => MachineProbe
}

/** How many samples were committed. */
export interface VitalsPosition {
  readonly sample: number
}

/**
 * The vital signs of this machine as a source named `vitals`.
 * @throws `invalid-duration` · `invalid-argument` for `every` of 0
 */
export function machineVitals(options: VitalsOptions = {}): Source<VitalsPosition> {
  const { every = '250ms', probe = openMachineProbe } = options
  const everyMs = durationMs(every, 'every')
  if (everyMs === 0) {
    throw new MillraceError('invalid-argument', `samples cannot be taken every ${every}`, {
      hint: "give a time above 0: '250ms'",
    })
  }
  return {
    kind: 'source',
    name: 'vitals',
    type: 'vitals',
    replayable: false,
    open: (position, { clock, signal }) =>
      sample({ clock, everyMs, probe }, position?.sample ?? 0, signal),
  }
}

interface Sampling {
  readonly clock: Clock
  readonly everyMs: number
  readonly probe: () => MachineProbe
}

async function* sample(
  { clock, everyMs, probe: openProbe }: Sampling,
  sampledBefore: number,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch<VitalsPosition>, void> {
  const probe = openProbe()
  try {
    let before = { reading: probe.read(), atMs: clock.monotonic() }
    let dueMs = before.atMs + everyMs
    for (let count = sampledBefore + 1; ; count += 1) {
      await pause(clock, dueMs - clock.monotonic(), signal)
      if (signal.aborted) return
      const now = { reading: probe.read(), atMs: clock.monotonic() }
      const time = clock.now()
      const value = vitalsOf(before.reading, now.reading, {
        host: probe.host,
        at: new Date(time).toISOString(),
        sample: count,
        elapsedMs: now.atMs - before.atMs,
      })
      yield {
        records: [{ key: probe.host, value: JSON.stringify(value), time }],
        position: { sample: count },
      }
      before = now
      // A sample that was held up is not made good by a burst: the pace goes on from now.
      dueMs = Math.max(dueMs + everyMs, clock.monotonic())
    }
  } finally {
    probe.close()
  }
}

function vitalsOf(
  before: MachineReading,
  now: MachineReading,
  { elapsedMs, ...place }: { host: string; at: string; sample: number; elapsedMs: number },
): Vitals {
  const cores = now.cores.map((core, i) => busyShare(before.cores[i], core))
  const seconds = Math.max(elapsedMs, 1) / 1000
  return {
    ...place,
    cpu: round(cores.reduce((sum, share) => sum + share, 0) / Math.max(1, cores.length)),
    cores: cores.map(round),
    load: round(now.load1),
    memory: round(now.memoryUsedBytes / now.memoryTotalBytes),
    memoryUsedBytes: now.memoryUsedBytes,
    memoryTotalBytes: now.memoryTotalBytes,
    loopDelayMeanMs: round(now.loopDelayMeanMs),
    loopDelayMaxMs: round(now.loopDelayMaxMs),
    ...rates('disk', before.disk, now.disk, seconds),
    ...rates('network', before.network, now.network, seconds),
    processBytes: now.rssBytes,
    processCpu: round((now.processCpuMs - before.processCpuMs) / 1000 / seconds),
  }
}

/** 0 where no tick was counted, or the core was not there before. */
function busyShare(before: CpuTimes | undefined, now: CpuTimes): number {
  const total = now.totalMs - (before?.totalMs ?? now.totalMs)
  return total <= 0 ? 0 : Math.min(1, Math.max(0, now.busyMs - (before?.busyMs ?? 0)) / total)
}

function rates(
  kind: 'disk' | 'network',
  before: ByteCounters | undefined,
  now: ByteCounters | undefined,
  seconds: number,
): Partial<Vitals> {
  if (before === undefined || now === undefined) return {}
  // A device that went away takes its count along; a rate is never negative.
  const rate = (from: number, to: number): number => Math.max(0, Math.round((to - from) / seconds))
  const incoming = rate(before.inBytes, now.inBytes)
  const outgoing = rate(before.outBytes, now.outBytes)
  return kind === 'disk'
    ? { diskReadPerSecond: incoming, diskWrittenPerSecond: outgoing }
    : { networkInPerSecond: incoming, networkOutPerSecond: outgoing }
}

/** Three digits after the point: shorter records, and no one reads more. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
