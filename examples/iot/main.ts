/**
 * `npm run example iot`: the recording played through MQTT, in a few seconds. What it needs and
 * this machine has not (mosquitto, PostgreSQL) is left out, and said. Options: `--speed N`,
 * `--log kafka://host:port`, `--stay` (go on until Ctrl-C, to look at the page).
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { from, json, pipeline, run, topic } from 'millrace'
import { mqtt } from 'millrace/mqtt'
import { Mosquitto } from '../../test/servers/mosquitto.ts'
import { PostgresServer } from '../../test/servers/postgres.ts'
import { whyNoServer } from '../../test/servers/programs.ts'
import { devices, judged, plant, readings, type Judged, type Reading } from './plant.ts'
import { citation, field, readRecording, type Recorded } from './recording.ts'

const { values: options } = parseArgs({
  options: {
    speed: { type: 'string', default: '1500' },
    log: { type: 'string' },
    stay: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const found = readRecording()
if (found === null) {
  say('The recording is not installed: npm install in this folder brings it.')
  process.exit(1)
}
const recording = found
say(`${recording.readings.length} readings of ${recording.devices.size} sensors, 7 hours.`)
say(`${citation}\n`)

const dir = mkdtempSync(join(tmpdir(), 'millrace-iot-'))
const told: { status: string; key: string; since: number; at: number; value: Judged }[] = []
const pager = await startPager()
const broker = await startServer('mosquitto', () =>
  Mosquitto.start({ settings: ['max_queued_messages 0'] }),
)
const database = await startServer('postgres', () => PostgresServer.start())
await database?.query(`CREATE TABLE minutes (mote text, minute timestamptz, readings bigint,
  humidity float8, temperature float8, hottest float8, faults int, PRIMARY KEY (mote, minute))`)

const registered = topic('registered', { codec: json<Reading>(), key: (r) => r.mote })
const program = plant({
  mqttUrl: broker?.url ?? null,
  webhookUrl: `http://127.0.0.1:${(pager.address() as AddressInfo).port}/alerts`,
  postgresUrl: database?.url ?? null,
  dir: join(dir, 'hours'),
})
const registering = Promise.withResolvers<void>()
const played = field(recording, Number(options.speed), registering.promise)
const publisher =
  broker === null
    ? pipeline('field', from(played).to(readings))
    : pipeline(
        'field',
        from(played).to(registered),
        from(registered).to(mqtt({ url: broker.url, topic: ({ mote }) => `plant/${mote}` })),
      )
const running = await run([program, publisher], {
  log: (options.log ?? 'embedded') as 'embedded',
  data: join(dir, 'data'),
  http: { port: 0, ui: true },
})
say(`The page: ${running.httpUrl}`)
await registerDevices()
registering.resolve()
const verdicts = await readVerdicts(recording.readings.length)
if (verdicts.size === recording.readings.length) {
  await settled()
  report(verdicts)
  if (options.stay) await running.done
} else {
  say(`It ended early, with ${verdicts.size} readings judged.`)
  process.exitCode = 1
}
await running.stop()
await Promise.all([broker?.stop(), database?.stop()])
pager.close()
rmSync(dir, { recursive: true, force: true })

async function startServer<S>(name: 'mosquitto' | 'postgres', start: () => Promise<S>) {
  const why = whyNoServer(name)
  if (why === null) return await start()
  say(`Without ${name}: ${why}`)
  return null
}

/** Who is paged: counts what it is told. */
async function startPager(): Promise<Server> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += String(part)))
    request.on('end', () => {
      told.push(JSON.parse(body) as (typeof told)[number])
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function registerDevices(): Promise<void> {
  for (const [mote, device] of recording.devices) {
    await fetch(`${running.httpUrl}/topics/${devices.spec.name}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Millrace-Key': mote },
      body: JSON.stringify(device),
    })
  }
}

/** By the stream that any client can read: all verdicts, as they are committed. */
async function readVerdicts(total: number): Promise<Map<string, Judged>> {
  const verdicts = new Map<string, Judged>()
  const path = `${running.httpUrl}/topics/${judged.spec.name}/stream?from=earliest&values=json`
  const controller = new AbortController()
  const { body } = await fetch(path, { signal: controller.signal })
  let rest = ''
  for await (const part of (body as ReadableStream<Uint8Array>).pipeThrough(
    new TextDecoderStream() as never,
  ) as ReadableStream<string>) {
    const events = (rest + part).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1]
      if (data === undefined) continue
      const { value } = JSON.parse(data) as { value: Judged }
      verdicts.set(`${value.mote} ${value.n}`, value)
    }
    if (verdicts.size >= total) break
  }
  controller.abort()
  return verdicts
}

/** Until the sinks have what there is: indoors it ends earlier, and is idle before hours close. */
async function settled(): Promise<void> {
  const counts = (): string =>
    JSON.stringify(running.deliveries().map(({ delivered, backlog }) => [delivered, backlog]))
  for (let before = ''; before !== counts();) {
    before = counts()
    await new Promise((resolve) => setTimeout(resolve, 7_000))
  }
}

function report(verdicts: ReadonlyMap<string, Judged>): void {
  const flagged = ({ mote, n }: Recorded): boolean =>
    verdicts.get(`${mote} ${n}`)?.fault === 'unusual'
  const events = recording.readings.filter(({ isEvent }) => isEvent)
  const marked = recording.readings.filter(flagged)
  const right = marked.filter(({ isEvent }) => isEvent).length
  const share = (part: number, of: number): string => (of === 0 ? '–' : (part / of).toFixed(3))
  say('')
  say(`labelled as events   ${events.length} readings`)
  say(`judged unusual       ${marked.length}, of which ${right} are labelled`)
  say(`precision            ${share(right, marked.length)}`)
  say(`recall               ${share(right, events.length)}`)
  say('(the limits were chosen on this recording: on another one they will do less well)')
  say('')
  for (const { status, key, since, at, value } of told) {
    const time = (ms: number): string => new Date(ms).toISOString().slice(11, 19)
    say(`${status.padEnd(9)} ${key} ${value.place.padEnd(8)} since ${time(since)}, at ${time(at)}`)
  }
  const written = running.deliveries().map(({ sink, delivered }) => `${sink} ${delivered}`)
  say(`\ndelivered: ${written.join(', ')}`)
  const names = readdirSync(join(dir, 'hours')).filter((name) => name.endsWith('.ndjson'))
  say(`files by the hour, those that are complete: ${names.length}, the first ${names[0] ?? '–'}`)
}
