import { expect, test } from 'vitest'
import type { TaskInfo } from '../../log.ts'
import { changelogName, StreamsTasks, topologyOf } from './streams-topology.ts'
import { statefulTasks, statelessTasks } from './test-tasks.ts'

test('one sub-topology a part: sources, repartition sources, a changelog for state', () => {
  const input = { isRepartition: false, isShared: false }
  const joined = statefulTasks(2, 'orders', 'join').map((info): TaskInfo => {
    const partition = info.index
    const repartition = { topic: 'g-by-user', partition, isRepartition: true, isShared: false }
    const rates = [0, 1, 2].map((at) => ({
      ...input,
      topic: 'rates',
      partition: at,
      isShared: true,
    }))
    return { ...info, inputs: [...info.inputs, repartition, ...rates] }
  })
  expect(topologyOf('g', [...statelessTasks(3, 'clicks'), ...joined])).toEqual({
    epoch: 0,
    subtopologies: [
      {
        id: 'plain',
        sourceTopics: ['clicks'],
        changelogTopics: [],
        repartitionSinkTopics: [],
        repartitionSourceTopics: [],
        copartitionGroups: [],
      },
      {
        id: 'join',
        sourceTopics: ['orders'],
        changelogTopics: [
          {
            name: 'g-join-changelog',
            partitions: 0,
            replicationFactor: 0,
            configs: [{ key: 'cleanup.policy', value: 'compact' }],
          },
        ],
        repartitionSinkTopics: [],
        repartitionSourceTopics: [
          { name: 'g-by-user', partitions: 2, replicationFactor: 0, configs: [] },
        ],
        copartitionGroups: [{ sourceTopics: [0], repartitionSourceTopics: [0] }],
      },
    ],
  })
})

test('changelog names are topic names', () => {
  expect(changelogName('my group', 'a/b')).toBe('my_group-a_b-changelog')
})

test('tasks are translated both ways; unknown ones are left out', () => {
  const tasks = new StreamsTasks([...statefulTasks(2), ...statelessTasks(2)])
  const ids = tasks.ids(['plain/1', 'main/0', 'main/1', 'nothing'])
  expect(ids).toEqual([
    { subtopology: 'plain', partitions: [1] },
    { subtopology: 'main', partitions: [0, 1] },
  ])
  expect(tasks.strangers([{ subtopology: 'main', partitions: [0, 7] }])).toEqual(['main/7'])
  expect(tasks.names([...ids, { subtopology: 'main', partitions: [7] }])).toEqual([
    'plain/1',
    'main/0',
    'main/1',
  ])
})
