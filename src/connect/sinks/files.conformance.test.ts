/** The suite of sinks on real files: each write makes a file of its own, which is read back. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import { MemoryStore } from '../../log/memory/memory-store.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import { defineSinkConformance } from '../sink.conformance.ts'
import type { ConformanceValue } from '../sink.conformance.ts'
import { files } from './files.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-files-suite-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const dir = join(root, 'out')
const away = join(root, 'away')

defineSinkConformance(test, {
  name: 'files',
  sink: () =>
    files('s', {
      dir,
      format: 'ndjson',
      fileBytesMax: 1,
      batch: 7,
      retries: 2,
      backoff: '10ms',
      backoffMax: '50ms',
      timeout: '2s',
    }),
  async begin() {
    for (const folder of [dir, away]) rmSync(folder, { recursive: true, force: true })
  },
  async arrived() {
    const names = readdirSync(existsSync(dir) ? dir : away).filter((name) => name.startsWith('s-'))
    // By their first offsets: names begin with the time.
    const offsetOf = (name: string): string => name.replace(/^.*-p/, '')
    return names
      .toSorted((a, b) => (offsetOf(a) < offsetOf(b) ? -1 : 1))
      .flatMap((name) => readFileSync(join(dir, name), 'utf8').trimEnd().split('\n'))
      .map((line) => JSON.parse(line) as ConformanceValue)
  },
  outage: {
    stop: async () => renameSync(dir, away),
    start: async () => renameSync(away, dir),
  },
  refuses: false,
  knowsIds: true,
  newLog() {
    const store = new MemoryStore()
    return () => openMemoryLog({ store })
  },
})
