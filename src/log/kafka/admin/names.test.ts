import { expect, test } from 'vitest'
import { checkTopicName } from '../../topic-rules.ts'
import { changelogTopic, isChangelogOf, pipelineOfGroup, taskGroup } from './names.ts'

test('tasks of a part share a topic, any other has its own', () => {
  expect(changelogTopic('payments', 'main/3')).toEqual({
    topic: 'payments-main-changelog',
    partition: 3,
  })
  expect(changelogTopic('p', 'main/all')).toEqual({ topic: 'p-main_x_all-changelog', partition: 0 })
  expect(changelogTopic('p', '#plan')).toEqual({
    topic: 'p-_x__x23_plan-changelog',
    partition: 0,
  })
  expect(changelogTopic('p', 'by-user/0').topic).toBe('p-by_x2d_user-changelog')
})

const pipelines = ['p', 'p-a', 'p_a', 'p_x2d_a', 'p/', 'p/main', 'a b', 'ü', '_x', 'P', '-', '😀']
const parts = ['main', 'a-main', 'a/main', 'a_x2d_main', 'a_x2f_main', 'a_x_main', '_x', '__x']
const oddParts = ['ü', '-', '😀', '\ud83d', '/', '']
const tasks = [
  ...[...parts, ...oddParts].flatMap((part) => [`${part}/0`, `${part}/1`, `${part}/00`]),
  ...[...parts, ...oddParts].flatMap((part) => [part, `/${part}`, `${part}/`, `${part}/all`]),
  'main/all/0',
  '#plan',
  '_x23_plan',
  '_x_',
  '_',
  ' ',
  '0',
  'all',
  'main_x_all',
  '//x',
]

test('no two tasks have the same place, and each is a name that Kafka takes', () => {
  const owners = new Map<string, string>()
  for (const pipeline of pipelines) {
    for (const task of tasks) {
      const { topic, partition } = changelogTopic(pipeline, task)
      checkTopicName(topic)
      const owner = JSON.stringify([pipeline, task])
      expect(owners.get(`${topic}/${partition}`) ?? owner).toBe(owner)
      owners.set(`${topic}/${partition}`, owner)
      expect(pipelines.filter((one) => isChangelogOf(one, topic))).toEqual([pipeline])
    }
  }
  expect(owners.size).toBe(pipelines.length * new Set(tasks).size)
})

test('long names are cut, and stay apart', () => {
  const long = (end: string): string => `${'x'.repeat(300)}${end}`
  const topics = [
    changelogTopic(long('a'), 'main/0').topic,
    changelogTopic(long('b'), 'main/0').topic,
    changelogTopic('p', `${long('a')}/0`).topic,
    changelogTopic('p', `${long('b')}/0`).topic,
    changelogTopic(long('a'), long('b')).topic,
  ]
  expect(new Set(topics).size).toBe(topics.length)
  for (const topic of topics) checkTopicName(topic)
  expect(isChangelogOf(long('a'), topics[0] ?? '')).toBe(true)
  expect(isChangelogOf(long('b'), topics[0] ?? '')).toBe(false)
})

test("users' topics are no changelogs", () => {
  for (const topic of [
    'p',
    'p-changelog',
    'p--changelog',
    'p-a-main-changelog',
    'p-main-changelogs',
  ])
    expect(isChangelogOf('p', topic)).toBe(false)
})

test('a task group belongs to its pipeline', () => {
  expect(pipelineOfGroup(taskGroup('p', 'main/0'))).toBe('p')
  expect(pipelineOfGroup(taskGroup('p', '#plan'))).toBe('p')
  expect(pipelineOfGroup('p')).toBe('p')
  expect(pipelineOfGroup('##x')).toBe('##x')
})
