/**
 * Power cuts: a process that runs the pipeline on the real embedded log is recorded, down to each
 * write and fsync; from the recording come the disks that a power cut at any moment could leave;
 * each of them is opened by the real log. All that had been acknowledged or read must be there, the
 * file must be whole, and the pipeline, run on to the end, must give the output of the plain
 * computation. Some recordings begin on such a disk.
 */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../../src/core/random.ts'
import type { Random } from '../../src/core/random.ts'
import type { TaskMode } from '../faults/scenario.ts'
import { Disk } from './disk.ts'
import type { Image } from './disk.ts'
import type { DiskEvent } from './journal.ts'
import { compileRecorder, dataName, recordVictim, writeImage } from './recording.ts'
import type { RecordingOptions, Skipped } from './recording.ts'
import { goOn } from './recovery.ts'
import type { Seen } from './seen.ts'
import type { CutOptions, Loss } from './torn.ts'

export interface PowerLossOptions {
  /** For data; removed by the caller. */
  readonly dir: string
  readonly seed: number
  readonly mode: TaskMode
  readonly images: number
  /** A fault planted in the log or in its disk, which the test must find. */
  readonly planted?: {
    readonly synchronous?: 'OFF' | 'NORMAL'
    readonly lies?: RecordingOptions['lies']
  }
}

export interface PowerLossReport {
  readonly recordings: number
  readonly images: number
  /** Images that more was acknowledged of than the creation of the log. */
  readonly atWork: number
  /** What the recordings did. */
  readonly writes: number
  readonly syncs: number
  /** Unsynced writes that an image had nothing of, or a part of. */
  readonly lost: number
  readonly torn: number
  /** Records in the images, all together, and results that were compared. */
  readonly records: number
  readonly results: number
}

const imagesPerRecording = 25
const stepsPerRecording = 30
/** A recording that begins on an image is the next one after it; every fourth begins anew. */
const chainLength = 4
const losses: readonly Loss[] = ['none', 'all', 'writes', 'sectors', 'sectors', 'prefix', 'prefix']

/** @throws an assertion error that names the seed and the image */
export async function powerLoss(options: PowerLossOptions): Promise<PowerLossReport | Skipped> {
  const { dir, seed, mode, planted = {} } = options
  const library = compileRecorder(dir)
  if (typeof library !== 'string') return library
  const random = seededRandom(seed)
  const total = { recordings: 0, images: 0, atWork: 0, writes: 0, syncs: 0 }
  const found = { lost: 0, torn: 0, records: 0, results: 0 }
  let before: Image = new Map()
  while (total.images < options.images) {
    if (total.recordings % chainLength === 0) before = new Map()
    const events = await recordVictim({
      library,
      dir: join(dir, 'recording'),
      before,
      lies: planted.lies ?? null,
      args: [
        mode,
        String(seed),
        String(random.int(0x7fff_ffff)),
        String(stepsPerRecording),
        planted.synchronous ?? 'FULL',
      ],
    })
    total.recordings += 1
    total.writes += events.filter(({ kind }) => kind === 'write').length
    total.syncs += events.filter(({ kind }) => kind === 'sync').length
    const disk = new Disk(before)
    const count = Math.min(imagesPerRecording, options.images - total.images)
    let at = 0
    let seen: Seen = { sales: 0, ends: {}, offsets: {} }
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
      const image = disk.cut(cut)
      const where = `recording ${total.recordings}, event ${moment} of ${events.length}`
      const place = `seed ${seed}, ${where}, unsynced: ${cut.loss}, sectors of ${cut.sectorBytes}`
      const root = join(dir, 'image')
      mkdirSync(root)
      writeImage(root, image)
      const after = await goOn(join(root, dataName), { seed, mode, seen, place })
      rmSync(root, { recursive: true })
      total.images += 1
      if (seen.sales > 0) total.atWork += 1
      found.records += after.records
      found.results += after.results
      before = image
    }
    found.lost += disk.counts.lost
    found.torn += disk.counts.torn
  }
  assert.ok(total.atWork * 2 > total.images, 'most power cuts must meet a log at work')
  return { ...total, ...found }
}

/** In order. Half of them anywhere, half just before or after something became safe. */
function moments(events: readonly DiskEvent[], count: number, random: Random): number[] {
  const syncs = events.flatMap(({ kind }, i) => (kind.startsWith('sync') ? [i] : []))
  return Array.from({ length: count }, (_, i) => {
    if (i % 2 === 0 || syncs.length === 0) return random.int(events.length + 1)
    return (syncs[random.int(syncs.length)] as number) + random.int(3)
  }).toSorted((a, b) => a - b)
}
