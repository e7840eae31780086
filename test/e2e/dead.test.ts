import { expect, test } from 'vitest'
import { Workspace } from './command.ts'

const index = new URL('../../src/index.ts', import.meta.url).pathname

/** A share of readings; `step` is the code of the step that has the fault, or not. */
function pipelineText(step: string): string {
  return `
import { from, json, topic } from '${index}'
const readings = topic('readings', { codec: json(), key: (r) => r.device, partitions: 2 })
export default from(readings).map((r) => { ${step} }).named('share').to(topic('shares'))
`
}
const faulty = `
  if (r.total === 0) throw new Error('division by zero')
  return { device: r.device, share: r.part / r.total }`
const fixed = `return { device: r.device, share: r.total === 0 ? 0 : r.part / r.total }`
const other = `
import { from, json, topic } from '${index}'
const readings = topic('readings', { codec: json(), key: (r) => r.device, partitions: 2 })
export default from(readings).map((r) => r.device).to(topic('devices'))
`

const records = Array.from({ length: 40 }, (_, i) => {
  return { device: `d${i}`, part: i, total: i % 4 === 0 ? 0 : 10 }
})
const lines = records.map((one) => `${JSON.stringify(one)}\n`).join('')

/** Runs a pipeline until topics have so many records, then ends it in order. */
async function runUntil(
  workspace: Workspace,
  file: string,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const running = workspace.start('run', file)
  await running.until(({ stderr }) => stderr.includes('runs on'), 'its start')
  for (const [topic, count] of Object.entries(counts)) {
    await workspace.ok(`consume ${topic} --follow --max ${count}`)
  }
  expect((await running.kill('SIGINT')).code).toBe(0)
}

async function values(workspace: Workspace, topic: string): Promise<string[]> {
  const { stdout } = await workspace.ok(`consume ${topic}`)
  return stdout.split('\n').filter((line) => line !== '')
}

test('a fault, its letters, the fix, a replay: as if the fault had never been', async () => {
  using workspace = new Workspace({ limitMs: 30_000 })
  workspace.write('shares.ts', pipelineText(faulty))
  workspace.write('devices.ts', other)
  await workspace.ok('topics create readings --partitions 2')
  await workspace.ok('produce readings --json --key device', `${lines}`)
  await workspace.ok('produce readings --key-separator :', 'd1:{"device":"broken\n')
  await runUntil(workspace, 'shares.ts', { shares: 30, 'readings.dead': 11 })
  await runUntil(workspace, 'devices.ts', { devices: 40, 'readings.dead': 12 })
  expect(await values(workspace, 'shares')).toHaveLength(30)

  const all = (await workspace.ok('dead list')).stdout
  expect(all).toMatch(/^readings +dead +12 +0 +0$/m) // one of them of the other pipeline
  const list = (await workspace.ok('dead list readings --pipeline shares')).stdout
  expect(list).toMatch(/^ +10 +step-failed +share +shares .* division by zero$/m)
  expect(list).toMatch(/^ +1 +decode-failed +readings +shares /m)
  expect(list.match(/^\d\/\d+ .* step-failed/gm)).toHaveLength(10)
  const shown = (await workspace.ok('dead show readings 0/0')).stdout
  expect(shown).toContain('reason   step-failed: division by zero')
  expect(shown).toMatch(/^00000000 {2}7b 22 64 65 /m)
  const raw = (await workspace.ok('dead show readings 0/0 --raw')).stdout
  expect(JSON.parse(raw)).toMatchObject({ total: 0 })
  await workspace.ok('dead discard readings --reason decode-failed')

  // Beside the pipeline, which runs by now.
  workspace.write('shares.ts', pipelineText(fixed))
  const running = workspace.start('run', 'shares.ts')
  await running.until(({ stderr }) => stderr.includes('runs on'), 'its start')
  expect((await workspace.ok('dead replay readings --dry-run')).stderr).toContain('10 letters')
  const replayed = await workspace.ok('dead replay readings')
  expect(replayed.stderr).toContain("10 letters replayed into readings, for 'shares'")
  const again = (await workspace.ok('dead replay readings')).stderr
  expect(again).toContain('no letter replayed\n12 had been replayed or discarded before')
  await workspace.ok('produce readings --json --key device', '{"device":"last","total":1}\n')
  await workspace.ok('consume shares --follow --max 41')
  expect((await running.kill('SIGINT')).code).toBe(0)
  await runUntil(workspace, 'devices.ts', { devices: 41 })
  const shares = (await values(workspace, 'shares')).map((line) => JSON.parse(line) as object)
  const expected = records.map(({ device, part, total }) => {
    return { device, share: total === 0 ? 0 : part / total }
  })
  expect(shares).toHaveLength(41)
  const known = shares.filter((one) => !('device' in one && one.device === 'last'))
  expect(new Set(known.map((one) => JSON.stringify(one)))).toEqual(
    new Set(expected.map((one) => JSON.stringify(one))),
  )
  // The pipeline that had taken them at once does not take them again.
  expect(await values(workspace, 'devices')).toHaveLength(41)
  expect((await workspace.ok('dead list')).stdout).toMatch(/^readings +dead +0 +10 +2$/m)
  const after = (await workspace.ok('dead show readings 0/0')).stdout
  expect(after).toMatch(/^state {4}replayed at /m)
  expect(after).toMatch(/^ {2}readings\/0\/\d+ +replayed$/m)
})

test('a record that dies again tells all of its history', async () => {
  using workspace = new Workspace({ limitMs: 30_000 })
  workspace.write('shares.ts', pipelineText(faulty))
  await workspace.ok('topics create readings --partitions 2')
  await workspace.ok('produce readings --json --key device', '{"device":"a","total":0}\n')
  await runUntil(workspace, 'shares.ts', { 'readings.dead': 1 })
  await workspace.ok('dead replay readings')
  await runUntil(workspace, 'shares.ts', { 'readings.dead': 2 })
  await workspace.ok('dead replay readings')
  const { stdout } = await workspace.ok('dead list readings --state any --json')
  const { counts, shown } = JSON.parse(stdout) as {
    counts: object
    shown: { partition: number; attempts: number }[]
  }
  expect(counts).toEqual({ open: 0, replayed: 2, discarded: 0 })
  expect(shown.map(({ attempts }) => attempts)).toEqual([0, 1])
  const place = `${shown[0]?.partition}`
  const text = (await workspace.ok(`dead show readings ${place}/1`)).stdout
  expect(text.slice(text.indexOf('history'), text.indexOf('\n\nvalue'))).toBe(
    [
      'history',
      `  readings/${place}/0       the record`,
      `  readings.dead/${place}/0  step-failed in share`,
      `  readings/${place}/1       replayed`,
      `  readings.dead/${place}/1  step-failed in share`,
      `  readings/${place}/2       replayed`,
    ].join('\n'),
  )
})

test('what cannot be done says what can', async () => {
  using workspace = new Workspace()
  await workspace.ok('topics create readings')
  const refused = async (line: string): Promise<string> => {
    const { code, stderr } = await workspace.run(line.split(' '))
    expect(code).toBeGreaterThan(0)
    return stderr
  }
  expect((await workspace.ok('dead list')).stderr).toBe('there are no letters\n')
  expect(await refused('dead list readings')).toContain("no dead letters of topic 'readings'")
  await workspace.ok('topics create readings.dead')
  expect(await refused('dead show readings 0')).toContain("as list shows them: '0/5'")
  expect(await refused('dead show readings 0/7')).toContain('no letter readings.dead/0/7')
  expect(await refused('dead replay readings --offset 7')).toContain('name it: --partition 0')
  expect(await refused('dead replay readings --kind late')).toContain('no late letters')
  expect(await refused('dead replay readings --since soon')).toContain("as '2024-05-06T07:08:09Z'")
  expect((await workspace.ok('dead replay readings')).stderr).toBe('no letter replayed\n')
})
