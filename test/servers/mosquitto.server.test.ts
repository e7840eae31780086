import { connect } from 'node:net'
import { expect } from 'vitest'
import { Mosquitto } from './mosquitto.ts'
import { testWith } from './server-test.ts'

testWith('mosquitto')('mosquitto comes up, goes down and comes up again on its port', async () => {
  const broker = await Mosquitto.start()
  try {
    expect(await canConnect(broker.port)).toBe(true)
    await broker.down()
    expect(await canConnect(broker.port)).toBe(false)
    await broker.up()
    expect(await canConnect(broker.port)).toBe(true)
  } finally {
    await broker.stop()
  }
})

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
