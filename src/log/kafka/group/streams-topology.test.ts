import { expect, test } from 'vitest'
import type { TaskInfo } from '../../log.ts'
import { changelogSettings } from '../admin/changelog-settings.ts'
import { changelogTopic } from '../admin/names.ts'
import { StreamsTasks, topologyOf } from './streams-topology.ts'
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
            name: changelogTopic('g', 'join/0').topic,
            partitions: 0,
            replicationFactor: 0,
            configs: Object.entries(changelogSettings).map(([key, value]) => ({ key, value })),
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

test('the tasks of a part keep their state in the topic that the broker creates', () => {
  const odd = statefulTasks(3, 'orders', 'by-user')
  const [part] = topologyOf('my group', odd).subtopologies
  for (const { task, index } of odd) {
    const place = changelogTopic('my group', task)
    expect(place).toEqual({ topic: part?.changelogTopics[0]?.name, partition: index })
  }
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
