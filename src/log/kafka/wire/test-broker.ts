/** A broker in this process that answers just enough, and misbehaves as a test wants it. */
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { Reader, Writer } from '@platformatic/kafka'
import { api } from './api.ts'
import { apiVersions } from './requests/api-versions.ts'
import { findCoordinator } from './requests/find-coordinator.ts'
import { metadata } from './requests/metadata.ts'

/** Gives back its number. */
export const ping = api<number, number>({
  name: 'Ping',
  key: 1_000,
  version: 1,
  flexible: true,
  write: (writer, number) => void writer.appendInt32(number).appendTaggedFields(),
  read: (reader) => reader.readInt32(),
})

export interface Asked {
  readonly key: number
  readonly correlation: number
  /** Counts the connections from 1. */
  readonly connection: number
  /** Of a ping. */
  readonly number: number
  /** Of a question about topics. */
  readonly topics: readonly string[]
}

/** What it does with a request; null: nothing at all. Default: `answer`. */
export type Behaviour = 'answer' | 'half' | 'reset' | 'close' | Buffer | null

export interface FakeTopic {
  readonly name: string
  readonly code?: number
  readonly leaderEpoch?: number
}

export class FakeBroker {
  readonly place: string
  readonly port: number
  readonly asked: Asked[] = []
  connectionCount = 0
  behave: (asked: Asked) => Behaviour = () => 'answer'
  versions: readonly (readonly [key: number, min: number, max: number])[] = [
    [apiVersions.key, 0, 4],
    [metadata.key, 0, 13],
    [findCoordinator.key, 0, 6],
    [ping.key, 1, 3],
  ]
  versionsCode = 0
  brokers: readonly { readonly node: number; readonly port: number }[]
  topics: readonly FakeTopic[] = []
  coordinator: { code: number; port: number }
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
    this.place = `127.0.0.1:${port}`
    this.brokers = [{ node: 1, port }]
    this.coordinator = { code: 0, port }
    server.on('connection', (socket) => this.#serve(socket))
  }

  static async start(port = 0): Promise<FakeBroker> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    const address = server.address()
    return new FakeBroker(server, typeof address === 'object' ? (address?.port ?? 0) : 0)
  }

  /** How often it was asked this. */
  count(key: number): number {
    return this.asked.filter((one) => one.key === key).length
  }

  /** Resets all connections and takes no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy()
    if (this.#server.listening) await new Promise((done) => this.#server.close(done))
  }

  #serve(socket: Socket): void {
    this.connectionCount += 1
    const connection = this.connectionCount
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    let bytes = Buffer.alloc(0)
    socket.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more])
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const size = bytes.readInt32BE(0)
        this.#take(socket, connection, bytes.subarray(4, 4 + size))
        bytes = bytes.subarray(4 + size)
      }
    })
  }

  #take(socket: Socket, connection: number, request: Buffer): void {
    const key = request.readInt16BE(0)
    const correlation = request.readInt32BE(4)
    const bodyAt = 8 + 2 + request.readInt16BE(8) + 1
    const body = Reader.from(request.subarray(bodyAt))
    const number = key === ping.key ? body.readInt32() : 0
    const topics = key === metadata.key ? namesIn(body) : []
    const asked: Asked = { key, correlation, connection, number, topics }
    this.asked.push(asked)
    const behaviour = this.behave(asked)
    if (behaviour === null) return
    if (Buffer.isBuffer(behaviour)) socket.write(behaviour)
    else if (behaviour === 'reset') socket.resetAndDestroy()
    else if (behaviour === 'close') socket.end()
    else {
      const answer = this.#answer(asked)
      if (behaviour === 'answer') socket.write(answer)
      else socket.end(answer.subarray(0, answer.length - 2))
    }
  }

  #answer({ key, correlation, number, topics }: Asked): Buffer {
    const writer = Writer.create().appendInt32(correlation)
    if (key !== apiVersions.key) writer.appendTaggedFields()
    switch (key) {
      case apiVersions.key:
        this.#writeVersions(writer)
        break
      case metadata.key:
        this.#writeMetadata(writer, topics)
        break
      case findCoordinator.key:
        writer.appendInt32(0).appendArray([this.coordinator], (w, { code, port }) => {
          w.appendString('it').appendInt32(1).appendString('127.0.0.1').appendInt32(port)
          w.appendInt16(code).appendString(null)
        })
        break
      default:
        writer.appendInt32(number)
    }
    return writer.appendTaggedFields().prependLength().buffer
  }

  #writeVersions(writer: Writer): void {
    writer.appendInt16(this.versionsCode)
    writer.appendArray([...this.versions], (w, [key, min, max]) => {
      w.appendInt16(key).appendInt16(min).appendInt16(max)
    })
    writer.appendInt32(0)
  }

  #writeMetadata(writer: Writer, names: readonly string[]): void {
    writer.appendInt32(0).appendArray([...this.brokers], (w, { node, port }) => {
      w.appendInt32(node).appendString('127.0.0.1').appendInt32(port).appendString(null)
    })
    writer.appendString('cluster-1').appendInt32(1)
    const absent = (name: string): FakeTopic => ({ name, code: 3 })
    const found = names.map((name) => this.topics.find((one) => one.name === name) ?? absent(name))
    writer.appendArray(found, (w, { name, code = 0, leaderEpoch = 0 }) => {
      w.appendInt16(code).appendString(name).appendUUID(null).appendBoolean(false)
      w.appendArray(code === 0 ? [leaderEpoch] : [], (p, epoch) => {
        p.appendInt16(0).appendInt32(0).appendInt32(1).appendInt32(epoch)
        for (let i = 0; i < 3; i++) p.appendArray([], () => {})
      })
      w.appendInt32(0)
    })
  }
}

function namesIn(body: Reader): readonly string[] {
  const names = body.readNullableArray((r) => {
    r.readUUID()
    return r.readString()
  })
  return names ?? []
}
