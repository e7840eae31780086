import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takeSlot, type Slot } from './slot.ts'

const url = new URL('slot.ts', import.meta.url).href
let directory = ''
const slots: Slot[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-slot-'))
})

afterEach(async () => {
  for (const slot of slots.splice(0)) await slot.release()
  rmSync(directory, { recursive: true, force: true })
})

async function take(group = 'orders'): Promise<Slot> {
  const slot = await takeSlot(directory, group)
  slots.push(slot)
  return slot
}

test('each takes the first free slot, and finds its instance id again', async () => {
  const first = await take()
  const second = await take()
  expect(basename(first.directory)).toBe('slot-0')
  expect(basename(second.directory)).toBe('slot-1')
  expect(second.instanceId).not.toBe(first.instanceId)

  await first.release()
  await first.release()
  const again = await take()
  expect(again.directory).toBe(first.directory)
  expect(again.instanceId).toBe(first.instanceId)
})

test('groups have slots of their own, whatever their names', async () => {
  const names = ['a', 'A', 'a/b', 'a_b', '..', '', 'ä', 'x'.repeat(300), 'y'.repeat(300)]
  const taken = await Promise.all(names.map((name) => take(name)))
  expect(new Set(taken.map((slot) => slot.directory.toLowerCase())).size).toBe(names.length)
  for (const slot of taken) {
    expect(basename(slot.directory)).toBe('slot-0')
    expect(dirname(dirname(slot.directory))).toBe(directory)
  }
})

test('a damaged instance id is replaced', async () => {
  const slot = await take()
  await slot.release()
  writeFileSync(join(slot.directory, 'instance-id'), slot.instanceId.slice(0, 7))
  const again = await take()
  expect(again.instanceId).toMatch(/^[0-9a-f-]{36}$/)
  await again.release()
  expect((await take()).instanceId).toBe(again.instanceId)
})

test('a process that is killed gives its slot up', async () => {
  const program = `const { takeSlot } = await import(${JSON.stringify(url)})
    const slot = await takeSlot(${JSON.stringify(directory)}, 'orders')
    console.log(slot.instanceId)
    setInterval(() => slot, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const instanceId = await new Promise<string>((resolve) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()))
  })
  const other = await take()
  expect(basename(other.directory)).toBe('slot-1')
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  const heir = await take()
  expect(basename(heir.directory)).toBe('slot-0')
  expect(heir.instanceId).toBe(instanceId)
})

test('a place that is no directory is refused', async () => {
  const path = join(directory, 'file')
  writeFileSync(path, '')
  await expect(takeSlot(path, 'orders')).rejects.toMatchObject({ code: 'log-failed' })
})

test('a directory that cannot be written is refused', () => {
  chmodSync(directory, 0o555)
  // Root may write anywhere.
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  const program = `const { takeSlot } = await import(${JSON.stringify(url)})
    await takeSlot(${JSON.stringify(directory)}, 'orders').catch(({ code }) => console.log(code))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    ...user,
  })
  expect(stdout).toBe('log-read-only\n')
  chmodSync(directory, 0o700)
})
