/**
 * From the start of `millrace run` to its first printed result, ten times, the topic being there.
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { inTempDir, report } from '../measure.ts'
import { fill } from '../records.ts'

const millrace = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url))
const pipeline = `import { from, json, topic } from 'millrace'
const purchases = topic('purchases', { codec: json<{ id: number }>() })
export default from(purchases).map((each) => each.id).print()
`

await inTempDir(async (dir) => {
  const log = await openEmbeddedLog({ dir })
  await log.createTopic('purchases', { partitions: 1 })
  await fill(log, 'purchases', 100)
  await log.close()
  const file = join(dir, 'first.ts')
  writeFileSync(file, pipeline)
  const times: number[] = []
  for (let i = 0; i < 10; i++) times.push(await firstResultMs(file, dir, `run-${i}`))
  const sorted = times.toSorted((a, b) => a - b)
  const middle = sorted[5] as number
  report({
    name: 'cold start of millrace run to the first result',
    reached: `${Math.round(middle)} ms`,
    score: middle,
    aim: '≤ 500 ms',
    met: middle <= 500,
    cpuSecondsPerMillion: null,
    note: `median of 10, ${Math.round(sorted[0] ?? 0)} to ${Math.round(sorted.at(-1) ?? 0)} ms`,
  })
})

function firstResultMs(file: string, dir: string, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const child = spawn(process.execPath, [millrace, 'run', file, '--data', dir, '--name', name], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let firstMs = Number.NaN
    child.stdout.once('data', () => {
      firstMs = performance.now() - startedMs
      child.kill('SIGINT')
    })
    child.once('exit', () =>
      Number.isNaN(firstMs) ? reject(new Error('no result was printed')) : resolve(firstMs),
    )
  })
}
