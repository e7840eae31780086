import { expect, test } from 'vitest'
import type { ErrorCode } from '../../../core/error.ts'
import { committedOffsets } from './committed-offsets.ts'
import { scriptedCluster } from './test-cluster.ts'

const places = [0, 1].map((partition) => ({ topic: 't', partition }))

function fetched(
  code: number,
  ...offsets: readonly (readonly [number, number, number])[]
): unknown {
  const list = offsets.map(([partition, offset, own]) => ({
    topic: 't',
    partition,
    offset,
    metadata: `m${partition}`,
    code: own,
  }))
  return [{ group: 'g', code, offsets: list }]
}

test('in the order asked for, null where there is none', async () => {
  const { cluster, requests } = scriptedCluster({
    OffsetFetch: [fetched(0, [1, -1, 0], [0, 7, 0])],
  })
  expect(await committedOffsets(cluster, 'g', places)).toEqual([
    { offset: 7, metadata: 'm0' },
    null,
  ])
  expect(requests).toEqual([
    {
      name: 'OffsetFetch',
      to: { group: 'g' },
      request: { groups: [{ group: 'g', places }], requireStable: true },
    },
  ])
  expect(await committedOffsets(cluster, 'g', [])).toEqual([])
  expect(requests).toHaveLength(1)
})

test('an unknown group has committed nothing', async () => {
  const { cluster } = scriptedCluster({ OffsetFetch: [fetched(69)] })
  expect(await committedOffsets(cluster, 'g', places)).toEqual([null, null])
})

test('waits for open transactions and for the coordinator, 20 to 50 ms at a time', async () => {
  const answers = [
    fetched(0, [0, -1, 88], [1, 3, 0]),
    fetched(14),
    fetched(16),
    fetched(0, [0, 4, 0], [1, 3, 0]),
  ]
  const { cluster, sent, forgotten } = scriptedCluster({ OffsetFetch: answers })
  const found = await committedOffsets(cluster, 'g', places)
  expect(found.map((one) => one?.offset)).toEqual([4, 3])
  expect(sent).toHaveLength(4)
  expect(cluster.clock.monotonic()).toBe(20 + 40 + 50)
  expect(forgotten).toEqual([{ group: 'g' }, { group: 'g' }])
})

test.each([
  [88, 'log-busy', 'transaction'],
  [16, 'log-failed', 'NOT_COORDINATOR'],
  [30, 'not-authorised', 'Describe on group g'],
  [-1, 'log-failed', 'UNKNOWN_SERVER_ERROR'],
] satisfies [number, ErrorCode, string][])('code %d for ever is %s', async (code, is, says) => {
  const { cluster } = scriptedCluster({ OffsetFetch: [fetched(code)] })
  const error = await committedOffsets(cluster, 'g', places).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: is })
  expect(`${String(error)} ${(error as { hint: string }).hint}`).toContain(says)
  expect(cluster.clock.monotonic()).toBeLessThanOrEqual(60_000)
})

test('the right to see a topic is named', async () => {
  const { cluster } = scriptedCluster({ OffsetFetch: [fetched(0, [0, -1, 29])] })
  await expect(committedOffsets(cluster, 'g', places)).rejects.toMatchObject({
    code: 'not-authorised',
    hint: expect.stringContaining('Describe on topic t'),
    at: { topic: 't', partition: 0 },
  })
})
