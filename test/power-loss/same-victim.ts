/**
 * Does steps on the real log. Arguments: directory, a number, steps. It kills itself where they say
 * so, and goes on with the next one when it is started again. What it sees after each opening is
 * noted.
 */
import { existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { EmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { failSyncs, notesFile } from './recording.ts'
import { appendStep, topic, valuesIn } from './same-steps.ts'
import type { Step } from './same-steps.ts'

const [dir, , ...steps] = process.argv.slice(2) as [string, string, ...Step[]]
const notes = openSync(notesFile(), 'w')
const progress = `${notesFile()}.next`
/** Room for what is small. Of 16 KiB each. */
const pageCountMax = 100

const open = async (): Promise<EmbeddedLog> => {
  const opened = await openEmbeddedLog({ dir, writer: 'inline', pageCountMax })
  await opened.createTopic(topic, { recordBytesMax: 8 << 20 })
  writeSync(notes, JSON.stringify(await valuesIn(opened)))
  return opened
}
let log = await open()
for (let i = existsSync(progress) ? Number(readFileSync(progress)) : 0; i < steps.length; i++) {
  const step = steps[i] as Step
  writeFileSync(progress, String(i + 1))
  if (step === 'die') process.kill(process.pid, 'SIGKILL')
  else if (step === 'close') {
    await log.close()
    log = await open()
  } else {
    if (step.startsWith('fails')) failSyncs(1)
    await appendStep(log, step)
  }
}
process.exit(0)
