/** Storage and sharing that are wrong only where a process dies, the power goes, or tasks move. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { MillraceError } from '../../src/core/error.ts'
import { count, from, json, sum, topic, tumbling } from '../../src/index.ts'
import type { Log, Session } from '../../src/log/log.ts'
import type { MemoryTask } from '../../src/log/memory/memory-store.ts'
import type { FaultKind } from '../../src/testing/simulate/fault.ts'
import { inputOf } from '../../src/testing/simulate/simulation-input.ts'
import { simulateOn } from '../../src/testing/simulate/simulate.ts'
import { MemoryWorld, type World } from '../../src/testing/simulate/world.ts'
import { change, withSessions } from './wrap-log.ts'

interface Sale {
  readonly shop: string
  readonly euros: number
  readonly at: number
}
const sales = topic('sales', {
  codec: json<Sale>(),
  key: (sale) => sale.shop,
  time: (sale) => sale.at,
  partitions: 4,
})
const pipeline = () =>
  from(sales)
    .window(tumbling('1m'))
    .aggregate({ n: count(), euros: sum((sale: Sale) => sale.euros) })
    .to(topic('totals'))
const values = Array.from({ length: 150 }, (_, i): Sale => {
  return { shop: `shop ${i % 70}`, euros: i, at: i * 500 }
})

const shared = ['hand-over', 'small-reads'] as const
const dying = ['crash', 'small-reads'] as const

/** What the storage of one run needs to go wrong. */
interface Notes {
  /** Called in turn, when the power goes. */
  readonly unsynced: (() => void)[]
  /** Sessions that were opened and not closed, of the process that runs. */
  readonly open: Map<number, Set<Session>>
}

interface Mutant {
  readonly name: string
  /** Kinds that find it; without the rest. */
  readonly faults: readonly FaultKind[]
  /** The log of one process. */
  readonly log: (log: Log, world: MemoryWorld, notes: Notes, process: number) => Log
  readonly powerLost?: (notes: Notes) => void
  readonly crashed?: (notes: Notes, process: number) => void
}

/** Puts the task's offsets back to where they are now. */
function offsetsOf(task: MemoryTask): () => void {
  const offsets = new Map(task.offsets)
  return () => {
    task.offsets.clear()
    for (const [key, offset] of offsets) task.offsets.set(key, offset)
  }
}

const mutants: readonly Mutant[] = [
  {
    name: 'has the offsets of the last commit not on disk when the power goes',
    faults: dying,
    log: (log, world, { unsynced }) =>
      withSessions(log, (session) =>
        change(session, {
          commit: async (batch) => {
            const { pipeline: name, task } = session.spec
            const held = world.committed.tasks.get(JSON.stringify([name, task]))
            if (held !== undefined) unsynced.splice(0, 1, offsetsOf(held))
            return await session.commit(batch)
          },
        }),
      ),
    powerLost: ({ unsynced }) => unsynced.pop()?.(),
  },
  {
    name: 'writes once more, as the process that died, what it had committed last',
    faults: dying,
    log: (log, _world, { unsynced }) =>
      withSessions(log, (session) =>
        change(session, {
          commit: async (batch) => {
            const receipt = await session.commit(batch)
            const appends = batch.appends.map((one) => ({ ...one, bytes: one.bytes.slice() }))
            unsynced.splice(0, 1, () => void log.append(appends))
            return receipt
          },
        }),
      ),
    crashed: ({ unsynced }) => unsynced.pop()?.(),
  },
  {
    name: 'gives a task that moves without its state',
    faults: shared,
    log: (log, _world, { open }, process) =>
      withSessions(log, (session) => {
        const others = [...open].flatMap(([other, sessions]) =>
          other === process ? [] : [...sessions],
        )
        const isMoved = others.some(({ spec }) => spec.task === session.spec.task)
        open.set(process, (open.get(process) ?? new Set()).add(session))
        if (!isMoved || session.spec.task === '#plan') return session
        return change(session, { restore: async function* () {} })
      }),
  },
]

function worldOf({ log, powerLost, crashed }: Mutant): () => World {
  return () => {
    const notes: Notes = { unsynced: [], open: new Map() }
    const memory = new MemoryWorld((one) => one)
    return {
      open: (process, clock) => {
        const good = memory.open(process, clock)
        return process === 0 ? good : log(good, memory, notes, process)
      },
      crashed: (process) => crashed?.(notes, process),
      powerLost: () => powerLost?.(notes),
      committed: memory.committed,
    }
  }
}

async function simulated(world: () => World, faults: readonly FaultKind[]): Promise<string | null> {
  const input = inputOf(sales, values)
  const options = { input, seeds: 80, shrinkFor: '300ms', tasks: 'per-partition' } as const
  try {
    await simulateOn({ world }, pipeline(), { ...options, faults })
    return null
  } catch (thrown) {
    assert.ok(thrown instanceof MillraceError, String(thrown))
    assert.equal(thrown.code, 'simulation-failed', String(thrown))
    return thrown.message
  }
}

for (const faults of [dying, shared]) {
  test(`the storage itself passes: ${faults.join(', ')}`, async () => {
    assert.equal(await simulated(() => new MemoryWorld((log) => log), faults), null)
  })
}

for (const mutant of mutants) {
  test(`a simulation finds storage that ${mutant.name}`, async () => {
    const found = await simulated(worldOf(mutant), mutant.faults)
    assert.match(found ?? 'nothing was found', /^seed \d+: [^]+faults [^]+what happened:/)
    const [kind] = mutant.faults
    const others = mutant.faults.filter((one) => one !== kind)
    assert.equal(await simulated(worldOf(mutant), others), null, `also found without ${kind}`)
  })
}
