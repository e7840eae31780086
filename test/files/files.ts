/** What the tests with real processes know of the records, and how they read files back. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { csvFields } from '../../src/connect/files/csv-row.ts'

export interface Numbered {
  readonly n: number
  readonly text: string
}

export function recordOf(n: number): Numbered {
  return { n, text: `record ${n}, "with"\nlines ${'x'.repeat(n % 50)}` }
}

/** @param program a file of this folder */
export function startProcess(program: string, args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(program, import.meta.url))
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

export function finalFiles(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).filter((name) => !name.startsWith('.')) : []
}

/** Every record of a final file. @throws where it is half, or anything in it is not as written */
export async function readFinal(path: string): Promise<number[]> {
  const rows = await rowsOf(path)
  return rows.map((row) => {
    assert.deepEqual(row, recordOf(row.n), `in ${path}`)
    return row.n
  })
}

async function rowsOf(path: string): Promise<Numbered[]> {
  if (path.endsWith('.parquet')) {
    return (await parquetReadObjects({ file: await asyncBufferFromFile(path) })) as Numbered[]
  }
  const text = readFileSync(path, 'utf8')
  assert.ok(text.endsWith('\n'), `${path} has no whole last row`)
  if (path.endsWith('.ndjson')) {
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Numbered)
  }
  const [head, ...rows] = text.slice(0, -1).split(/\n(?=\d+,")/)
  assert.equal(head, 'n,text')
  return rows.map((row) => {
    const [n = '', field = ''] = csvFields(row, ',') ?? []
    return { n: Number(n), text: field }
  })
}

/** The place of each record; every one in one file only. */
export async function readAll(dir: string, known: Map<string, number[]>): Promise<number[]> {
  for (const name of finalFiles(dir)) {
    // A final file never changes: what was read of it stands.
    if (!known.has(name)) known.set(name, await readFinal(join(dir, name)))
  }
  return [...known.values()].flat()
}

export async function reread(dir: string, known: ReadonlyMap<string, number[]>): Promise<void> {
  assert.deepEqual(finalFiles(dir).toSorted(), [...known.keys()].toSorted())
  for (const [name, rows] of known) assert.deepEqual(await readFinal(join(dir, name)), rows)
}
