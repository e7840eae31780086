import { expect, test } from 'vitest'
import { loaded } from './connect-mqtt.ts'

test('a package that is not there is said, with how to get it', async () => {
  const missing = async (): Promise<never> => {
    throw new Error("Cannot find package 'mqtt' imported from connect-mqtt.js")
  }
  const hint = 'install it: npm install mqtt'
  await expect(loaded(missing)).rejects.toMatchObject({ code: 'missing-dependency', hint })
  const broken = new Error('it does not parse')
  await expect(loaded(() => Promise.reject(broken))).rejects.toBe(broken)
  expect(await loaded(async () => 5)).toBe(5)
})
