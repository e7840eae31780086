/** Files of ours that somebody or something else has changed: the data file, copies of state. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder } from '../../../src/log/batch.ts'
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { LocalCopy } from '../../../src/log/kafka/session/local-copy.ts'
import type { Log, TaskSpec } from '../../../src/log/log.ts'
import { must } from '../target.ts'
import type { Subject, Target } from '../target.ts'

const spec: TaskSpec = {
  pipeline: 'p',
  task: '0',
  inputs: [{ topic: 'in', partition: 0 }],
  startAt: ['earliest'],
}

function blockOf(from: number, count: number): Uint8Array {
  const builder = new BatchBuilder()
  for (let i = from; i < from + count; i++) builder.add(`k${i % 7}`, `value ${i}`, 1000 + i)
  return builder.finish()
}

/** What is said of topics and groups: of each number whether it is what somebody wrote. */
async function shown(log: Log): Promise<string> {
  const groups = (await log.groups()).map(({ group, offsets }) => ({ group, offsets }))
  return JSON.stringify([await log.listTopics(), groups])
}

/**
 * A log with something in every table, all of it in the main file but the newest commits.
 * @param states is given what there was after each commit: a WAL that is cut gives an earlier one
 */
async function fill(dir: string, states: Set<string>): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog({ dir, writer: 'inline' })
  const note = async (): Promise<void> => void states.add(await shown(log))
  await note()
  await log.createTopic('in', { partitions: 2 })
  await note()
  await log.createTopic('table', { cleanup: 'compact' })
  await note()
  for (let i = 0; i < 4; i++) {
    const at = { partition: 0, bytes: blockOf(i * 50, 50) }
    await log.append([
      { topic: 'in', ...at },
      { topic: 'table', ...at },
    ])
    await note()
  }
  const session = await log.open(spec)
  for (let i = 1; i <= 4; i++) {
    const changelog = { bytes: Buffer.alloc(300, i), startsRound: i === 1, endsRound: false }
    const appends = [{ topic: 'in', partition: 1, bytes: blockOf(1000 + i, 1) }]
    await session.commit({ offsets: [i * 20], appends, changelog })
    await note()
  }
  await log.commitGroup('group', [{ topic: 'in', partition: 0, offset: 7 }])
  await session.close()
  await note()
  await log.close() // moves the WAL into the main file
  const again = await openEmbeddedLog({ dir, writer: 'inline' })
  await again.append([{ topic: 'in', partition: 0, bytes: blockOf(500, 2) }])
  states.add(await shown(again))
  await again.commitGroup('group', [{ topic: 'in', partition: 1, offset: 1 }])
  states.add(await shown(again))
  return again
}

/**
 * An input is a list of changes, 8 bytes each: u8 what, u8 value, u16 length, u32 place. Bit 7 of
 * `what` chooses the WAL.
 */
const entryBytes = 8

function change(files: readonly Buffer[], entries: Buffer): Buffer[] {
  const changed = files.map((file) => Buffer.from(file))
  for (let at = 0; at + entryBytes <= entries.length; at += entryBytes) {
    const kind = entries[at] ?? 0
    const i = kind >= 128 ? 1 : 0
    const file = changed[i] ?? Buffer.alloc(0)
    if (file.length === 0) continue
    const value = entries[at + 1] ?? 0
    const length = 1 + (entries.readUInt16LE(at + 2) % 20_000)
    const place = placeIn(file, entries.readUInt32LE(at + 4))
    const end = Math.min(file.length, place + length)
    if (kind % 5 === 0) changed[i] = file.subarray(0, place)
    else if (kind % 5 === 1) file.fill(value, place, end)
    else if (kind % 5 === 2) file[place] = (file[place] ?? 0) ^ (1 << (value & 7))
    else if (kind % 5 === 3) file.copy(file, place, (value << 10) % file.length, end - place)
    else file[place] = value
  }
  return changed
}

/** One of the bytes that are not zero: most are, and nobody reads them. */
function placeIn(file: Buffer, number: number): number {
  let place = number % file.length
  while (file[place] === 0 && place < file.length - 1) place += 1
  return place
}

/** All that can be read is right, or refused. */
async function readBack(log: Log, states: ReadonlySet<string>): Promise<void> {
  const state = await shown(log)
  must(states.has(state), () => `topics and groups as they never were: ${state}`)
  for (const topic of ['in', 'table']) {
    const partition = 0
    const { partitions } = await log.describeTopic(topic)
    const offset = Math.max(0, partitions[0]?.startOffset ?? 0)
    const reader = await log.openReader([{ topic, partition, offset }])
    try {
      let last = -1
      for (let batch = reader.poll(0); batch !== null; batch = reader.poll(0)) {
        for (let i = batch.first; i < batch.count; i++) {
          const text = batch.value(i)?.toString() ?? ''
          must(/^value \d{1,3}$/.test(text), () => `a value that nobody wrote: ${text}`)
          must(batch.offset(i) > last, () => `offset ${batch.offset(i)} comes after ${last}`)
          last = batch.offset(i)
        }
      }
    } finally {
      await reader.close()
    }
    await log.offsetAtTime(topic, partition, 1020)
  }
}

async function goOn(log: Log): Promise<void> {
  const session = await log.open(spec)
  for await (const blob of session.restore()) void blob
  const changelog = { bytes: Buffer.alloc(10), startsRound: false, endsRound: false }
  const appends = [{ topic: 'in', partition: 1, bytes: blockOf(5, 1) }]
  await session.commit({ offsets: [session.endOffset(0)], appends, changelog })
  await session.close()
  await log.append([{ topic: 'in', partition: 0, bytes: blockOf(900, 2) }])
}

const names = ['millrace.db', 'millrace.db-wal']

async function openDataFile(): Promise<Subject> {
  const base = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'))
  const files: Buffer[] = []
  const states = new Set<string>()
  const log = await fill(join(base, 'log'), states)
  // Copied while it is open: closing moves the WAL into the main file.
  for (const name of names) files.push(readFileSync(join(base, 'log', name)))
  await log.close()
  let number = 0
  return {
    async run(bytes) {
      const dir = join(base, String(number++))
      mkdirSync(dir)
      for (const [i, file] of change(files, bytes).entries()) {
        writeFileSync(join(dir, names[i] ?? ''), file)
      }
      try {
        const damaged = await openEmbeddedLog({ dir, writer: 'inline', busyMs: 50 })
        try {
          await readBack(damaged, states)
          await goOn(damaged)
        } finally {
          await damaged.close()
        }
      } finally {
        rmSync(dir, { recursive: true, force: true })
      }
    },
    close: () => rmSync(base, { recursive: true, force: true }),
  }
}

const identity = { clusterId: 'c', topicId: 't', topic: 'changelog', partition: 0 }

function openCopy(): Subject {
  const base = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'))
  const options = {
    directory: join(base, 'copy'),
    identity,
    from: 3,
    onFailure: (thrown: unknown) => must(false, () => `it fails: ${String(thrown)}`),
  }
  const kept: Buffer[] = []
  const seedReady = (async () => {
    const copy = await LocalCopy.open(options)
    for (let i = 0; i < 4; i++) {
      copy.append({ base: 3 + i * 2, to: 5 + i * 2, bytes: Buffer.alloc(200, i) })
    }
    await copy.close()
    for (const name of readdirSync(options.directory)) {
      kept.push(readFileSync(join(options.directory, name)))
    }
  })()
  return {
    async run(bytes) {
      await seedReady
      const [file = Buffer.alloc(0)] = change(kept, bytes)
      writeFileSync(join(options.directory, '0000000000000003.copy'), file)
      const copy = await LocalCopy.open(options)
      if (copy.end !== null) {
        let to = 3
        for await (const entry of copy.read(3)) {
          must(entry.base === to && entry.to === to + 2, () => `${entry.base} follows ${to}`)
          const wanted = Buffer.alloc(200, (entry.base - 3) / 2)
          must(wanted.equals(entry.bytes), () => 'a blob that nobody wrote')
          to = entry.to
        }
        must(to === copy.end, () => `it ends at ${to}, not at ${copy.end}`)
      }
      await copy.close()
    },
    close: () => rmSync(base, { recursive: true, force: true }),
  }
}

function entry(what: number, value: number, length: number, place: number): Buffer {
  const bytes = Buffer.alloc(entryBytes)
  bytes[0] = what
  bytes[1] = value
  bytes.writeUInt16LE(length, 2)
  bytes.writeUInt32LE(place, 4)
  return bytes
}

const changes: readonly Buffer[] = [
  Buffer.alloc(0),
  entry(2, 3, 1, 20_000),
  entry(1, 0, 5000, 100_000),
  entry(0, 0, 0, 50_000),
  entry(130, 1, 1, 70_000),
  entry(125, 0, 0, 60_000),
  entry(4, 7, 1, 16),
  entry(3, 9, 16_384, 32_768),
]

export const fileTargets: readonly Target[] = [
  {
    name: 'file/data',
    seeds: changes,
    codes: [
      ...(['log-damaged', 'log-version', 'log-failed', 'log-read-only', 'log-busy'] as const),
      ...(['unknown-topic', 'unknown-partition', 'offset-out-of-range'] as const),
      ...(['commit-unknown', 'disk-full', 'record-too-large', 'task-fenced'] as const),
    ],
    bytesMax: 80,
    allocationMax: 200 << 20,
    open: openDataFile,
  },
  { name: 'file/copy', seeds: changes, codes: [], bytesMax: 80, open: openCopy },
]
