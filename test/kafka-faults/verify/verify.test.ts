/**
 * The verifier is tested on what a run on a log in memory leaves: that is right as it is, and each
 * fault planted in it must be found.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BatchBuilder, openLog, run } from '../../../src/index.ts'
import type { Log } from '../../../src/index.ts'
import { partitionOfText } from '../../../src/log/partitioner.ts'
import { Input } from '../input.ts'
import { partitions, pipelineName, pipelines, salesTopic, shipmentsTopic } from '../scenario.ts'
import type { Fault } from './difference.ts'
import { differenceLine } from './difference.ts'
import { escaped, readAcknowledged, readDump } from './dump-file.ts'
import { verify } from './verify.ts'
import type { Verdict } from './verify.ts'

/** One of the closing sales is then refused: the windows before it must close all the same. */
const records = 3003
let directory: string
/** Lines of the dump and of the acknowledgements, as a run that nobody disturbs leaves them. */
let right: { readonly dump: readonly string[]; readonly acknowledged: readonly string[] }

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-verify-'))
  const log = await openLog({ log: 'memory' })
  const acknowledged = await fill(log)
  const running = await run(pipelines, {
    log,
    name: pipelineName,
    tasks: 'per-partition',
    signals: false,
  })
  await settled(log)
  await running.stop()
  const dump: string[] = []
  for (const { name } of await log.listTopics()) {
    if (!name.endsWith('.repartition')) dump.push(...(await linesOf(log, name)))
  }
  await log.close()
  right = { dump, acknowledged }
}, 40_000)

afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('what an undisturbed run leaves is right', async () => {
  const { differences, inputs, outputs } = await judge([...right.dump])
  expect(differences.map(differenceLine)).toEqual([])
  expect(inputs).toBe(records + 2 * partitions)
  // Useful work: an empty output could not be wrong.
  const sales = (records * 2) / 3 + partitions
  expect(outputs['running']).toBe(sales - (outputs['sales.dead'] ?? 0))
  expect(outputs['counts']).toBe(outputs['running'])
  for (const name of ['windows', 'joined', 'sales.dead']) expect(outputs[name]).toBeGreaterThan(15)
})

const outputs = ['running', 'counts', 'windows', 'joined', 'sales.dead']
const inOrder = ['running', 'counts', 'windows']

test.each(outputs)('a lost record of %s is found', async (topic) => {
  const lines = [...right.dump]
  lines.splice(someLine(lines, topic), 1)
  await expectFault(lines, topic, 'lost')
})

test.each(outputs)('a record twice in %s is found', async (topic) => {
  const lines = [...right.dump]
  const at = someLine(lines, topic)
  lines.splice(
    at + 1,
    0,
    changed(lines[at], 2, (offset) => String(Number(offset) + 0.5)),
  )
  await expectFault(lines, topic, 'twice')
})

test.each(inOrder)('two records of a key that changed places in %s are found', async (topic) => {
  const lines = [...right.dump]
  const first = someLine(lines, topic)
  const key = field(lines[first], 4)
  const second = lines.findIndex(
    (line, i) => i > first && field(line, 0) === topic && field(line, 4) === key,
  )
  const [a = '', b = ''] = [lines[first], lines[second]]
  lines[first] = changed(a, 5, () => field(b, 5))
  lines[second] = changed(b, 5, () => field(a, 5))
  const { differences } = await judge(lines)
  expect(differences[0]).toMatchObject({ fault: 'order', topic })
})

test.each(['running', 'counts', 'windows', 'joined'])(
  'an altered record of %s is found',
  async (topic) => {
    const lines = [...right.dump]
    const at = someLine(lines, topic)
    const word = topic === 'joined' ? 'order' : 'sales'
    lines[at] = changed(lines[at], 5, (value) => value.replace(`"${word}":`, `"${word}":1`))
    if (topic === 'joined') {
      lines[at] = changed(lines[at], 5, (value) => value.replace(/"order":1"[^"]*"/, '"order":"x"'))
    }
    await expectFault(lines, topic, 'altered')
  },
)

test('an altered dead letter is found', async () => {
  const lines = [...right.dump]
  const at = someLine(lines, 'sales.dead')
  lines[at] = changed(lines[at], 5, (value) => value.replace('"amount":', '"amount":9'))
  await expectFault(lines, 'sales.dead', 'altered')
})

test.each(['windows', 'joined'])('a record of %s under another key is found', async (topic) => {
  const lines = [...right.dump]
  const at = someLine(lines, topic)
  lines[at] = changed(lines[at], 4, () => 'another')
  await expectFault(lines, topic, 'altered')
})

test('a late record is found, and a dead one that should have passed', async () => {
  for (const topic of ['sales.late', 'shipments.dead']) {
    await expectFault([...right.dump, `${topic}\t0\t0\t0\tk\tv\t`], topic, 'unexpected')
  }
})

test('an acknowledged record that is not in the input is found', async () => {
  const lines = [...right.dump]
  lines.splice(someLine(lines, shipmentsTopic), 1)
  const { differences } = await judge(lines)
  expect(differences[0]).toMatchObject({ fault: 'lost', topic: shipmentsTopic, at: 'acknowledged' })
})

test('a record that was not acknowledged may be in the input', async () => {
  const { differences } = await judge([...right.dump], right.acknowledged.slice(10))
  expect(differences).toEqual([])
})

test('a record twice in the input is found, and two that changed places', async () => {
  const lines = [...right.dump]
  const at = someLine(lines, shipmentsTopic)
  lines.push(changed(lines[at], 2, () => '99999999'))
  const { differences } = await judge(lines)
  expect(differences.map(({ fault, topic }) => [topic, fault])).toContainEqual([
    shipmentsTopic,
    'twice',
  ])
  expect(differences.map(({ fault }) => fault)).toContain('order')
})

test('fields keep tabs, line ends, backslashes and null', async () => {
  const file = join(directory, 'fields.tsv')
  const value = 'a\tb\nc\\t\r\\0'
  const fields = ['t', '1', '2', '3', escaped(null), escaped(value), escaped('n=x=y\u001fm=')]
  writeFileSync(file, `${fields.join('\t')}\n`)
  const dump = await readDump(file)
  const headers = { n: 'x=y', m: '' }
  expect(dump.get('t')).toEqual([
    { topic: 't', partition: 1, offset: 2, timeMs: 3, key: null, value, headers },
  ])
})

async function judge(
  dump: readonly string[],
  acknowledged: readonly string[] = right.acknowledged,
): Promise<Verdict> {
  const files = [join(directory, 'dump.tsv'), join(directory, 'acknowledged.tsv')] as const
  writeFileSync(files[0], `${dump.join('\n')}\n`)
  writeFileSync(files[1], `${acknowledged.join('\n')}\n`)
  return verify(await readDump(files[0]), await readAcknowledged(files[1]))
}

/** The first difference is this one, at this topic; nothing else is blamed. */
async function expectFault(lines: readonly string[], topic: string, fault: Fault): Promise<void> {
  const { differences } = await judge(lines)
  expect(differences[0]).toMatchObject({ fault, topic })
  expect(new Set(differences.map((each) => each.topic))).toEqual(new Set([topic]))
}

/** A line of the topic, not its first: of a key that comes again. */
function someLine(lines: readonly string[], topic: string): number {
  const ofTopic = lines.flatMap((line, at) => (field(line, 0) === topic ? [at] : []))
  const keys = ofTopic.map((at) => field(lines[at], 4))
  const chosen = ofTopic.findIndex((_, i) => i >= 10 && keys.includes(keys[i] ?? '', i + 1))
  return ofTopic[chosen < 0 ? 3 : chosen] ?? -1
}

function field(line: string | undefined, index: number): string {
  return line?.split('\t')[index] ?? ''
}

function changed(line: string | undefined, index: number, to: (old: string) => string): string {
  return (line ?? '')
    .split('\t')
    .map((old, i) => (i === index ? to(old) : old))
    .join('\t')
}

/** Writes the input, and says what was written as the driver does. */
async function fill(log: Log): Promise<string[]> {
  const input = new Input({ seed: 7, startMs: 1_700_000_000_000, perSecond: 300 })
  const written: string[] = []
  for (const topic of [salesTopic, shipmentsTopic]) await log.createTopic(topic, { partitions })
  const add = async (entry: ReturnType<Input['next']>, partition: number): Promise<void> => {
    const { topic, key, value } = entry
    const builder = new BatchBuilder()
    builder.add(key, JSON.stringify(value), value.at)
    await log.append([{ topic, partition, bytes: builder.finish() }])
    written.push([topic, key, JSON.stringify(value)].map(escaped).join('\t'))
  }
  while (input.nextId < records) {
    const entry = input.next()
    await add(entry, partitionOfText(entry.key, partitions))
  }
  for (const { entry, partition } of input.closing()) await add(entry, partition)
  return written
}

/** Waits until the topics have stopped growing. */
async function settled(log: Log): Promise<void> {
  for (let before = -1, quiet = 0; quiet < 5; await pause(50)) {
    const topics = await log.listTopics()
    const ends = topics.flatMap((topic) => topic.partitions.map(({ endOffset }) => endOffset))
    const size = ends.reduce((all, end) => all + end, 0)
    quiet = size === before ? quiet + 1 : 0
    before = size
  }
}

async function linesOf(log: Log, topic: string): Promise<string[]> {
  const info = await log.describeTopic(topic)
  const starts = info.partitions.map(({ partition, startOffset }) => {
    return { topic, partition, offset: startOffset }
  })
  const reader = await log.openReader(starts)
  const lines: string[] = []
  for (const [input, { partition }] of starts.entries()) {
    for (let batch = reader.poll(input); batch !== null; batch = reader.poll(input)) {
      for (let i = batch.first; i < batch.count; i++) {
        const headers = batch.headers(i).map(({ name, value }) => `${name}=${String(value)}`)
        const texts = [batch.key(i), batch.value(i)].map((each) => each?.toString() ?? null)
        const fields = [topic, partition, batch.offset(i), batch.time(i)].map(String)
        lines.push([...fields, ...texts.map(escaped), escaped(headers.join('\u001f'))].join('\t'))
      }
    }
  }
  await reader.close()
  return lines
}
