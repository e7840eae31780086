import { expect, test } from 'vitest'
import { createAdmin } from './admin.ts'
import { mergedOffsets } from './groups.ts'
import { membersText, ownersOf } from './group-owners.ts'
import { scriptedCluster } from './test-cluster.ts'

function part(group: string, ...offsets: readonly (readonly [string, number, number])[]) {
  const list = offsets.map(([topic, partition, offset]) => ({
    topic,
    partition,
    offset,
    metadata: '',
    code: 0,
  }))
  return { group, offsets: list }
}

test('the slowest task counts, before what was set for the pipeline; changelogs are hidden', () => {
  const merged = mergedOffsets('p', [
    part('p', ['b', 0, 1], ['a', 10, 5], ['p-main-changelog', 0, 9]),
    part('p##main/0', ['b', 0, 7], ['a', 2, 3]),
    part('p##main/1', ['b', 0, 4]),
  ])
  expect(merged).toEqual([
    { topic: 'a', partition: 2, offset: 3 },
    { topic: 'a', partition: 10, offset: 5 },
    { topic: 'b', partition: 0, offset: 4 },
  ])
})

test('members as text', () => {
  const member = (clientId: string, instanceId: string | null = null) => ({
    memberId: `${clientId}-1`,
    clientId,
    instanceId,
    host: '/10.0.0.7',
  })
  expect(membersText([])).toBeNull()
  expect(membersText([member('b', 'i'), member('a')])).toBe(
    'a at 10.0.0.7, b at 10.0.0.7 (instance i)',
  )
  const many = ['e', 'd', 'c', 'b', 'a'].map((name) => member(name))
  expect(membersText(many)).toBe('a at 10.0.0.7, b at 10.0.0.7, c at 10.0.0.7, and 2 more')
  const alike = ['b', 'a', 'b', 'c', 'd', 'd'].map((name) => member(name))
  expect(membersText(alike)).toBe('a at 10.0.0.7, 2 × b at 10.0.0.7, c at 10.0.0.7, and 2 more')
})

const known = { state: 'stable', type: 'classic' }

test('a group that moves while it is asked for is looked up again', async () => {
  const groups = [{ group: 'g', ...known }]
  const { cluster, sent } = scriptedCluster({
    ListGroups: [
      { code: 14, groups: [] },
      { code: 0, groups },
    ],
    DescribeGroups: [
      [{ group: 'g', code: 16, members: [] }],
      [{ group: 'g', code: 0, members: [] }],
    ],
  })
  const owners = await ownersOf(cluster, () => true)
  expect([...owners]).toEqual([['g', 'members that come or go']])
  expect(sent.filter((name) => name !== 'Metadata').join(' ')).toBe(
    'ListGroups ListGroups DescribeGroups ListGroups DescribeGroups',
  )
})

test('each kind of group has its own request; share groups have no offsets', async () => {
  const types = ['classic', 'consumer', 'streams', 'share']
  const groups = types.map((type) => ({ group: type, ...known, type }))
  groups.push({ group: 'nobody', state: 'empty', type: 'classic' })
  const { cluster, sent, requests } = scriptedCluster({
    ListGroups: [{ code: 0, groups }],
    OffsetFetch: [groups.map(({ group }) => ({ ...part(group, ['t', 0, 1]), code: 0 }))],
    DescribeGroups: [[{ group: 'classic', code: 0, members: [] }]],
    ConsumerGroupDescribe: [[{ group: 'consumer', code: 0, members: [] }]],
    StreamsGroupDescribe: [[{ group: 'streams', code: 69, members: [] }]],
  })
  const infos = await createAdmin({ cluster, clock: cluster.clock }).groups()
  expect(infos.map(({ group, owner }) => [group, owner])).toEqual([
    ['classic', 'members that come or go'],
    ['consumer', 'members that come or go'],
    ['nobody', null],
    ['streams', null],
  ])
  expect(sent.filter((name) => name.includes('Describe')).toSorted()).toEqual([
    'ConsumerGroupDescribe',
    'DescribeGroups',
    'StreamsGroupDescribe',
  ])
  const fetch = requests.find(({ name }) => name === 'OffsetFetch')?.request
  expect(JSON.stringify(fetch)).not.toContain('share')
})
