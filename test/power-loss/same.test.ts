/** The same steps on the real embedded log and on its model leave what both may leave. */
import assert from 'node:assert/strict'
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { openDiskLog } from '../../src/testing/simulate/disk/disk-log.ts'
import { DiskModel } from '../../src/testing/simulate/disk/disk-model.ts'
import { DiskStorage } from '../../src/testing/simulate/disk/disk-storage.ts'
import { Disk } from './disk.ts'
import { compileRecorder, dataName, recordVictim, writeImage } from './recording.ts'
import type { Skipped } from './recording.ts'
import { appendStep, sameCases, topic, valuesIn } from './same-steps.ts'
import type { SameCase } from './same-steps.ts'
import type { Loss } from './torn.ts'

const losses: readonly Loss[] = ['none', 'none', 'all', 'writes', 'sectors', 'prefix']
const seeds = Array.from({ length: 24 }, (_, seed) => seed)
let dir = ''
let library: string | Skipped = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-same-'))
  library = compileRecorder(dir)
})
afterAll(() => rmSync(dir, { recursive: true }))

/** What is there in the end, and what was last seen by an opening before: that must be in it. */
interface Left {
  readonly values: string
  readonly seen: string
}

function check({ title, allowed }: SameCase, { values, seen }: Left): void {
  assert.ok(allowed.includes(values), `${title}: '${values}' is not of '${allowed.join("', '")}'`)
  assert.ok(values.startsWith(seen), `${title}: '${seen}' was seen, '${values}' is left`)
}

async function onModel({ steps }: SameCase, seed: number): Promise<Left> {
  let fails = false
  const disk = new DiskModel({
    random: seededRandom(seed),
    meet: (step) => {
      if (!fails || step !== 'sync') return null
      fails = false
      return 'fails'
    },
  })
  const storage = new DiskStorage({ disk })
  let log = await openDiskLog({ storage })
  await log.createTopic(topic, { recordBytesMax: 8 << 20 })
  let seen = ''
  for (const step of steps) {
    if (step === 'die' || step === 'close') {
      await (step === 'die' ? log.crash() : log.close())
      log = await openDiskLog({ storage })
      seen = await valuesIn(log)
      continue
    }
    fails = step.startsWith('fails')
    if (step.startsWith('full')) disk.bytesMax = disk.bytes + 1000
    // It cuts off first what is in doubt; while that fails nothing is written.
    await appendStep(log, step, ['commit-unknown', 'log-failed'])
    disk.bytesMax = Number.POSITIVE_INFINITY
  }
  disk.losePower()
  log = await openDiskLog({ storage })
  const values = await valuesIn(log)
  await log.close()
  return { values, seen }
}

/** One recording, and of it a disk for each seed. */
async function onReal({ steps }: SameCase, recorder: string): Promise<Left[]> {
  const events = await recordVictim({
    library: recorder,
    dir: join(dir, 'recording'),
    before: new Map(),
    lies: null,
    victim: fileURLToPath(new URL('same-victim.ts', import.meta.url)),
    args: steps,
    seed: 0,
  })
  const left: Left[] = []
  for (const seed of seeds) {
    const random = seededRandom(seed)
    const disk = new Disk(new Map(), random)
    let seen = ''
    for (const event of events) {
      disk.apply(event)
      if (event.kind === 'note') seen = JSON.parse(event.text) as string
    }
    const loss = losses[seed % losses.length] as Loss
    const root = join(dir, 'image')
    mkdirSync(root)
    writeImage(root, disk.cut({ loss, random, sectorBytes: 512 }))
    const log = await openEmbeddedLog({ dir: join(root, dataName), writer: 'inline' })
    left.push({ values: await valuesIn(log), seen })
    await log.close()
    rmSync(root, { recursive: true })
  }
  return left
}

describe.each(sameCases)('L5 $title', (one) => {
  test('on the model', async () => {
    for (const seed of seeds) check(one, await onModel(one, seed))
  })

  test('on the real log', async (context) => {
    if (typeof library !== 'string') return context.skip(library.skipped)
    for (const left of await onReal(one, library)) check(one, left)
  })
})
