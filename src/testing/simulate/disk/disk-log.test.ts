/** What the model of the embedded log promises on a disk that fails, case by case. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import { seededRandom } from '../../../core/random.ts'
import { batchOf, taskOf } from '../../../log/conformance/log-probe.ts'
import { type DiskLog, openDiskLog } from './disk-log.ts'
import { type DiskFault, DiskModel, type DiskStep } from './disk-model.ts'
import { DiskStorage } from './disk-storage.ts'

const clock = new VirtualClock(0)
let armed: Partial<Record<DiskStep, DiskFault>> = {}
let disk: DiskModel
let storage: DiskStorage
let log: DiskLog

beforeEach(async () => {
  armed = {}
  disk = new DiskModel({ random: seededRandom(1), meet: (step) => armed[step] ?? null })
  storage = new DiskStorage({ disk })
  log = await openDiskLog({ storage, clock })
  await log.createTopic('t')
  await log.append([batchOf('t', 0, 'a')])
})

async function endOffset(of: DiskLog = log): Promise<number | undefined> {
  return (await of.describeTopic('t')).partitions[0]?.endOffset
}

const append = (value: string): Promise<unknown> => log.append([batchOf('t', 0, value)])

test('L5 acknowledged is kept when the power goes, and the old handle is of no use', async () => {
  disk.losePower()
  await assert.rejects(append('b'), { code: 'log-closed' })
  const next = await openDiskLog({ storage, clock })
  assert.equal(await endOffset(next), 1)
})

test('L2 a sync that failed: unknown, not seen; the log goes on when the disk does', async () => {
  armed = { sync: 'fails' }
  await assert.rejects(append('b'), { code: 'commit-unknown', outcome: 'unknown' })
  assert.equal(await endOffset(), 1)
  await assert.rejects(append('c'), { code: 'log-failed', outcome: 'not-applied' })
  armed = {}
  await append('d')
  assert.equal(await endOffset(), 2)
  disk.losePower()
  assert.equal(await endOffset(await openDiskLog({ storage, clock })), 2)
})

test('L1 a sync that failed, then the process dies: what is found is there to stay', async () => {
  armed = { sync: 'fails' }
  await assert.rejects(append('b'), { code: 'commit-unknown' })
  armed = {}
  await log.crash()
  const next = await openDiskLog({ storage, clock })
  assert.equal(await endOffset(next), 2, 'it was in the cache')
  disk.losePower()
  assert.equal(await endOffset(await openDiskLog({ storage, clock })), 2)
})

test('L1 a full disk: nothing is applied, and it works again when there is room', async () => {
  disk.bytesMax = disk.bytes + 100
  await assert.rejects(append('b'), { code: 'disk-full', outcome: 'not-applied' })
  assert.equal(await endOffset(), 1)
  disk.bytesMax = Number.POSITIVE_INFINITY
  await append('c')
  assert.equal(await endOffset(), 2)
})

test('a disk that fails at the opening: nothing is open, the next one may succeed', async () => {
  await log.close()
  armed = { sync: 'fails' }
  await assert.rejects(openDiskLog({ storage, clock }), { code: 'log-failed' })
  armed = {}
  assert.equal(await endOffset(await openDiskLog({ storage, clock })), 1)
})

test('after a power loss processes that open it at the same time share it', async () => {
  disk.losePower()
  const open = (): Promise<DiskLog> => openDiskLog({ storage, clock })
  const [one, other] = await Promise.all([open(), open()])
  await one.append([batchOf('t', 0, 'b')])
  assert.equal(await endOffset(other), 2)
})

test('C7 a process that died runs its pipeline no more, one that lives does', async () => {
  const other = await openDiskLog({ storage, clock })
  const join = { pipeline: 'p', tasks: ['main/0'], takeOver: false }
  await log.join(join)
  const session = await log.open(taskOf())
  await assert.rejects(other.join(join), { code: 'pipeline-running' })
  await assert.rejects(other.commitGroup('p', []), { code: 'pipeline-running' })
  await assert.rejects(other.deleteGroup('p'), { code: 'pipeline-running' })
  await log.crash()
  await assert.rejects(session.commit({ offsets: [1], appends: [], changelog: null }), {
    code: 'log-closed',
  })
  await other.join(join)
})
