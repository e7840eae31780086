/** Our own process killed with -9 in the middle of writing to PostgreSQL: each row once. */
import { afterAll, beforeAll, expect } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { Workspace } from '../e2e/command.ts'
import { PostgresServer } from './postgres.ts'
import { whyNoServer } from './programs.ts'
import { testWith } from './server-test.ts'

const door = (name: string): string => new URL(`../../src/${name}.ts`, import.meta.url).pathname
const records = 30_000
const kills = 8
let server: PostgresServer

beforeAll(async () => {
  if (whyNoServer('postgres') === null) server = await PostgresServer.start()
}, 60_000)

afterAll(async () => {
  await server?.stop()
})

testWith('postgres')(
  'K5 kill -9 again and again: each row once, with its position',
  async () => {
    using workspace = new Workspace({ limitMs: 60_000 })
    workspace.write(
      'rows.ts',
      `import { from, json, topic } from '${door('index')}'
import { postgres } from '${door('postgres')}'
const readings = topic('readings', { codec: json(), key: 'record', partitions: 3 })
const rows = postgres('rows', { url: '${server.url}', table: 'readings', batch: 50 })
export default from(readings).to(rows)
`,
    )
    await server.query('CREATE TABLE readings (at bigserial, key text, n int)')
    await workspace.ok('topics create readings --partitions 3')
    const line = (n: number): string => `${JSON.stringify({ key: `k${n % 50}`, n })}\n`
    const lines = Array.from({ length: records }, (_, n) => line(n)).join('')
    await workspace.ok('produce readings --key key', lines)
    const written = async (): Promise<{ rows: number; numbers: number }> => {
      const [found] = await server.query<{ rows: number; numbers: number }>(
        'SELECT count(*)::int AS rows, count(DISTINCT n)::int AS numbers FROM readings',
      )
      return found ?? { rows: 0, numbers: 0 }
    }
    const seed = Date.now() % 1_000_000
    const random = seededRandom(seed)
    let atWork = 0
    for (let round = 0; round < kills * 3 && atWork < kills; round++) {
      const before = (await written()).rows
      if (before === records) break
      const wanted = before + 1 + random.int(Math.floor(records / kills))
      const running = workspace.start('run', 'rows.ts')
      while ((await written()).rows < Math.min(wanted, records)) {
        expect(running.child.exitCode, running.stderr).toBeNull()
      }
      await running.kill('SIGKILL')
      if ((await written()).rows > before) atWork += 1
    }
    const last = workspace.start('run', 'rows.ts')
    while ((await written()).rows < records) {
      expect(last.child.exitCode, last.stderr).toBeNull()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await last.kill('SIGTERM')
    expect(await written(), `seed ${seed}`).toEqual({ rows: records, numbers: records })
    expect(atWork, `seed ${seed}`).toBeGreaterThanOrEqual(3)
    const [positions] = await server.query<{ sum: number }>(
      'SELECT sum(next_offset)::int AS sum FROM millrace_positions',
    )
    expect(positions?.sum).toBe(records)
    const disorder = await server.query(
      `SELECT key FROM (SELECT key, n, lag(n) OVER (PARTITION BY key ORDER BY at) AS before
       FROM readings) AS r WHERE before > n`,
    )
    expect(disorder).toEqual([])
  },
  180_000,
)
