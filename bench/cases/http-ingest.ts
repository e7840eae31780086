/**
 * HTTP ingest: NDJSON batches of 1,000 records of 200 bytes from clients in a process of their own,
 * each request answered when its records are on disk.
 */
import { fork } from 'node:child_process'
import { request as httpRequest, Agent } from 'node:http'
import { systemClock } from '../../src/core/clock.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { startHttpServer } from '../../src/server/http-server.ts'
import { inTempDir, meter, report, throughput } from '../measure.ts'
import { purchase } from '../records.ts'

const recordsPerRequest = 1_000
const requests = 1_500
const warmUpRequests = 200
const clients = 4

/** What a client process is told, and tells. */
interface Order {
  readonly url: string
  readonly requests: number
}

if (process.send === undefined) await serve()
else process.on('message', (order: Order) => void send(order))

async function serve(): Promise<void> {
  await inTempDir(async (dir) => {
    const log = await openEmbeddedLog({ dir })
    await log.createTopic('records', { partitions: 4 })
    const server = await startHttpServer(
      { port: 0 },
      {
        log,
        clock: systemClock,
        version: '',
        plans: [],
        run: () => null,
        onFault: (thrown) => console.error(thrown),
      },
    )
    const child = fork(import.meta.filename)
    const run = (count: number): Promise<void> =>
      new Promise((resolve, reject) => {
        child.once('exit', () => reject(new Error('the clients ended early')))
        child.once('message', () => {
          child.removeAllListeners('exit')
          resolve()
        })
        child.send({ url: `${server.url}/topics/records`, requests: count } satisfies Order)
      })
    await run(warmUpRequests)
    const measured = meter()
    await run(requests)
    report(
      throughput({
        name: 'HTTP ingest, 200-byte records',
        records: requests * recordsPerRequest,
        seconds: measured.seconds(),
        cpuSeconds: measured.cpuSeconds(),
        aimPerSecond: 100_000,
        note: `NDJSON, ${recordsPerRequest} a request, ${clients} connections, fsynced`,
      }),
    )
    const { partitions } = await log.describeTopic('records')
    const written = partitions.reduce((sum, { endOffset }) => sum + endOffset, 0)
    if (written !== (requests + warmUpRequests) * recordsPerRequest) {
      throw new Error(`${written} records were written`)
    }
    child.disconnect()
    await server.close()
    await log.close()
  })
}

async function send({ url, requests: count }: Order): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const bodies = Array.from({ length: 20 }, (_, n) =>
    Buffer.from(
      Array.from(
        { length: recordsPerRequest },
        (_unused, i) => `${JSON.stringify(purchase(n * recordsPerRequest + i))}\n`,
      ).join(''),
    ),
  )
  let left = count
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await post(url, bodies[left % bodies.length] as Buffer, agent)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  agent.destroy()
  process.send?.('done')
}

function post(url: string, body: Buffer, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/x-ndjson', 'Content-Length': body.length }
    const sent = httpRequest(url, { method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.once('end', () => {
        if (response.statusCode === 202) resolve()
        else reject(new Error(`status ${response.statusCode}`))
      })
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
