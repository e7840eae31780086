/** Which storage a simulated run has. */
import { DiskWorld } from './disk/disk-world.ts'
import type { Fault } from './fault.ts'
import type { Subject } from './subject.ts'
import { MemoryWorld, type World, type WorldRun } from './world.ts'

/** Where the subject does not say: on a disk where a fault of one is to come, else in memory. */
export function worldOf(
  {
    subject,
    faults,
    seed = null,
  }: {
    readonly subject: Subject
    readonly faults: readonly Fault[]
    readonly seed?: number | null
  },
  note: WorldRun['note'],
): World {
  if (subject.world !== undefined) return subject.world({ seed, note })
  const disk = faults.find((fault) => fault.kind === 'disk')
  return disk?.kind === 'disk' ? new DiskWorld(disk.seed) : new MemoryWorld()
}
