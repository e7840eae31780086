/** A whole connection to a broker that answers anything at all, its login included. */
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { systemClock } from '../../../src/core/clock.ts'
import { loadLibrary } from '../../../src/log/kafka/wire/library.ts'
import { Line } from '../../../src/log/kafka/wire/line.ts'
import { Writer } from '../../../src/log/kafka/wire/library-parts.ts'
import { metadata } from '../../../src/log/kafka/wire/requests/metadata.ts'
import { securityOf } from '../../../src/log/kafka/wire/security.ts'
import type { Subject, Target } from '../target.ts'

const timeoutMs = 300

/**
 * Of an input the first byte says whether there is a login (1), and whether answers get the length
 * and number that they must have (2); then each answer behind a byte that says how long it is.
 */
interface Script {
  readonly hasLogin: boolean
  readonly isFramed: boolean
  readonly answers: readonly Buffer[]
}

function scriptOf(bytes: Buffer): Script {
  const flags = bytes[0] ?? 0
  const answers: Buffer[] = []
  for (let at = 1; at < bytes.length;) {
    const end = at + 1 + (bytes[at] ?? 0)
    answers.push(bytes.subarray(at + 1, end))
    at = end
  }
  return { hasLogin: (flags & 1) !== 0, isFramed: (flags & 2) !== 0, answers }
}

function serve(socket: Socket, { answers, isFramed }: Script): void {
  let next = 0
  socket.on('error', () => {})
  socket.on('data', (request: Buffer) => {
    const answer = answers[next++]
    if (answer === undefined || request.length < 12) return void socket.end()
    const frame = Buffer.alloc(8)
    frame.writeInt32BE(answer.length + 4)
    request.copy(frame, 4, 8, 12)
    socket.write(isFramed ? Buffer.concat([frame, answer]) : answer)
    if (next >= answers.length) socket.end()
  })
}

async function openConnection(): Promise<Subject> {
  const library = await loadLibrary()
  const sasl = { mechanism: 'scram-sha-256', username: 'u', password: 'p' } as const
  const [open, guarded] = await Promise.all([securityOf({}), securityOf({ sasl })])
  let script = scriptOf(Buffer.alloc(0))
  const server = createServer((socket) => serve(socket, script))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    async run(bytes) {
      script = scriptOf(bytes)
      const line = new Line({
        library,
        clock: systemClock,
        clientId: 'fuzz',
        host: '127.0.0.1',
        port,
        security: script.hasLogin ? guarded : open,
        openTimeoutMs: timeoutMs,
        onAnswer: () => {},
        onLost: () => {},
      })
      try {
        await line.open()
        await line.call(metadata, { topics: ['t'] }, timeoutMs)
      } finally {
        await line.close()
      }
    },
    close: () => void server.close(),
  }
}

/** Each answer behind its length. */
function input(flags: number, ...answers: readonly Buffer[]): Buffer {
  return Buffer.concat([
    Buffer.of(flags),
    ...answers.flatMap((one) => [Buffer.of(one.length), one]),
  ])
}

const versions = Writer.create()
  .appendInt16(0)
  .appendArray([18, 3, 17, 36], (w, key) => {
    w.appendInt16(key).appendInt16(0).appendInt16(20)
  })
  .appendInt32(0)
  .appendTaggedFields().buffer
const handshake = Buffer.from('000000000001000d534352414d2d5348412d323536', 'hex')
const scramFirst = Writer.create()
  .appendInt16(0)
  .appendString(null)
  .appendBytes(Buffer.from('r=x,s=QSXCR+Q6sek8bf92,i=4096'))
  .appendInt64(0n)
  .appendTaggedFields().buffer

export const connectionTargets: readonly Target[] = [
  {
    name: 'connection/broker',
    seeds: [
      input(2, versions, Buffer.alloc(60)),
      input(3, versions, handshake, scramFirst),
      input(3, versions, handshake, Buffer.concat([Buffer.of(0), scramFirst])),
      input(0, Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ],
    codes: ['log-unreachable', 'log-unsupported', 'log-failed', 'not-authorised', 'log-closed'],
    bytesMax: 600,
    open: openConnection,
  },
]
