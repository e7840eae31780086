import assert from 'node:assert/strict'
import { test } from 'vitest'
import { systemClock, VirtualClock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import { defineSourceConformance } from '../source.conformance.ts'
import { openMachineProbe, parseDiskStats, parseNetDev } from './machine.ts'
import type { MachineProbe, MachineReading } from './machine.ts'
import { machineVitals } from './vitals.ts'
import { seededRandom } from '../../core/random.ts'
import type { Vitals, VitalsPosition } from './vitals.ts'

/**
 * A machine whose second core is half at work, that reads 1000 and writes 500 bytes between
 * readings.
 */
function madeUpProbe(
  opened: { count: number },
  change: Partial<MachineReading> = {},
): MachineProbe {
  let n = 0
  opened.count += 1
  return {
    host: 'here',
    read() {
      n += 1
      return {
        cores: [
          { busyMs: 0, totalMs: n * 250 },
          { busyMs: n * 125, totalMs: n * 250 },
        ],
        load1: 0.5,
        memoryUsedBytes: 250,
        memoryTotalBytes: 1000,
        loopDelayMeanMs: 1.2345,
        loopDelayMaxMs: 7,
        rssBytes: 42,
        processCpuMs: n * 25,
        disk: { inBytes: n * 1000, outBytes: n * 500 },
        ...change,
      }
    },
    close() {
      opened.count -= 1
    },
  }
}

const random = seededRandom(1)

async function samples(
  clock: VirtualClock,
  count: number,
  options: { from?: VitalsPosition; probe?: () => MachineProbe },
): Promise<{ value: Vitals; time: number; key: unknown; position: VitalsPosition }[]> {
  const source = machineVitals({ probe: options.probe ?? (() => madeUpProbe({ count: 0 })) })
  const seen = []
  const stopping = new AbortController()
  const iterator = source
    .open(options.from ?? null, { signal: stopping.signal, clock, random, notice: () => {} })
    [Symbol.asyncIterator]()
  while (seen.length < count) {
    const next = iterator.next()
    await systemClock.nextTurn()
    clock.advance(250)
    const { done, value } = await next
    assert.notEqual(done, true)
    const [record] = value.records
    assert.ok(record !== undefined)
    const text = record.value as string
    seen.push({
      value: JSON.parse(text) as Vitals,
      time: record.time,
      key: record.key,
      position: value.position,
    })
  }
  stopping.abort()
  await iterator.return?.()
  return seen
}

defineSourceConformance<VitalsPosition>(test, {
  name: 'vitals',
  source: () => machineVitals({ probe: () => madeUpProbe({ count: 0 }) }),
  compare: (a, b) => a.sample - b.sample,
  stepMs: 250,
  batchesMax: 10,
  openLog: openMemoryLog,
})

test('a sample holds shares and rates since the one before', async () => {
  const [first] = await samples(new VirtualClock(1_000_000), 1, {})
  assert.deepEqual(first, {
    key: 'here',
    time: 1_000_250,
    position: { sample: 1 },
    value: {
      host: 'here',
      at: '1970-01-01T00:16:40.250Z',
      sample: 1,
      cpu: 0.25,
      cores: [0, 0.5],
      load: 0.5,
      memory: 0.25,
      memoryUsedBytes: 250,
      memoryTotalBytes: 1000,
      loopDelayMeanMs: 1.235,
      loopDelayMaxMs: 7,
      diskReadPerSecond: 4000,
      diskWrittenPerSecond: 2000,
      processBytes: 42,
      processCpu: 0.1,
    },
  })
})

test('samples are 250 ms apart and numbered on over restarts', async () => {
  const seen = await samples(new VirtualClock(0), 3, { from: { sample: 7 } })
  assert.deepEqual(
    seen.map(({ time, position }) => [time, position.sample]),
    [
      [250, 8],
      [500, 9],
      [750, 10],
    ],
  )
})

test('what the system does not count is missing, not zero', async () => {
  const probe = (): MachineProbe => {
    const { disk: _, ...reading } = madeUpProbe({ count: 0 }).read()
    return { host: 'elsewhere', read: () => reading, close() {} }
  }
  const [first] = await samples(new VirtualClock(0), 1, { probe })
  assert.equal('diskReadPerSecond' in (first?.value ?? {}), false)
  assert.equal('networkInPerSecond' in (first?.value ?? {}), false)
  assert.equal(first?.value.cpu, 0) // the counters stood still
})

test('the probe is closed with the source', async () => {
  const opened = { count: 0 }
  await samples(new VirtualClock(0), 2, { probe: () => madeUpProbe(opened) })
  assert.equal(opened.count, 0)
})

test('every of 0 is refused', () => {
  assert.throws(
    () => machineVitals({ every: '0ms' }),
    (thrown) => isCode(thrown, 'invalid-argument'),
  )
})

test('this machine can be read', () => {
  const probe = openMachineProbe()
  try {
    const { cores, memoryTotalBytes, memoryUsedBytes, rssBytes } = probe.read()
    assert.ok(cores.length > 0 && cores.every(({ busyMs, totalMs }) => busyMs <= totalMs))
    assert.ok(memoryUsedBytes > 0 && memoryUsedBytes <= memoryTotalBytes)
    assert.ok(rssBytes > 1_000_000)
    assert.equal('network' in probe.read(), process.platform === 'linux')
  } finally {
    probe.close()
  }
})

test('whole disks count, partitions, loops and mapped devices do not', () => {
  const text = `   7       0 loop0 10 0 99 0 0 0 99 0 0 0 0
 259       0 nvme0n1 5 0 100 7 3 0 50 9 0 1 1
 259       1 nvme0n1p1 5 0 100 7 3 0 50 9 0 1 1
   8       0 sda 5 0 2 7 3 0 4 9 0 1 1
   8       1 sda1 5 0 2 7 3 0 4 9 0 1 1
 253       0 dm-0 5 0 100 7 3 0 50 9 0 1 1
`
  assert.deepEqual(parseDiskStats(text), { inBytes: 102 * 512, outBytes: 54 * 512 })
})

test('all interfaces but loopback count', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets
    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0
  eth0: 10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0
 wlan0:5 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0
`
  assert.deepEqual(parseNetDev(text), { inBytes: 15, outBytes: 27 })
})
