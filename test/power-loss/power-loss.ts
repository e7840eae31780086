/**
 * Power cuts: a process that runs a pipeline on the real embedded log is recorded, down to each
 * write and fsync; from the recording come the disks that a power cut at any moment could leave;
 * each of them is opened by the real log. All that had been acknowledged or read must be there, the
 * file must be whole, and the pipeline, run on to the end, must give what it gives undisturbed.
 * Some recordings begin on such a disk.
 */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../../src/core/random.ts'
import type { Random } from '../../src/core/random.ts'
import type { TaskMode } from '../faults/scenario.ts'
import { caseWorkload } from './cases.ts'
import { Disk } from './disk.ts'
import type { Image } from './disk.ts'
import type { DiskEvent } from './journal.ts'
import { compileRecorder, dataName, recordVictim, writeImage } from './recording.ts'
import type { RecordingOptions, Skipped } from './recording.ts'
import { salesWorkload } from './sales.ts'
import type { Seen } from './seen.ts'
import type { CutOptions, Loss } from './torn.ts'
import type { Workload } from './workload.ts'

export interface PowerLossOptions {
  /** For data; removed by the caller. */
  readonly dir: string
  readonly seed: number
  /** What the processes run: the pipeline of the kill rounds, or random ones. */
  readonly mode: TaskMode | 'random'
  readonly images: number
  /** Fsyncs fail now and then, and processes die of `kill -9`. Not with random pipelines. */
  readonly failing?: boolean
  /** A fault planted in the log or in its disk, which the test must find. */
  readonly planted?: {
    readonly synchronous?: 'OFF' | 'NORMAL'
    readonly lies?: RecordingOptions['lies']
  }
}

export interface PowerLossReport {
  readonly recordings: number
  readonly images: number
  /** Images of a log whose pipeline had committed. */
  readonly atWork: number
  /** What the recordings did. */
  readonly writes: number
  readonly syncs: number
  /** Unsynced writes that an image had nothing of, or a part of. */
  readonly lost: number
  readonly torn: number
  /** Fsyncs that failed before the cuts. */
  readonly failures: number
  /** Records in the images, all together, and results that were compared. */
  readonly records: number
  readonly results: number
}

const imagesPerRecording = 25
/** Recordings that begin each on an image of the one before. */
const chainLength = { sales: 4, random: 2 }
const losses: readonly Loss[] = ['none', 'all', 'writes', 'sectors', 'sectors', 'prefix', 'prefix']
const nothing: Seen = { ends: {}, offsets: {} }

/** @throws an assertion error that names the seed and the image */
export async function powerLoss(options: PowerLossOptions): Promise<PowerLossReport | Skipped> {
  const library = compileRecorder(options.dir)
  if (typeof library !== 'string') return library
  const random = seededRandom(options.seed)
  const total: Total = {
    recordings: 0,
    images: 0,
    atWork: 0,
    writes: 0,
    syncs: 0,
    lost: 0,
    torn: 0,
    failures: 0,
    records: 0,
    results: 0,
  }
  for (let chain = 0; total.images < options.images; chain++) {
    const workload = await workloadOf(options, chain)
    const length = options.mode === 'random' ? chainLength.random : chainLength.sales
    let before: Image = new Map()
    for (let i = 0; i < length && total.images < options.images; i++) {
      before = await recordAndCut({ ...options, library, workload, random, before }, total)
    }
    workload.end()
  }
  const isEnough = total.images < imagesPerRecording || total.atWork * 2 > total.images
  assert.ok(isEnough, `only ${total.atWork} of ${total.images} power cuts met a log at work`)
  return total
}

async function workloadOf(
  { dir, seed, mode, failing, planted }: PowerLossOptions,
  chain: number,
): Promise<Workload> {
  if (mode === 'random') return await caseWorkload(dir, (seed % 1_000_000) * 10_000 + chain)
  const synchronous = planted?.synchronous ?? 'FULL'
  return salesWorkload({ mode, seed, synchronous, failing: failing ?? false })
}

interface Total {
  recordings: number
  images: number
  atWork: number
  writes: number
  syncs: number
  lost: number
  torn: number
  failures: number
  records: number
  results: number
}

interface RecordAndCut extends PowerLossOptions {
  readonly library: string
  readonly workload: Workload
  readonly random: Random
  /** The disk at the start. */
  readonly before: Image
}

/** @returns the last image */
async function recordAndCut(options: RecordAndCut, total: Total): Promise<Image> {
  const { dir, library, workload, random, before, seed, planted } = options
  const events = await recordVictim({
    library,
    dir: join(dir, 'recording'),
    before,
    lies: planted?.lies ?? null,
    victim: workload.victim,
    args: workload.args,
    seed: random.int(0x7fff_ffff),
  })
  total.recordings += 1
  total.writes += events.filter(({ kind }) => kind === 'write').length
  total.syncs += events.filter(({ kind }) => kind === 'sync').length
  const disk = new Disk(before, random)
  const count = Math.min(imagesPerRecording, options.images - total.images)
  let at = 0
  let seen = nothing
  let image = before
  for (const moment of moments(events, count, random)) {
    for (; at < moment; at++) {
      const event = events[at] as DiskEvent
      disk.apply(event)
      if (event.kind === 'note') seen = JSON.parse(event.text) as Seen
    }
    const cut: CutOptions = {
      loss: losses[random.int(losses.length)] as Loss,
      sectorBytes: random.int(2) === 0 ? 512 : 4096,
      random,
    }
    image = disk.cut(cut)
    const where = `recording ${total.recordings}, event ${moment} of ${events.length}`
    const how = `unsynced: ${cut.loss}, sectors of ${cut.sectorBytes}`
    const root = join(dir, 'image')
    mkdirSync(root)
    writeImage(root, image)
    const place = `seed ${seed}, ${workload.name}, ${where}, ${how}`
    const after = await workload
      .goOn(join(root, dataName), seen, place)
      .catch((thrown: unknown) => {
        // As the power cut left it: the timing of a recording does not come again.
        mkdirSync(join(dir, 'failed'))
        writeImage(join(dir, 'failed'), image)
        throw thrown
      })
    rmSync(root, { recursive: true })
    total.images += 1
    if (Object.keys(seen.offsets).length > 0) total.atWork += 1
    total.records += after.records
    total.results += after.results
  }
  total.lost += disk.counts.lost
  total.torn += disk.counts.torn
  total.failures += disk.failures
  return image
}

/** In order. Half of them anywhere, half just before or after something became safe. */
function moments(events: readonly DiskEvent[], count: number, random: Random): number[] {
  const syncs = events.flatMap(({ kind }, i) => (kind.startsWith('sync') ? [i] : []))
  return Array.from({ length: count }, (_, i) => {
    if (i % 2 === 0 || syncs.length === 0) return random.int(events.length + 1)
    return (syncs[random.int(syncs.length)] as number) + random.int(3)
  }).toSorted((a, b) => a - b)
}
