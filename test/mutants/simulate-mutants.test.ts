/** The simulator is tested: it finds logs that are wrong where a pipeline can suffer from it. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { MillraceError } from '../../src/core/error.ts'
import { count, from, json, sum, topic, tumbling } from '../../src/index.ts'
import { inputOf } from '../../src/testing/simulate/simulation-input.ts'
import { simulateOn } from '../../src/testing/simulate/simulate.ts'
import { logMutants } from './log-mutants.ts'
import { change, type LogMutant, withSessions } from './wrap-log.ts'

interface Sale {
  readonly shop: string
  readonly euros: number
  readonly at: number
}
const sales = topic('sales', {
  codec: json<Sale>(),
  key: (sale) => sale.shop,
  time: (sale) => sale.at,
  partitions: 2,
})
const pipeline = () =>
  from(sales)
    .window(tumbling('1m'))
    .aggregate({ n: count(), euros: sum((sale: Sale) => sale.euros) })
    .to(topic('totals'))
/** So many shops that their state does not fit into the smallest slice of a commit. */
const values = Array.from({ length: 150 }, (_, i): Sale => {
  return { shop: `shop ${i % 70}`, euros: i, at: i * 500 }
})
const options = { input: inputOf(sales, values), seeds: 60, shrinkFor: '300ms' as const }

/** What a pipeline that reads, commits and restores can suffer from. */
const found: readonly string[] = [
  'ignores the fence',
  'checks the fence only after appending the records',
  'shows the records of a commit before it is complete',
  'forgets the offsets of a commit',
  'takes -1 for the beginning',
  'lets every commit delete the changelog before it',
  'loses the last commit when the log is closed',
  'cuts the first record off every polled batch',
]

/** As a log would do it that lets single blobs or appends go. */
const ownMutants: readonly Pick<LogMutant, 'name' | 'wrap'>[] = [
  {
    name: 'does not give the oldest blob of state back',
    wrap: (log) =>
      withSessions(log, (session) =>
        change(session, {
          restore: async function* () {
            let isFirst = true
            for await (const blob of session.restore()) {
              if (!isFirst) yield blob
              isFirst = false
            }
          },
        }),
      ),
  },
  {
    name: 'keeps offsets and records of a commit and loses its state',
    wrap: (log) =>
      withSessions(log, (session) =>
        change(session, { commit: (batch) => session.commit({ ...batch, changelog: null }) }),
      ),
  },
]

async function simulated(wrap: LogMutant['wrap']): Promise<MillraceError | null> {
  try {
    await simulateOn(wrap, pipeline(), options)
    return null
  } catch (thrown) {
    assert.ok(thrown instanceof MillraceError, String(thrown))
    return thrown
  }
}

test('the log itself passes with the same seeds', async () => {
  assert.equal(await simulated((log) => log), null)
})

for (const { name, wrap } of [
  ...logMutants.filter((one) => found.includes(one.name)),
  ...ownMutants,
]) {
  test(`a simulation finds a log that ${name}`, async () => {
    const error = await simulated(wrap)
    assert.equal(error?.code, 'simulation-failed', String(error))
    // What goes wrong without a fault has no seed.
    assert.match(error.message, /^seed \d+: [^]+faults [^]+input [^]+what happened:|without any/)
  })
}

test('the list names mutants that there are', () => {
  const names = logMutants.map(({ name }) => name)
  assert.deepEqual(
    found.filter((name) => !names.includes(name)),
    [],
  )
})

test('a hand-over finds a log that ignores the fence, and one that loses state', async () => {
  const faults = ['hand-over', 'pause', 'small-reads'] as const
  const shared = { ...options, faults, tasks: 'per-partition' } as const
  await simulateOn((log) => log, pipeline(), { ...shared, seeds: 20 })
  const wrong = [
    logMutants.find((one) => one.name === 'ignores the fence'),
    ownMutants.find((one) => one.name.startsWith('keeps offsets and records')),
  ]
  for (const mutant of wrong) {
    assert.ok(mutant !== undefined)
    await assert.rejects(simulateOn(mutant.wrap, pipeline(), shared), /process \d starts/)
  }
})
