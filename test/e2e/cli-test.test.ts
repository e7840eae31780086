/** `millrace test` as a user meets it: real processes on pipeline files. */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Workspace } from './command.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The report that docs/testing.md shows; numbers differ with the number of seeds. */
const documented =
  /^pipeline 'overheating'.*?(?=^```)/ms.exec(
    readFileSync(join(root, 'docs', 'testing.md'), 'utf8'),
  )?.[0] ?? ''
const masked = (text: string): string => text.replaceAll(/ *[\d,]+/g, ' 0')

/** On a topic without a schema. */
const clicks = (map: string): string => `
import { from, json, topic } from 'millrace'
const clicks = topic('clicks', {
  codec: json(), key: (click) => click.user, time: (click) => click.at,
})
let n = 0
export default from(clicks).map((click) => (${map})).named('mark').to(topic('marked'))
`
const lines = [1, 2, 3, 4].map((n) => `{"user":"u${n % 2}","at":${n}000}\n`).join('')

test('an example with a schema: input is made, and the report says what ran', async () => {
  using work = new Workspace()
  const file = join(root, 'examples', 'overheating.ts')
  const { stdout, stderr } = await work.ok(`test ${file} --seeds 10`)
  expect(masked(stdout)).toBe(masked(documented))
  expect(stderr).toBe("millrace: pipeline 'overheating': 10 runs with faults …\n")
  expect(stdout).toMatch(/^pipeline 'overheating': the same results in 10 runs with faults\n/)
  expect(stdout).toMatch(
    /^readings +20\d +\d+ +2024-01-01 00:00:\d\d to 2024-.* made from its schema$/m,
  )
  expect(stdout).toMatch(/^overheating +\d\d$/m)
  expect(stdout).toMatch(/^readings\.late +[1-9]\d*$/m)
  expect(stdout).toMatch(/^(?:crash|commit-fails|pause) +[1-9]/m)
  expect(stdout).toMatch(/^5 inputs, of which this was one; \d+ commits; \d+\.\d s$/m)
  // The same again, and nothing of it in a data directory.
  const options = `test ${file} --seed 3 --records 50 --faults crash,pause --json`
  const first = JSON.parse((await work.ok(options)).stdout) as Record<string, unknown>
  expect(first).toMatchObject({
    pipeline: 'overheating',
    held: true,
    runs: 1,
    inputs: [{ topic: 'readings', from: 'made from its schema' }],
  })
  const second = JSON.parse((await work.ok(options)).stdout) as Record<string, unknown>
  expect({ ...second, ms: 0 }).toEqual({ ...first, ms: 0 })
})

test('a pipeline that prints is told that little was compared', async () => {
  using work = new Workspace()
  copyFileSync(join(root, 'examples', 'lines.ts'), join(work.dir, 'lines.ts'))
  const { stdout } = await work.ok('test lines.ts --seeds 3 --records 20')
  expect(stdout).toMatch(/^real-time-topic .* made, text$/m)
  expect(stdout).toContain('note: it writes to no topic: only dead and late records were compared')
})

test('chance in a step is found, and the step named', async () => {
  using work = new Workspace()
  work.write('chance.ts', clicks('{ ...click, n: Math.random() }'))
  work.write('clicks.ndjson', lines)
  const result = await work.run(['test', 'chance.ts', '--input', 'clicks=clicks.ndjson', '--json'])
  expect(result.code).toBe(1)
  expect(result.stderr).toContain("millrace: step 'mark' gives other results for the same input")
  expect(JSON.parse(result.stdout)).toMatchObject({
    held: false,
    code: 'not-deterministic',
    step: 'mark',
  })
})

test('what a crash loses is found, with a command that shows it again', async () => {
  using work = new Workspace()
  // Right as long as all four records go through it once: only faults bring it out of step.
  work.write('counts.ts', clicks('{ ...click, n: (n = (n + 1) % 4) }'))
  work.write('clicks.ndjson', lines)
  const result = await work.run(['test', 'counts.ts', '--input', 'clicks=clicks.ndjson'])
  expect(result.code).toBe(1)
  expect(result.stderr).toMatch(/^millrace: seed \d+: the run with faults differs/m)
  expect(result.stderr).toMatch(/^input \(1 records\):$/m)
  const again = /run it again: millrace (.*)$/m.exec(result.stderr)?.[1] ?? ''
  expect(again).toMatch(/^test counts\.ts --seed \d+ --records 200 --input clicks=clicks\.ndjson$/)
})

test('records that are all refused are pointed out', async () => {
  using work = new Workspace()
  work.write('fails.ts', clicks('click.basket.total'))
  work.write('clicks.ndjson', lines)
  const { stdout } = await work.ok('test fails.ts --seeds 2 --input clicks=clicks.ndjson')
  const span = '1970-01-01 00:00:01 to 1970-01-01 00:00:04'
  expect(stdout.replaceAll(/ +/g, ' ')).toContain(`\nclicks 4 2 ${span} clicks.ndjson\n`)
  expect(stdout).toContain('note: nothing was written to marked')
  expect(stdout).toMatch(/^note: 4 of 4 records of clicks are dead letters: .*reading 'total'/m)
})

test('what is missing or wrong is said, with what to do', async () => {
  using work = new Workspace()
  work.write('plain.ts', clicks('click'))
  work.write('bad.ndjson', '{"user":"a","at":1}\n{"user":\n')
  const cases: [string, number, RegExp][] = [
    [
      'plain.ts',
      2,
      /^millrace: nobody knows .* 'clicks' .*\n {2}give .*: --input clicks=clicks\.ndjson\n/,
    ],
    [
      'plain.ts --input visits=bad.ndjson',
      2,
      /^millrace: --input names 'visits', which .*\n {2}it reads clicks\n/,
    ],
    [
      'plain.ts --input clicks=bad.ndjson',
      1,
      /bad\.ndjson:2\)\n {2}each line must be a value as the codec json/,
    ],
    ['plain.ts --input clicks=none.ndjson', 1, /^millrace: cannot read none\.ndjson/],
    ['plain.ts --input clicks', 2, /cannot be 'clicks'\n {2}write a topic and a file/],
    ['plain.ts --faults crash,fire', 2, /cannot be 'crash,fire'\n {2}write some of crash,/],
    ['plain.ts --seed 1 --seeds 2', 2, /cannot be used with option/],
    ['none.ts', 1, /^millrace: there is no file none\.ts/],
  ]
  for (const [args, code, stderr] of cases) {
    const result = await work.run(['test', ...args.split(' ')])
    expect(result.stderr, args).toMatch(stderr)
    expect(result.code, args).toBe(code)
  }
})
