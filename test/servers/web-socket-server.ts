/**
 * A WebSocket server: `web-socket-server.ts PORT`. Who says `from N` is sent the numbers from N on,
 * one a millisecond; it says `listening` when it does.
 */
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]) })
server.on('listening', () => process.stdout.write('listening\n'))
server.on('connection', (socket) => {
  socket.on('message', (data: Buffer) => {
    const asked = /^from (\d+)$/.exec(data.toString())
    if (asked === null) return
    let next = Number(asked[1])
    const timer = setInterval(() => socket.send(JSON.stringify({ n: next++ })), 1)
    socket.once('close', () => clearInterval(timer))
  })
})
