/** The command line as a user meets it: real processes on one data directory. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Workspace } from './command.ts'

/** The consumer program of the walk-through. */
const program = `
import { from, string, topic } from 'millrace'

const lines = topic('real-time-topic', { codec: string() })

export default from(lines)
  .map((value) => value)
  .print({ every: '1s', first: 10 })
`
const numbers = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join('')

test('the first steps, word for word', async () => {
  using work = new Workspace()
  const created = await work.ok('topics create real-time-topic --partitions 1')
  expect(created.stderr).toBe("topic 'real-time-topic' is there, with 1 partition\n")
  expect((await work.ok('topics list')).stdout).toMatch(
    /^TOPIC +PARTITIONS +RECORDS +SIZE +RETENTION\nreal-time-topic +1 +0 +0 B +none\n$/,
  )
  const produced = await work.ok('produce real-time-topic', 'hello\nworld\n')
  expect([produced.stdout, produced.stderr]).toEqual(['', '2 records acknowledged\n'])
  expect((await work.ok('consume real-time-topic')).stdout).toBe('hello\nworld\n')
  const json = (await work.ok('consume real-time-topic --from 1 --format json')).stdout
  expect(JSON.parse(json)).toEqual({
    topic: 'real-time-topic',
    partition: 0,
    offset: 1,
    key: null,
    value: 'world',
    time: expect.any(Number) as number,
    headers: [],
  })
  expect((await work.ok('topics describe real-time-topic')).stdout).toMatch(/^ +0 +0 +2 /m)
  const status = (await work.ok('status --json')).stdout
  expect(JSON.parse(status)).toMatchObject({
    log: 'embedded',
    place: join(work.dir, '.millrace'),
    topics: [{ topic: 'real-time-topic', records: 2 }],
    groups: [],
  })
  const deleted = await work.ok('topics delete real-time-topic')
  expect(deleted.stderr).toBe("topic 'real-time-topic' is deleted\n")
  expect((await work.ok('topics list --json')).stdout).toBe('[]\n')
})

test('a program prints within a second or so what another process produces', async () => {
  using work = new Workspace()
  work.write('pipeline.ts', program)
  await work.ok('topics create real-time-topic --partitions 1')
  const running = work.start('run', 'pipeline.ts')
  await running.until(({ stderr }) => stderr.includes("pipeline 'pipeline' runs on"), 'the start')
  await work.ok('produce real-time-topic', numbers(1, 25))
  const producedAt = performance.now()
  await running.until(({ stdout }) => stdout.includes('more\n'), 'the batch')
  expect(performance.now() - producedAt).toBeLessThan(2500) // one second, and a busy machine
  const first = await running.kill('SIGINT')
  expect(first.code).toBe(0)
  const rule = '-'.repeat(43)
  expect(first.stdout).toMatch(
    new RegExp(
      `^${rule}\nTime: \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\n${rule}\n` +
        `${numbers(1, 10)}\\.\\.\\. 15 more\n\n$`,
    ),
  )
  // Goes on where it was; SIGTERM ends it as Ctrl-C does.
  await work.ok('produce real-time-topic', 'next\n')
  const again = work.start('run', 'pipeline.ts')
  await again.until(({ stdout }) => stdout.includes('next'), 'the new record')
  const second = await again.kill('SIGTERM')
  expect(second.code).toBe(0)
  expect(second.stdout.split('\n').filter((line) => /^\w+$/.test(line))).toEqual(['next'])
  expect((await work.ok('groups')).stdout).toMatch(/^pipeline +real-time-topic +0 +-$/m)
  expect(JSON.parse((await work.ok('groups describe pipeline --json')).stdout)).toEqual({
    group: 'pipeline',
    owner: null,
    lag: 0,
    offsets: [{ topic: 'real-time-topic', partition: 0, offset: 26, endOffset: 26, lag: 0 }],
  })
})

test('a second run of a name is refused; --take-over stops the first', async () => {
  using work = new Workspace()
  work.write('pipeline.ts', program)
  await work.ok('topics create real-time-topic')
  const first = work.start('run', 'pipeline.ts', '--name', 'same')
  await first.until(({ stderr }) => stderr.includes('runs on'), 'the start')
  const refused = await work.run(['run', 'pipeline.ts', '--name', 'same'])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(
    /^millrace: pipeline 'same' is run by process \d+ on .*\n {2}stop /,
  )
  const taker = work.start('run', 'pipeline.ts', '--name', 'same', '--take-over')
  await taker.until(({ stderr }) => stderr.includes('runs on'), 'the take-over')
  const fenced = await first.ended
  expect([fenced.code, fenced.stderr]).toEqual([1, expect.stringContaining('taken over')])
  expect((await taker.kill('SIGINT')).code).toBe(0)
})

test('a file that calls run() itself, in a CommonJS project', async () => {
  using work = new Workspace()
  mkdirSync(join(work.dir, 'project'))
  work.write('project/package.json', '{ "type": "commonjs" }')
  work.write(
    'project/own.ts',
    `import { from, run, string, topic } from 'millrace'
     const lines = topic('real-time-topic', { codec: string() })
     await run(from(lines).print(), { name: 'own' })`,
  )
  await work.ok('topics create real-time-topic --data elsewhere')
  await work.ok('produce real-time-topic --data elsewhere', 'hello\n')
  const running = work.start('run', 'project/own.ts', '--data', 'elsewhere')
  await running.until(({ stdout }) => stdout.includes('hello'), 'the record')
  expect((await running.kill('SIGINT')).code).toBe(0)
  expect(existsSync(join(work.dir, '.millrace'))).toBe(false)
})

test('a plan as text, JSON and Mermaid, without touching any data', async () => {
  using work = new Workspace()
  work.write('pipeline.ts', program)
  expect((await work.ok('plan pipeline.ts')).stdout).toMatch(
    /^pipeline pipeline\n {2}real-time-topic/,
  )
  const json = JSON.parse((await work.ok('plan pipeline.ts --format json')).stdout) as unknown
  expect(json).toMatchObject({ pipeline: 'pipeline', parts: [{ name: 'main' }] })
  expect((await work.ok('plan pipeline.ts --format mermaid')).stdout).toMatch(/^flowchart LR\n/)
  expect(existsSync(join(work.dir, '.millrace'))).toBe(false)
})

test('keys, partitions, positions, formats', async () => {
  using work = new Workspace()
  await work.ok('topics create t --partitions 3')
  const lines = Array.from({ length: 30 }, (_, i) => `k${i % 5}:${i}\r\n`).join('')
  await work.ok('produce t --key-separator :', lines)
  const shown = (await work.run(['consume', 't', '--format', '{partition} {key} {value}'])).stdout
  const places = new Map<string, Set<string>>()
  const values = new Map<string, number[]>()
  for (const line of shown.trimEnd().split('\n')) {
    const [partition = '', key = '', value = ''] = line.split(' ')
    places.set(key, (places.get(key) ?? new Set()).add(partition))
    values.set(key, [...(values.get(key) ?? []), Number(value)])
  }
  expect([...places.values()].every((partitions) => partitions.size === 1)).toBe(true)
  const expected = [0, 1, 2, 3, 4].map((k) => [0, 1, 2, 3, 4, 5].map((i) => i * 5 + k))
  expect([...values].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)).toEqual(
    expected,
  )

  const [partition = '0'] = places.get('k0') ?? []
  const of = (more: string) => work.ok(`consume t --partition ${partition} ${more}`)
  const all = (await of('--from earliest')).stdout.trimEnd().split('\n')
  expect((await of('--from -2')).stdout.trimEnd().split('\n')).toEqual(all.slice(-2))
  expect((await of('--from 1 --max 2')).stdout.trimEnd().split('\n')).toEqual(all.slice(1, 3))
  expect((await of('--from 1h')).stdout.trimEnd().split('\n')).toEqual(all)
  expect((await of('--from 2099-01-01')).stdout).toBe('')
  expect((await of('--from latest')).stdout).toBe('')
})

test('a group goes on where it stopped, one consumer at a time, also after kill -9', async () => {
  using work = new Workspace()
  await work.ok('topics create t')
  await work.ok('produce t', numbers(1, 6))
  expect((await work.ok('consume t --group g --max 2')).stdout).toBe(numbers(1, 2))
  const follower = work.start('consume', 't', '--group', 'g', '--follow')
  await follower.until(({ stdout }) => stdout === numbers(3, 6), 'the rest')
  const second = await work.run(['consume', 't', '--group', 'g'])
  expect(second.code).toBe(1)
  expect(second.stderr).toMatch(/^millrace: group 'g' is in use by process \d+ on .*\n {2}wait /)
  await work.ok('produce t', numbers(7, 7))
  await follower.until(({ stdout }) => stdout === numbers(3, 7), 'the new record')
  expect((await follower.kill('SIGINT')).code).toBe(0)
  expect((await work.ok('consume t --group g')).stdout).toBe('')

  const killed = work.start('consume', 't', '--group', 'h', '--follow', '--from', '-3')
  await killed.until(({ stdout }) => stdout === numbers(5, 7), 'the last three')
  await killed.kill('SIGKILL')
  const after = (await work.ok('consume t --group h')).stdout // from the last commit, at the latest
  expect(numbers(5, 7).endsWith(after)).toBe(true)
  expect(JSON.parse((await work.ok('groups list --json')).stdout)).toMatchObject([
    { group: 'g', lag: 0 },
    { group: 'h', lag: 0 },
  ])
  await work.ok('groups delete g')
  expect((await work.ok('consume t --group g --max 1')).stdout).toBe('1\n')
})

test('two producers at once and a follower on one data directory', async () => {
  using work = new Workspace()
  await work.ok('topics create t')
  const follower = work.start('consume', 't', '--follow')
  const count = 5000
  const lines = (name: string): string =>
    Array.from({ length: count }, (_, i) => `${name} ${i}\n`).join('')
  const both = await Promise.all([
    work.ok('produce t', lines('a')),
    work.ok('produce t', lines('b')),
  ])
  expect(both.map(({ stderr }) => stderr)).toEqual(Array(2).fill('5,000 records acknowledged\n'))
  const shown = (): string[] => follower.stdout.trimEnd().split('\n')
  await follower.until(() => shown().length === 2 * count, 'all records')
  for (const name of ['a', 'b']) {
    const own = shown().filter((line) => line.startsWith(name))
    expect(`${own.join('\n')}\n`).toBe(lines(name))
  }
  expect((await follower.kill('SIGINT')).code).toBe(0)
})

test('L5 kill -9 of a producer leaves a beginning of its input, without a hole', async () => {
  using work = new Workspace()
  await work.ok('topics create t')
  const follower = work.start('consume', 't', '--follow')
  const producer = work.start('produce', 't')
  let next = 1
  const feed = (): void => {
    const end = next + 999
    const text = numbers(next, end)
    next = end + 1
    if (!producer.child.killed) producer.child.stdin.write(text, feed)
  }
  feed()
  await follower.until(({ stdout }) => stdout.length > 50_000, 'some records')
  await producer.kill('SIGKILL')
  expect((await follower.kill('SIGINT')).code).toBe(0)
  const kept = (await work.ok('consume t')).stdout
  const count = kept.split('\n').length - 1
  expect(kept).toBe(numbers(1, count))
  expect(kept.startsWith(follower.stdout)).toBe(true)
  await work.ok('produce t', 'and on\n')
  expect((await work.ok('consume t --from -1')).stdout).toBe('and on\n')
})

test('Ctrl-C in a producer: what was read is written, and told', async () => {
  using work = new Workspace()
  await work.ok('topics create t')
  const producer = work.start('produce', 't', '--rate', '200')
  const follower = work.start('consume', 't', '--follow')
  producer.child.stdin.write(numbers(1, 100_000))
  await follower.until(({ stdout }) => stdout.includes('\n20\n'), 'some records')
  const ended = await producer.kill('SIGINT')
  expect(ended.code).toBe(0)
  const kept = (await work.ok('consume t')).stdout
  const count = kept.trimEnd().split('\n').length
  expect(ended.stderr).toBe(`${count} records acknowledged\n`)
  expect(kept).toBe(numbers(1, count))
  expect(count).toBeLessThan(5000)
  await follower.kill('SIGINT')
})

test('typed lines are there at once', async () => {
  using work = new Workspace()
  await work.ok('topics create t')
  const producer = work.start('produce', 't')
  const follower = work.start('consume', 't', '--follow')
  for (const line of ['one', 'two', 'three']) {
    producer.child.stdin.write(`${line}\n`)
    await follower.until(({ stdout }) => stdout.endsWith(`${line}\n`), line)
  }
  producer.child.stdin.end('without end')
  expect((await producer.ended).stderr).toBe('4 records acknowledged\n')
  await follower.until(({ stdout }) => stdout.endsWith('without end\n'), 'the last line')
  await follower.kill('SIGINT')
})

test('a reader of the output that goes away is no error', async () => {
  using work = new Workspace()
  await work.ok('topics create t')
  await work.ok('produce t', numbers(1, 200_000))
  const consumer = work.start('consume', 't', '--json')
  await consumer.until(({ stdout }) => stdout !== '', 'the first chunk')
  consumer.child.stdout.destroy()
  const { code, stderr } = await consumer.ended
  expect([code, stderr]).toEqual([0, ''])
})
