import { expect, test } from 'vitest'
import { VirtualClock } from '../core/clock.ts'
import type { Context } from './context.ts'
import { Progress, progressBar } from './progress.ts'

function onTerminal(isTerminal: boolean) {
  const clock = new VirtualClock()
  const written: string[] = []
  const context = {
    clock,
    isTerminal: { stdin: false, stdout: false, stderr: isTerminal },
    writeError: (text: string) => written.push(text),
  } as unknown as Context
  return { clock, written, progress: new Progress(context, 1000) }
}

test('shown after half a second, then five times a second, and taken away at the end', () => {
  const { clock, written, progress } = onTerminal(true)
  progress.update(1, 10)
  clock.advance(499)
  progress.update(2, 20)
  expect(written).toEqual([])
  clock.advance(1)
  progress.update(1000, 500)
  progress.update(1001, 501)
  expect(written).toEqual([
    '\r\u001b[K[############------------]  50%  1,000 records  500 B  2,000/s',
  ])
  clock.advance(200)
  progress.update(1400, 700)
  expect(written.length).toBe(2)
  progress.end()
  expect(written.at(-1)).toBe('\r\u001b[K')
})

test('nothing where standard error is no terminal', () => {
  const { clock, written, progress } = onTerminal(false)
  clock.advance(10_000)
  progress.update(1, 1)
  progress.end()
  expect(written).toEqual([])
})

test('the bar', () => {
  expect(progressBar(0, 10)).toBe(`[${'-'.repeat(24)}]   0%  `)
  expect(progressBar(20, 10)).toBe(`[${'#'.repeat(24)}] 100%  `)
  expect(progressBar(5, null)).toBe('')
})
