/** Lines and command lines: what the `millrace` command takes in. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { LineSplitter } from '../../../src/cli/line-splitter.ts'
import { lineReader } from '../../../src/cli/line-records.ts'
import { main } from '../../../src/cli/main.ts'
import { Output } from '../../../src/cli/output.ts'
import { recordFormat } from '../../../src/cli/record-format.ts'
import { RecordSink } from '../../../src/cli/record-sink.ts'
import { isCode } from '../../../src/core/error.ts'
import { BatchBuilder, RecordBatch } from '../../../src/log/batch.ts'
import { must, reading, texts } from '../target.ts'
import type { Subject, Target } from '../target.ts'

const lineBytesMax = 100

/** The first byte says how long the chunks are; the lines do not depend on it. */
function splitLines(bytes: Buffer): void {
  const chunkBytes = 1 + (bytes[0] ?? 0)
  const text = bytes.subarray(1)
  const splitter = new LineSplitter(lineBytesMax)
  const found: string[] = []
  const take = (line: ReturnType<LineSplitter['next']>): void => {
    if (line === null) return
    found.push(Buffer.isBuffer(line) ? line.toString('latin1') : `long ${line.bytes}`)
  }
  for (let at = 0; at < text.length; at += chunkBytes) {
    splitter.push(text.subarray(at, at + chunkBytes))
    for (let line = splitter.next(); line !== null; line = splitter.next()) take(line)
  }
  take(splitter.end())
  const wanted = text.toString('latin1').split('\n')
  if (wanted.at(-1) === '') wanted.pop()
  const shown = wanted.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  const same = shown.every((line, i) => found[i] === line || found[i]?.startsWith('long ') === true)
  must(same && found.length === shown.length, () => `${found.length} lines of ${shown.length}`)
  for (const [i, line] of shown.entries()) {
    const isLong = found[i] !== line
    must(!isLong || line.length >= lineBytesMax, () => `a line of ${line.length} bytes is too long`)
  }
}

function readLines(bytes: Buffer): void {
  const readers = [
    lineReader({}),
    lineReader({ keySeparator: ':' }),
    lineReader({ json: true }),
    lineReader({ json: true, key: 'id' }),
  ]
  for (const read of readers) {
    try {
      read(bytes, 1)
    } catch (thrown) {
      if (!isCode(thrown, 'decode-failed') && !isCode(thrown, 'invalid-argument')) throw thrown
    }
  }
}

/** Whatever a record holds, `consume --format json` writes a line of JSON. */
async function writeRecord(bytes: Buffer): Promise<void> {
  const cut = (bytes[0] ?? 0) % (bytes.length + 1)
  const builder = new BatchBuilder()
  const [key, value] = [bytes.subarray(0, cut), bytes.subarray(cut)]
  const header = { name: key.toString('utf8').slice(0, 50), value }
  builder.add(key, value, cut * 1e14, [header, { name: '', value: null }])
  const batch = new RecordBatch('t', 0, 0, builder.finish())
  for (const format of ['json', 'value', '{key} {value} {time} {timeMs} {headers}']) {
    const pieces: Buffer[] = []
    const stream = new Writable({
      write(piece: Buffer, _encoding, done) {
        pieces.push(Buffer.from(piece))
        done()
      },
    })
    const sink = new RecordSink(new Output(stream))
    recordFormat(format)(batch, 0, sink)
    await sink.flush()
    if (format !== 'json') continue
    const line = Buffer.concat(pieces).toString('utf8')
    must(line.indexOf('\n') === line.length - 1, () => 'it is not one line')
    JSON.parse(line)
  }
}

/** Of these commands anything goes; of the others, which would wait or work, only the reading. */
const quick: readonly string[] = ['topics', 'groups', 'status', 'help']
const exitCodes: readonly number[] = [0, 1, 2]
/** An error that nobody thought of has no code, and is shown as what it is. */
const unexpected = /(?:Type|Range|Syntax|Reference)Error|\bat file:|\bnode:internal/

function openCommands(): Subject {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'))
  process.env['MILLRACE_DATA'] = dir
  return {
    async run(bytes) {
      const argv = bytes.toString('utf8').split(/[\n\0]/)
      // Nothing outside the folder is touched.
      if (argv.some((argument) => /-d|data|log|kafka|^@/.test(argument))) return
      const command = argv.find((argument) => !argument.startsWith('-')) ?? ''
      const args = quick.includes(command)
        ? argv
        : [...argv.filter((one) => one !== '--'), '--help']
      const { code, said } = await quietly(() => main(args))
      must(exitCodes.includes(code), () => `exit code ${code}`)
      must(!unexpected.test(said), () => `it says: ${said}`)
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** With what it writes caught. */
async function quietly(run: () => Promise<number>): Promise<{ code: number; said: string }> {
  const { stdout, stderr } = process
  const [out, error] = [stdout.write, stderr.write]
  let said = ''
  const catching = (text: unknown, ...rest: unknown[]): boolean => {
    said += String(text)
    for (const one of rest) if (typeof one === 'function') one()
    return true
  }
  stdout.write = catching as typeof stdout.write
  stderr.write = catching as typeof stderr.write
  try {
    return { code: await run(), said }
  } finally {
    stdout.write = out
    stderr.write = error
    stderr.removeAllListeners('error')
    stdout.removeAllListeners('error')
  }
}

export const lineTargets: readonly Target[] = [
  {
    name: 'lines/split',
    seeds: texts('\u0003one\ntwo\r\n\nthree', `\u0010${'x'.repeat(99)}\r\n${'y'.repeat(101)}\n`),
    dictionary: ['\n', '\r', '\r\n', 'x'.repeat(100), 'x'.repeat(101)],
    codes: [],
    open: reading(splitLines),
  },
  {
    name: 'lines/read',
    seeds: texts('k:v', '{"id":"a","n":[1,{}]}', '{"id":true}', '[1', '{"__proto__":{"id":1}}'),
    dictionary: ['{', '"id":', ':', '"', '\\u12', '-', '\uFEFF', '\ud800'],
    codes: [],
    open: reading(readLines),
  },
  {
    name: 'lines/write',
    seeds: texts('\u0002keyvalue', '\u0000{"a":1}', '\u0003aä€😀'),
    dictionary: ['\n', '"', '\\', '\u2028', Buffer.from([0xff]), Buffer.from([0xe2, 0x82])],
    codes: [],
    open: reading(writeRecord),
  },
  {
    name: 'lines/command',
    seeds: texts(
      'topics\ncreate\norders\n--partitions\n3\n--retention\n5d',
      'topics\nlist',
      'topics\ndescribe\norders\n--json',
      'topics\nset\norders\n--retention-bytes\n5MB',
      'groups\nlist\n--json',
      'produce\norders\n--json\n--key\nid\n--rate\n5',
      'consume\norders\n--from\n-10\n--limit\n3\n--format\n{key}',
      'run\np.ts\n--watch',
      'status',
      'help\ntopics',
      '--version',
    ),
    dictionary: '-- - --json --from --partition --retention --yes --help = 1 -1 \n'.split(' '),
    codes: [],
    bytesMax: 400,
    allocationMax: 64 << 20,
    open: openCommands,
  },
]
