import { expect, test } from 'vitest'
import { median, reportTable } from './report.ts'

test('a row for each kind that came, times alone and with another fault', () => {
  const one = (kind: string, recoveryMs: number, isOverlapped = false) => {
    return { kind, recoveryMs, isOverlapped }
  }
  const measured = [one('kill', 900), one('kill', 100), one('kill', 400), one('stop', 50, true)]
  const rows = reportTable(measured).split('\n')
  expect(rows.map((row) => row.split('|').map((cell) => cell.trim())).slice(2)).toEqual([
    ['', 'kill -9 of a process, restart at once', '3', '0.4 s', '0.9 s', '0', '–', '–', ''],
    ['', 'SIGTERM of a process, restart', '0', '–', '–', '1', '0.1 s', '0.1 s', ''],
  ])
})

test('the middle of an even number is the lower one', () => {
  expect(median([4, 1, 2, 3])).toBe(2)
  expect(median([])).toBeNaN()
})
