/**
 * A pipeline's tasks as a topology of a streams group [KIP-1071]: one sub-topology a part, whose
 * tasks are counted by the partitions of what it reads. The broker makes the tasks itself, so only
 * what can be said this way can be shared out by it.
 */
import { MillraceError } from '../../../core/error.ts'
import type { TaskInfo } from '../../log.ts'
import { changelogSettings } from '../admin/changelog-settings.ts'
import { changelogTopic } from '../admin/names.ts'
import type {
  StreamsSubtopology,
  StreamsTaskIds,
  StreamsTopicInfo,
  StreamsTopology,
} from '../wire/requests/streams-group-heartbeat.ts'

/** The topology cannot be changed in a group that exists, so there are no later epochs. */
const topologyEpoch = 0

/** @throws `log-unsupported` (a task that reads several partitions of a topic) */
export function topologyOf(group: string, infos: readonly TaskInfo[]): StreamsTopology {
  const parts = new Map<string, TaskInfo[]>()
  for (const info of infos) {
    const list = parts.get(info.part)
    if (list === undefined) parts.set(info.part, [info])
    else list.push(info)
  }
  return {
    epoch: topologyEpoch,
    subtopologies: [...parts].map(([part, tasks]) => subtopology(group, part, tasks)),
  }
}

/**
 * Where the tasks of the part keep their state. By its name the broker knows that the part keeps
 * some. It creates the topic, with a partition for each task; so it must be the one that the tasks
 * write, made as they need it.
 */
function changelogOf(group: string, tasks: readonly TaskInfo[]): StreamsTopicInfo {
  const configs = Object.entries(changelogSettings).map(([key, value]) => ({ key, value }))
  const { topic: name } = changelogTopic(group, tasks[0]?.task ?? '')
  return { name, partitions: 0, replicationFactor: 0, configs }
}

function subtopology(group: string, part: string, tasks: readonly TaskInfo[]): StreamsSubtopology {
  const sources = new Map<string, { partitions: Set<number>; isRepartition: boolean }>()
  for (const { task, index, inputs } of tasks) {
    for (const { topic, partition, isShared, isRepartition } of inputs) {
      if (isShared) continue // read by all: says nothing about who has which task
      if (partition !== index) throw unsupported(task, topic)
      const source = sources.get(topic) ?? { partitions: new Set(), isRepartition }
      source.partitions.add(partition)
      sources.set(topic, source)
    }
  }
  const widths = [...sources.values()].map(({ partitions }) => partitions.size)
  const isWhole = tasks.every(({ index }) => index < tasks.length)
  if (!isWhole || Math.max(0, ...widths) !== tasks.length)
    throw unsupported(part, [...sources.keys()].join())
  const all = [...sources]
  const plain = all.flatMap(([topic, { isRepartition }]) => (isRepartition ? [] : [topic]))
  const internal = all.flatMap(([topic, { isRepartition, partitions }]) =>
    isRepartition
      ? [{ name: topic, partitions: partitions.size, replicationFactor: 0, configs: [] }]
      : [],
  )
  const isStateful = tasks.some((task) => task.isStateful)
  return {
    id: part,
    sourceTopics: plain,
    changelogTopics: isStateful ? [changelogOf(group, tasks)] : [],
    repartitionSinkTopics: [],
    repartitionSourceTopics: internal,
    copartitionGroups:
      all.length > 1
        ? [
            {
              sourceTopics: plain.map((_, i) => i),
              repartitionSourceTopics: internal.map((_, i) => i),
            },
          ]
        : [],
  }
}

function unsupported(task: string, topics: string): MillraceError {
  return new MillraceError(
    'log-unsupported',
    `streams groups know tasks of one partition only, but '${task}' reads others of ${topics}`,
    { hint: "run with tasks: 'per-partition', or use the classic group protocol" },
  )
}

/** Translates between our tasks and the broker's. */
export class StreamsTasks {
  readonly #byPlace: ReadonlyMap<string, string>
  readonly #byTask: ReadonlyMap<string, TaskInfo>

  constructor(infos: readonly TaskInfo[]) {
    this.#byPlace = new Map(infos.map(({ task, part, index }) => [`${index}/${part}`, task]))
    this.#byTask = new Map(infos.map((info) => [info.task, info]))
  }

  /** Tasks that this plan does not have are left out. */
  names(ids: readonly StreamsTaskIds[]): string[] {
    return ids.flatMap(({ subtopology: part, partitions }) =>
      partitions.flatMap((index) => this.#byPlace.get(`${index}/${part}`) ?? []),
    )
  }

  /** What the broker counts that this plan does not have, as text. */
  strangers(ids: readonly StreamsTaskIds[]): string[] {
    return ids.flatMap(({ subtopology: part, partitions }) =>
      partitions.flatMap((index) =>
        this.#byPlace.has(`${index}/${part}`) ? [] : [`${part}/${index}`],
      ),
    )
  }

  ids(tasks: readonly string[]): StreamsTaskIds[] {
    const parts = new Map<string, number[]>()
    for (const task of tasks) {
      const info = this.#byTask.get(task)
      if (info === undefined) continue
      const list = parts.get(info.part)
      if (list === undefined) parts.set(info.part, [info.index])
      else list.push(info.index)
    }
    return [...parts].map(([part, partitions]) => ({ subtopology: part, partitions }))
  }
}
