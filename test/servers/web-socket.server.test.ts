/** WebSocket as a source, on a server in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { runSource } from '../../src/connect/source-runner.ts'
import { webSocketSource } from '../../src/connect/sources/web-socket.ts'
import { systemClock } from '../../src/core/clock.ts'
import { openMemoryLog } from '../../src/log/memory/memory-log.ts'
import { freePort } from './mosquitto.ts'
import { until, valuesOf } from './wait.ts'

const program = fileURLToPath(new URL('web-socket-server.ts', import.meta.url))
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function startServer(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  closing.push(() => kill(child))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

test('a server that goes down, comes back and sends all again: each is there once', async () => {
  const port = await freePort()
  const server = await startServer(port)
  const log = openMemoryLog()
  const events: string[] = []
  const source = webSocketSource({
    url: `ws://127.0.0.1:${port}`,
    subscribe: 'from 0',
    id: (data) => String((JSON.parse(String(data)) as { n: number }).n),
  })
  const run = await runSource(log, source, {
    topic: 't',
    create: { partitions: 1 },
    clock: systemClock,
    dedupe: { withinMs: 600_000, max: 100_000 },
    attemptsMax: Number.POSITIVE_INFINITY,
    notify: ({ kind }) => void events.push(kind),
  })
  closing.push(() => run.stop())
  await until(() => run.status().recordCount > 100, 'a beginning')
  await kill(server)
  await until(() => events.includes('source-retrying'), 'the loss is noticed')
  const before = run.status().recordCount
  await startServer(port)
  await until(() => run.status().recordCount > before + 100, 'what follows')
  await run.stop()
  const numbers = (await valuesOf(log, 't')).map((text) => (JSON.parse(text) as { n: number }).n)
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i))
  expect(run.status().dedupe?.duplicates).toBeGreaterThanOrEqual(before)
})

test('a server that is not there is said, and awaited', async () => {
  const port = await freePort()
  const errors: unknown[] = []
  const source = webSocketSource({
    url: `ws://127.0.0.1:${port}/?token=sesame`,
    subscribe: 'from 5',
  })
  const run = await runSource(openMemoryLog(), source, {
    topic: 't',
    create: { partitions: 1 },
    clock: systemClock,
    attemptsMax: Number.POSITIVE_INFINITY,
    notify: (event) => void (event.kind === 'source-retrying' && errors.push(event.error)),
  })
  closing.push(() => run.stop())
  await until(() => errors.length > 1, 'failures')
  expect(errors[0]).toMatchObject({ code: 'source-failed' })
  expect(String(errors[0])).not.toContain('sesame')
  await startServer(port)
  await until(() => run.status().recordCount > 0, 'records')
})
