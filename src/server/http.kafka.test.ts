import { expect } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../test/kafka/broker.ts'
import { EventListener } from '../../test/http/event-listener.ts'
import { TestServer } from '../../test/http/http-server.ts'
import { openKafkaLog } from '../log/kafka/kafka-log.ts'

kafkaTest('records by HTTP to Kafka: offsets, and once over two servers', async () => {
  const topic = uniqueName('http')
  const open = () => openKafkaLog({ brokers })
  await using one = await TestServer.start({ log: await open() })
  await using two = await TestServer.start({ log: await open() })
  await one.log.createTopic(topic, { partitions: 3 })
  const lines = Array.from({ length: 3_000 }, (_, i) => ({ k: `k${i % 40}`, i }))
  const headers = { 'Idempotency-Key': 'a' }
  expect((await one.post('/topics/p-main-changelog', [1])).status).toBe(403)
  const plain = await one.post(`/topics/${topic}?key=/k`, lines.slice(0, 10))
  expect(plain.status).toBe(202)
  const first = await one.post(`/topics/${topic}?key=/k`, lines, { headers })
  expect(first.status).toBe(202)
  for (const server of [one, two]) {
    const again = await server.post(`/topics/${topic}?key=/k`, lines, { headers })
    expect(again.headers['idempotent-replayed']).toBe('true')
    expect(again.text).toBe(first.text)
  }
  // One that had not been there, and a third that comes later.
  const other = { headers: { 'Idempotency-Key': 'b' } }
  const taken = await two.post(`/topics/${topic}`, [1, 2], other)
  await using three = await TestServer.start({ log: await open() })
  expect((await three.post(`/topics/${topic}`, [1, 2], other)).text).toBe(taken.text)
  const page = await three.ask(`/topics/${topic}/records?limit=1000&last=1000`)
  expect((page.json['records'] as unknown[]).length).toBe(1_000)
  const runs = first.json['appended'] as { partition: number; first: number; count: number }[]
  expect(runs.reduce((sum, { count }) => sum + count, 0)).toBe(3_000)
  for (const { partition, first: offset, count } of runs) {
    const at = await three.ask(
      `/topics/${topic}/records?partition=${partition}&offset=${offset}&limit=1&values=json`,
    )
    const [record] = at.json['records'] as { offset: number; value: { k: string } }[]
    expect(record?.offset).toBe(offset)
    expect(count).toBeGreaterThan(0)
  }
  expect((await three.ask('/health/ready')).status).toBe(200)
  expect((await three.ask('/metrics')).text).toContain(`topic="${topic}",partition="2"`)
})

kafkaTest(
  'records of a topic on Kafka as they are committed; who was cut off goes on',
  async () => {
    const topic = uniqueName('stream')
    await using server = await TestServer.start({ log: await openKafkaLog({ brokers }) })
    await server.log.createTopic(topic, { partitions: 2 })
    const path = `/topics/${topic}/stream?values=json`
    const first = await EventListener.open(server.port, path)
    const lines = Array.from({ length: 500 }, (_, i) => ({ k: `k${i % 40}`, i }))
    const sent = await server.post(`/topics/${topic}?key=/k`, lines)
    expect(sent.status).toBe(202)
    const events = (await first.until(200)).slice(0, 200)
    first.close()
    const last = events.at(-1)?.id ?? ''
    const second = await EventListener.open(server.port, path, { 'Last-Event-ID': last })
    const rest = await second.until(300)
    second.close()
    const numbers = [...events, ...rest].map(({ data }) => (data['value'] as { i: number }).i)
    expect(numbers.toSorted((a, b) => a - b)).toEqual(lines.map(({ i }) => i))
  },
)
