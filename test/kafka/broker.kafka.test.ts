import { connect } from 'node:net'
import { expect } from 'vitest'
import { brokers, kafkaTest } from './broker.ts'

kafkaTest('the brokers of a test run answer', async () => {
  for (const broker of brokers) {
    const [host = '', port] = broker.split(':')
    const isThere = await new Promise((resolve) => {
      const socket = connect(Number(port), host, () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    expect(isThere).toBe(true)
  }
})
