/**
 * `npm run nexmark -- --bench`: each query in a process of its own, from memory and from the
 * embedded log, pinned to one core where the system can. Prints one table.
 */
import { fileURLToPath } from 'node:url'
import { canPin, printTable, runScript } from '../run-case.ts'
import type { Figure } from '../measure.ts'

export async function bench(ids: readonly string[], events: number): Promise<void> {
  const pin = canPin()
  const script = fileURLToPath(new URL('bench-case.ts', import.meta.url))
  const figures: Figure[] = []
  for (const id of ids) {
    for (const source of ['memory', 'embedded']) {
      process.stderr.write(`${id} from ${source} …\n`)
      figures.push(...(await runScript(script, [id, source, String(events)], pin)))
    }
  }
  printTable(figures)
  const cores = pin ? 'one core' : 'all cores, as this system cannot pin to one'
  process.stdout.write(
    `\n${events} generated events of profile X (cheap extra), on ${cores}; ` +
      'changelog and commits on, to a counting sink\n',
  )
}
