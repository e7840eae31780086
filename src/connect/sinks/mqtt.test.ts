import { expect, test } from 'vitest'
import { MillraceError } from '../../core/error.ts'
import { failureKind } from '../delivery/failure.ts'
import { mqtt, publishError } from './mqtt.ts'
import type { MqttSinkOptions } from './mqtt.ts'

const options: MqttSinkOptions<unknown, unknown> = { url: 'mqtt://127.0.0.1:1883', topic: 'a/b' }

test.for([
  [0x87, 'not authorised', 'refused'],
  [0x90, 'topic name invalid', 'refused'],
  [0x99, 'payload format invalid', 'refused'],
  [0x97, 'quota exceeded', 'unavailable'],
  [0x80, 'unspecified', 'failed'],
  [0x91, 'packet identifier in use', 'failed'],
] as const)('the reason %i, %s, is %s', ([code, text, kind]) => {
  expect(failureKind(publishError('a', Object.assign(new Error(text), { code })))).toBe(kind)
})

test('is named and typed, and one by one unless it is told', () => {
  const sink = mqtt({ ...options, name: 'alarms', batch: 20 })
  expect([sink.name, sink.type, sink.delivery.batch]).toEqual(['alarms', 'mqtt', 20])
  expect(mqtt(options).delivery).toMatchObject({ batch: 1, order: 'key' })
})

test('what the broker will never take is refused, what it may take later waits', () => {
  const said = (code: number) => publishError('a', Object.assign(new Error('no'), { code }))
  expect(said(0x90)).toMatchObject({ code: 'sink-refused' })
  expect(said(0x97)).toMatchObject({ code: 'sink-unavailable' })
})

test.for([
  ['a wildcard', { topic: 'a/#' }],
  ['no topic', { topic: '' }],
  ['QoS 2', { qos: 2 }],
  ['retain that is no boolean', { retain: 'yes' }],
  ['a payload that is no function', { payload: 'a' }],
  ['an address of another kind', { url: 'http://mill:sesame@host' }],
  ['an option that there is not', { topics: 'a' }],
  ['a name that no sink has', { name: 'a b' }],
] as const)('refuses %s', ([, wrong]) => {
  const make = (): unknown => mqtt({ ...options, ...wrong } as unknown as typeof options)
  expect(make).toThrow(MillraceError)
  expect(make).not.toThrow(/sesame/)
})
