/** What power cuts have found, again, and a quick look with every change. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { powerLoss } from './power-loss.ts'

test('L5 a power cut does not take a new directory with what was acknowledged', async (context) => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-power-'))
  try {
    // Seed 1 found that the name of a directory the log had made was on no disk.
    const report = await powerLoss({ dir, seed: 1, mode: 'one', images: 12 })
    if ('skipped' in report) return context.skip(report.skipped)
    assert.equal(report.images, 12)
    assert.ok(report.lost > 50, `only ${report.lost} writes were lost`)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('L5 a power cut after a failed fsync takes nothing that was acknowledged', async (context) => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-power-'))
  try {
    // Seed 3 found what a failed fsync had dropped counted as committed by the next process.
    const report = await powerLoss({ dir, seed: 3, mode: 'one', images: 25, failing: true })
    if ('skipped' in report) return context.skip(report.skipped)
    assert.equal(report.images, 25)
    assert.ok(report.failures > 0, 'no fsync failed')
  } finally {
    rmSync(dir, { recursive: true })
  }
})
