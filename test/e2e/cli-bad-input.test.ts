/** What the command line says to each bad input: a clear message, what to do, an exit code. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { type Result, Workspace } from './command.ts'

const megabyte = 1_048_576

function expectFailure(result: Result, code: number, stderr: string | RegExp): void {
  expect(result.stderr).toMatch(stderr)
  expect(result.stderr).not.toMatch(/^\s+at /m) // no stack
  expect(result.code).toBe(code)
}

async function withTopic(): Promise<Workspace> {
  const work = new Workspace()
  await work.ok('topics create t')
  return work
}

const usage: [string[], string][] = [
  [['topcs', 'list'], "millrace: unknown command 'topcs'\n  did you mean topics?\n"],
  [['topics', 'lst'], "millrace: unknown command 'lst'\n  did you mean list?\n"],
  [
    ['consume', 't', '--formt', 'json'],
    "millrace: unknown option '--formt'\n  did you mean --format?\n",
  ],
  [
    ['topics', 'create', 't', '--partitions', '-1'],
    "millrace: --partitions <n> cannot be '-1'\n  write a whole number from 1 to 1024\n",
  ],
  [
    ['topics', 'create', 't', '--retention', '5 seconds'],
    "millrace: --retention <duration> cannot be '5 seconds'\n  write '5s'\n",
  ],
  [
    ['consume', 't', '--from', 'yesterday'],
    "millrace: --from <where> cannot be 'yesterday'\n  write earliest, latest, an offset",
  ],
  [
    ['consume', 't', '--format', '{vlaue}'],
    "millrace: --format <format> cannot be '{vlaue}'\n  there is no field {vlaue}; there are {",
  ],
  [['produce', 't', '--json', '--key-separator', ':'], 'cannot be used with option'],
  [['run'], "millrace: missing required argument 'file'\n"],
]
test.each(usage)('wrong usage: %j', async (args, stderr) => {
  using work = new Workspace()
  const result = await work.run(args)
  expect(result.stderr).toContain(stderr)
  expect(result.stderr).toContain('--help shows what can be written')
  expect(result.code).toBe(2)
  expect(existsSync(join(work.dir, '.millrace'))).toBe(false)
})

test('every command has help with an example', async () => {
  using work = new Workspace()
  const commands =
    'start,run,produce,consume,plan,test,status,topics create,topics list,topics describe,' +
    'topics alter,topics delete,groups list,groups describe,groups delete'
  const help = await work.ok('--help')
  expect(help.stdout).toContain('Exit codes:')
  for (const command of commands.split(',')) {
    const { stdout } = await work.ok(`${command} --help`)
    expect(stdout, command).toMatch(/Example:\n +(?:\$ )?.*millrace /)
    if (command !== 'plan') expect(stdout, command).toContain('--data <dir>')
  }
})

test('looking where there is no data says so, and makes nothing', async () => {
  using work = new Workspace()
  for (const line of [
    'topics list',
    'topics describe t',
    'consume t',
    'status',
    'groups',
    'produce t',
    'consume t --group g',
  ]) {
    const result = await work.run(line.split(' '), 'x\n')
    expectFailure(
      result,
      1,
      /^millrace: there is no data in .*\.millrace\n {2}begin with: millrace topics create /,
    )
  }
  expect(existsSync(join(work.dir, '.millrace'))).toBe(false)
})

test('an unknown topic', async () => {
  using work = await withTopic()
  for (const line of [
    'produce nope',
    'consume nope',
    'topics describe nope',
    'topics delete nope',
  ]) {
    expectFailure(
      await work.run(line.split(' '), 'x\n'),
      1,
      /^millrace: topic 'nope' does not exist.*\n {2}.*millrace topics create nope/,
    )
  }
  expect((await work.ok('produce nope --create', 'x\n')).stderr).toBe('1 record acknowledged\n')
})

test('offsets, partitions and settings that are not there', async () => {
  using work = await withTopic()
  expectFailure(
    await work.run(['consume', 't', '--from', '9']),
    1,
    /^millrace: offset 9 is above the end 0/,
  )
  expectFailure(
    await work.run(['consume', 't', '--partition', '1']),
    1,
    /^millrace: topic 't' has no partition 1\n {2}it has only 0/,
  )
  expectFailure(
    await work.run(['topics', 'create', 't', '--partitions', '2']),
    1,
    /^millrace: topic 't' exists with other settings/,
  )
  expectFailure(
    await work.run(['topics', 'create', 'a/b']),
    1,
    /^millrace: topic name "a\/b" is not allowed\n {2}use /,
  )
  expectFailure(
    await work.run(['groups', 'describe', 'g']),
    1,
    /^millrace: there is no group 'g'\n/,
  )
  expectFailure(
    await work.run(['topics', 'list', '--log', 'kafka://']),
    1,
    /^millrace: the address of the log names no broker\n/,
  )
})

test('malformed JSON: the line is named, what was before is written', async () => {
  using work = await withTopic()
  const result = await work.run(['produce', 't', '--json'], '{"a":1}\n{"a":2}\n{"a":}\n{"a":4}\n')
  expectFailure(
    result,
    1,
    /^2 records acknowledged\nmillrace: line 3 is not JSON: at column 6: "}"\n {2}correct /,
  )
  expect((await work.ok('consume t')).stdout).toBe('{"a":1}\n{"a":2}\n')
  const noKey = await work.run(['produce', 't', '--key-separator', '='], 'a=1\nb\n')
  expectFailure(noKey, 1, /^1 record acknowledged\nmillrace: line 2 has no '='\n/)
})

test('a line of 20 MB is named with its size; a larger limit takes it', async () => {
  using work = await withTopic()
  const input = Buffer.concat([
    Buffer.from('before\n'),
    Buffer.alloc(20 * megabyte, 'x'),
    Buffer.from('\nafter\n'),
  ])
  const result = await work.run(['produce', 't'], input)
  expectFailure(
    result,
    1,
    /^1 record acknowledged\nmillrace: line 2 has 20,971,520 bytes; .* accepts 1,048,576\n/,
  )
  expect((await work.ok('consume t')).stdout).toBe('before\n')
  await work.ok('topics alter t --record-bytes-max 20MiB')
  expect((await work.ok('produce t', input)).stderr).toBe('3 records acknowledged\n')
  expect((await work.ok('consume t --from 1')).bytes.equals(input)).toBe(true)
})

test('a line without end is refused while it still goes on', async () => {
  using work = await withTopic()
  const producer = work.start('produce', 't')
  const chunk = Buffer.alloc(megabyte, 'x')
  const feed = (): void => {
    if (producer.child.exitCode === null)
      producer.child.stdin.write(chunk, (error) => !error && feed())
  }
  producer.child.stdin.write('before\n')
  feed()
  expectFailure(
    await producer.ended,
    1,
    /^1 record acknowledged\nmillrace: line 2 has more than \d+,\d+,\d+ bytes/,
  )
})

test('invalid UTF-8 is kept as it is; a pipeline puts it aside', async () => {
  using work = await withTopic()
  const broken = Buffer.from([0x61, 0xff, 0xfe, 0x00, 0x0a])
  await work.ok('produce t', broken)
  expect((await work.ok('consume t')).bytes.equals(broken)).toBe(true)
  expectFailure(
    await work.run(['produce', 't', '--json'], broken),
    1,
    /line 1 is not JSON: it is not UTF-8/,
  )
  work.write(
    'p.ts',
    "import { from, string, topic } from 'millrace'\n" +
      "export default from(topic('t', { codec: string() })).print()\n",
  )
  await work.ok('produce t', 'good\n')
  const running = work.start('run', 'p.ts')
  await running.until(({ stdout }) => stdout === 'good\n', 'the good record')
  expect((await running.kill('SIGINT')).code).toBe(0)
  const dead = (await work.ok('consume t.dead --json')).stdout.trimEnd().split('\n')
  expect(dead.length).toBe(1)
  expect(dead[0]).toContain(broken.subarray(0, 4).toString('base64'))
})

const files: [string, string, RegExp][] = [
  [
    'nothing exported',
    'export const a = 1',
    /^millrace: p\.ts has no default export\n {2}write: export default /,
  ],
  [
    'no pipeline',
    'export default 7',
    /^millrace: p\.ts exports no pipeline: a number is not a pipeline\n/,
  ],
  [
    'a stream',
    "import { from, topic } from 'millrace'\nexport default from(topic('t'))",
    /^millrace: p\.ts exports no pipeline: the stream .* has no output\n/,
  ],
  ['a syntax error', 'const a = 1\nconst = 5', /^millrace: syntax error: .* \(p\.ts:2\)\n/],
  [
    'a file that throws',
    "const a = 1\n\nthrow new Error('boom')",
    /^millrace: Error thrown while loading: boom \(p\.ts:3\)\n/,
  ],
  [
    'an enum',
    'enum A { B }\nexport default A',
    /^millrace: TypeScript enum is not supported.*p\.ts:1/,
  ],
  [
    'a missing package',
    "import x from 'not-there'\nexport default x",
    /^millrace: Cannot find package 'not-there'.*\n {2}install it: npm install not-there\n/,
  ],
  [
    'a duration',
    "import { from, topic } from 'millrace'\n" +
      "export default from(topic('t')).print({ every: '5 seconds' as '5s' })",
    /^millrace: every '5 seconds' is not a duration \(p\.ts:2\)\n {2}write '5s'\n/,
  ],
  [
    'an unknown topic',
    "import { from, topic } from 'millrace'\nexport default from(topic('nope')).print()",
    /^millrace: topic 'nope' does not exist.*\n {2}create it: millrace topics create nope/,
  ],
]
test.each(files)('a pipeline file with %s', async (_, text, stderr) => {
  using work = new Workspace()
  work.write('p.ts', text)
  expectFailure(await work.run(['run', 'p.ts']), 1, stderr)
})

test('a pipeline file that is not there; the stack of an error only with --debug', async () => {
  using work = new Workspace()
  expectFailure(await work.run(['run', 'p.ts']), 1, /^millrace: there is no file p\.ts\n/)
  work.write('p.ts', "throw new Error('boom')")
  const { stderr } = await work.run(['run', 'p.ts', '--debug'])
  expect(stderr).toMatch(/^\s+at .*p\.ts:1/m)
})

test('a data file of a newer version, a damaged one, and a directory that is a file', async () => {
  using work = await withTopic()
  const path = join(work.dir, '.millrace', 'millrace.db')
  expect(existsSync(path)).toBe(true)
  const database = new DatabaseSync(path)
  database.exec('PRAGMA user_version = 9999')
  database.close()
  for (const line of ['topics list', 'produce t']) {
    expectFailure(await work.run(line.split(' '), 'x\n'), 1, /^millrace: .*version.*\n {2}\S/)
  }
  writeFileSync(path, Buffer.alloc(65_536, 'not a database'))
  for (const line of ['topics list', 'produce t']) {
    expectFailure(await work.run(line.split(' '), 'x\n'), 1, /^millrace: .*millrace\.db.*\n {2}\S/)
  }
  work.write('file', 'x')
  expectFailure(
    await work.run(['topics', 'create', 't', '--data', 'file']),
    1,
    /^millrace: .*file is not a directory\n {2}\S/,
  )
})
