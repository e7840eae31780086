import { expect, test } from 'vitest'
import { defaultTopicConfig, type TopicInfo } from '../log/log.ts'
import { groupStates } from '../log/group-states.ts'
import { groupDetails, groupTable } from './group-text.ts'

const topic: TopicInfo = {
  name: 't',
  config: { ...defaultTopicConfig, partitions: 2 },
  createdMs: 0,
  partitions: [
    { partition: 0, startOffset: 100, endOffset: 1500, bytes: 0 },
    { partition: 1, startOffset: 0, endOffset: 10, bytes: 0 },
  ],
}
const groups = [
  {
    group: 'g',
    owner: null,
    offsets: [
      { topic: 't', partition: 0, offset: 40 },
      { topic: 't', partition: 1, offset: 10 },
    ],
  },
]

test('lag counts what can still be read', () => {
  expect(groupStates(groups, [topic])).toEqual([
    {
      group: 'g',
      owner: null,
      lag: 1400,
      offsets: [
        { topic: 't', partition: 0, offset: 40, endOffset: 1500, lag: 1400 },
        { topic: 't', partition: 1, offset: 10, endOffset: 10, lag: 0 },
      ],
    },
  ])
})

test('a partition of a topic that is read counts whole while it has no offset', () => {
  const [state] = groupStates(
    [{ group: 'g', owner: null, offsets: [{ topic: 't', partition: 1, offset: 8 }] }],
    [topic, { ...topic, name: 'not-read' }],
  )
  expect(state?.lag).toBe(1402)
  expect(state?.offsets.map(({ partition, lag }) => [partition, lag])).toEqual([
    [0, 1400],
    [1, 2],
  ])
})

test('an offset on a topic that went away meanwhile has no lag', () => {
  expect(groupStates(groups, [])[0]).toMatchObject({ lag: 0 })
})

test('as tables', () => {
  const [state] = groupStates(groups, [topic])
  if (state === undefined) throw new Error('no group')
  expect(groupTable([state])).toBe(
    'GROUP  TOPICS    LAG  OWNER\n' + //
      'g      t       1,400  -\n',
  )
  expect(groupDetails(state)).toBe(
    'group   g\nowner   -\nlag     1,400\n\n' +
      'TOPIC  PARTITION  OFFSET    END    LAG\n' +
      't              0      40  1,500  1,400\n' +
      't              1      10     10      0\n',
  )
})
