/** The sensors' example as a user runs it: through real servers, to the end. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { testWith } from './server-test.ts'

const program = fileURLToPath(new URL('../../scripts/example.mjs', import.meta.url))

testWith('mosquitto')(
  'npm run example iot: every reading judged, alerts told, minutes and hours stored',
  async () => {
    const child = spawn(process.execPath, [program, 'iot', '--speed', '1500'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stdout.on('data', (part: Buffer) => (said += String(part)))
    child.stderr.on('data', (part: Buffer) => (said += String(part)))
    const code = await new Promise((resolve) => child.once('exit', resolve))
    expect(code, said).toBe(0)
    expect(said).toMatch(/^18914 readings of 4 sensors/)
    expect(said).toMatch(/ISSNIP 2010; data ODC-BY 1\.0 and CC BY 4\.0/)
    expect(said).toMatch(/^precision {12}1\.000$/m)
    expect(said).toMatch(/^recall {15}0\.993$/m)
    expect(said.match(/^firing {4}mote-[14] /gm)?.length).toBe(3)
    expect(said.match(/^resolved {2}mote-[14] /gm)?.length).toBe(2)
    expect(said).toMatch(/^delivered: pager 5, minutes \d+, hours \d+, mqtt 18914$/m)
  },
  120_000,
)
