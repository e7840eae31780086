/** The sink of files on a disk that becomes full, for real. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** The mount is seen by the child only, and ends with it. */
const onSmallDisk =
  'mount -t tmpfs -o size=8m millrace-test "$2" || exit 77; exec "$0" "$3" "$1" "$2"'

test(
  'K5 a full disk is told; with room again each record is in one file',
  { timeout: 120_000 },
  async (context) => {
    if (process.platform !== 'linux') return context.skip('a small disk is mounted on Linux only')
    const root = mkdtempSync(join(tmpdir(), 'millrace-full-files-'))
    try {
      const disk = join(root, 'disk')
      mkdirSync(disk)
      const program = fileURLToPath(new URL('full-disk.ts', import.meta.url))
      const namespace = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user']
      const shell = ['sh', '-c', onSmallDisk, process.execPath, join(root, 'data'), disk, program]
      const child = spawn('unshare', [...namespace, ...shell])
      let output = ''
      let errors = ''
      child.stdout.on('data', (piece: Buffer) => (output += piece.toString()))
      child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()))
      const failed = new Promise<number>((resolve) => child.on('error', () => resolve(127)))
      const status = await Promise.race([
        once(child, 'close').then(([code]) => Number(code)),
        failed,
      ])
      if (status === 127) return context.skip('unshare cannot be started')
      if (status === 77 || errors.startsWith('unshare: '))
        return context.skip(`no small disk can be mounted: ${errors.trim()}`)
      expect(status, errors).toBe(0)
      const report = JSON.parse(output.trim()) as { filesWhenFull: number; recordsWhenFull: number }
      // A floor on useful work: it became full behind some files, and before the last.
      expect(report.filesWhenFull).toBeGreaterThan(0)
      expect(report.recordsWhenFull).toBeLessThan(30_000)
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  },
)
