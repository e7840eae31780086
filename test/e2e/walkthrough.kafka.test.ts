/** docs/walkthrough-kafka.md, typed in as it stands there, on a Kafka of its own. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blocksOf, readText, root } from '../docs/blocks.ts'
import { normalized, Walkthrough } from '../docs/walkthrough.ts'
import { kafkaTest } from '../kafka/broker.ts'
import { isCluster, KafkaCluster } from '../kafka/cluster.ts'

const path = 'docs/walkthrough-kafka.md'
const blocks = blocksOf(path, readText(path))
const cluster = (): string => join(folder, '.millrace', 'kafka')

let folder: string
let walkthrough: Walkthrough | null = null

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-kafka-tour-')))
})

afterAll(async () => {
  walkthrough?.close()
  if (isCluster(cluster())) await KafkaCluster.at(cluster()).stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const wordLine = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z +(\S+) (\d+)$/gm

/**
 * The order of lines follows partitions; which process shows a word, and whether a line came in
 * two seconds, is chance: words are counted over all processes instead. So is what lags behind in
 * the pipeline's own topic.
 */
function inAnyOrder(text: string): string {
  const rest = text
    .replaceAll(wordLine, '')
    .replaceAll(/\d+ in, \d+ out/g, 'IN in, OUT out')
    .replaceAll(/tasks \S+\/\d, \S+\/\d (?=go|have)/g, 'tasks TASKS ')
    .replaceAll(/^(real-time-topic) +\d +\d+ +\d+ +(\d+)$/gm, '$1 PARTITION OFFSET END $2')
    .replaceAll(/^(\S+\.repartition) +\d +\d+ +\d+ +\d+$/gm, '$1 PARTITION OFFSET END LAG')
    .replaceAll(/^lag +\d+$/gm, 'lag LAG')
    .replaceAll(/(\.repartition) +\d+ (?= )/g, '$1 LAG ')
  return normalized(rest)
    .split('\n')
    .filter((line) => line !== '')
    .toSorted()
    .join('\n')
}

/** How often each word was counted. */
function wordsOf(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [, word = '', times] of texts.flatMap((text) => [...text.matchAll(wordLine)])) {
    counts.set(word, (counts.get(word) ?? 0) + Number(times))
  }
  return new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** `npm run kafka:up` and its like, here with their data in the folder of the walk. */
const npm = (port: number): string => `npm() {
  shift 2 # run --silent
  local command="\${1#kafka:}"; shift
  [ "$command" = up ] && set -- --port ${port}
  "$NODE" ${join(root, 'test/kafka/kafka.ts')} "$command" "$@"
}`

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

kafkaTest(
  'the walk-through on Kafka shows what the page says',
  async () => {
    const port = await freePort()
    walkthrough = new Walkthrough(folder, {
      head: npm(port),
      insteadOf: { '127.0.0.1:9092': `127.0.0.1:${port}` },
      normalize: inAnyOrder,
    })
    for (const block of blocks) await walkthrough.take(block)
    expect(walkthrough.differences).toEqual([])
    const onPage = blocks.filter(({ directive }) => directive.startsWith('stop'))
    expect(wordsOf(walkthrough.ended)).toEqual(wordsOf(onPage.map(({ text }) => text)))
    expect(walkthrough.steps).toBe(blocks.length)
    expect(KafkaCluster.at(cluster()).isRunning(1), 'Kafka is down').toBe(false)
  },
  120_000,
)

test('all on the page is typed in; counts and tables that differ are noticed', () => {
  expect(blocks.filter(({ directive }) => directive === '')).toEqual([])
  const line = (word: string): string => `2026-11-23T14:36:47.000Z  ${word}`
  expect(inAnyOrder(`b\n${line('to 2')}\na 1`)).toBe(inAnyOrder(`a   1\nb`))
  const lag = (records: number): string => inAnyOrder(`real-time-topic  0  5  7  ${records}`)
  expect(lag(2)).not.toBe(lag(1))
  expect(wordsOf([line('to 1'), line('to 1')])).toEqual(wordsOf([line('to 2')]))
  expect(wordsOf([line('to 1')])).not.toEqual(wordsOf([line('to 2')]))
})
