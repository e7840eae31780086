/**
 * What one process keeps of a pipeline's state on its disk: its slot, with a local copy for each
 * task that runs here or is kept as a standby. At any time a copy is in one hand.
 */
import { join } from 'node:path'
import { messageOf } from '../../../core/error.ts'
import type { TaskInfo, TopicPartition } from '../../log.ts'
import { changelogTopic } from '../admin/names.ts'
import type { Fetcher } from '../contracts.ts'
import { fileName, takeSlot } from '../group/slot.ts'
import type { Slot } from '../group/slot.ts'
import type { Cluster } from '../wire/cluster.ts'
import { LocalCopy } from './local-copy.ts'
import { Standby } from './standby.ts'
import type { StateEvent } from './state-event.ts'
import { warmTasks } from './warm-tasks.ts'

export interface ProcessStateOptions {
  readonly cluster: Cluster
  readonly fetcher: Fetcher
  readonly directory: string
  readonly pipeline: string
  readonly infos: readonly TaskInfo[]
  /** As it was given; null: that of the slot. */
  readonly instanceId: string | null
  readonly notify: (event: StateEvent) => void
}

/** Who has a copy last asked for. */
interface Holder {
  /** Makes it free. Idempotent; never rejects. */
  readonly stop: () => Promise<void>
}

/** Between two looks which copies are near their changelogs. */
const lookEveryMs = 60_000

export class ProcessState {
  readonly instanceId: string
  readonly #options: ProcessStateOptions
  readonly #slot: Slot
  /** For each task the one who has its copy, or gets it when the one before has made it free. */
  readonly #holders: Map<string, Holder> = new Map()
  readonly #standbys: Map<string, Standby> = new Map()
  /** Tasks of which nearly all lay here at the last look. */
  #near: readonly string[] = []
  #stopLooking: (() => void) | null = null
  #isClosed = false

  private constructor(options: ProcessStateOptions, slot: Slot) {
    this.#options = options
    this.#slot = slot
    this.instanceId = options.instanceId ?? slot.instanceId
  }

  /** @throws `log-read-only` · `log-failed` */
  static async open(options: ProcessStateOptions): Promise<ProcessState> {
    const { pipeline, directory, instanceId } = options
    // A process with an id of its own finds its own copies again, whoever else runs here.
    const name = instanceId === null ? pipeline : `${pipeline}/${instanceId}`
    const state = new ProcessState(options, await takeSlot(directory, name))
    await state.#look()
    return state
  }

  /** Tasks of whose state nearly all is here. */
  warm(): readonly string[] {
    const caughtUp = [...this.#standbys].flatMap(([task, one]) => (one.isCaughtUp ? [task] : []))
    return [...new Set([...this.#near, ...caughtUp])]
  }

  /** Keeps standby copies of these tasks from now on, and of no others. */
  setStandbys(tasks: readonly string[]): void {
    if (this.#isClosed) return
    for (const [task, standby] of this.#standbys) {
      if (tasks.includes(task)) continue
      this.#standbys.delete(task)
      void standby.stop()
    }
    for (const task of tasks) if (!this.#standbys.has(task)) this.#standBy(task)
  }

  /** For the session of a task: whoever has the copy gives it up first. */
  async openCopy(task: string, from: number | null): Promise<LocalCopy | null> {
    if (this.#isClosed) return null
    this.#standbys.delete(task)
    const opening = this.#openAfter(this.#holders.get(task), task, from)
    const stop = async (): Promise<void> => {
      await opening.then((copy) => copy.close()).catch(() => {})
    }
    this.#holders.set(task, { stop })
    return await opening
  }

  /** All copies are written, and the slot is free. Idempotent. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopLooking?.()
    await Promise.all([...this.#holders.values()].map(({ stop }) => stop()))
    await this.#slot.release()
  }

  #standBy(task: string): void {
    const { cluster, fetcher, pipeline, notify } = this.#options
    let before = this.#holders.get(task)
    let told = ''
    const standby = new Standby({
      cluster,
      fetcher,
      pipeline,
      place: changelogTopic(pipeline, task),
      openCopy: (from) => {
        const opening = this.#openAfter(before, task, from)
        before = undefined
        return opening
      },
      onTrouble: (error) => {
        const text = `the standby copy of task ${task} does not come on: ${messageOf(error)}`
        // Said once until it changes.
        if (text !== told) notify({ kind: 'standby-waiting', text, error })
        told = text
      },
    })
    this.#standbys.set(task, standby)
    this.#holders.set(task, { stop: () => standby.stop() })
  }

  /** Holds on to nothing of the one before. */
  async #openAfter(
    before: Holder | undefined,
    task: string,
    from: number | null,
  ): Promise<LocalCopy> {
    await before?.stop()
    return await this.#open(task, from)
  }

  async #open(task: string, from: number | null): Promise<LocalCopy> {
    const { cluster, pipeline, notify } = this.#options
    const place = changelogTopic(pipeline, task)
    const topics = await cluster.topics([place.topic], { fresh: true })
    const topicId = topics.get(place.topic)?.id ?? ''
    return await LocalCopy.open({
      directory: this.#directory(place),
      identity: { ...place, topicId, clusterId: await cluster.clusterId() },
      from,
      onFailure: (error) => {
        const text = `the local copy of the state of task ${task} is lost: ${messageOf(error)}`
        notify({ kind: 'copy-failed', text, error })
      },
    })
  }

  #directory({ topic, partition }: TopicPartition): string {
    return join(this.#slot.directory, fileName(`${topic}.${partition}`))
  }

  /** Never rejects: it is only good to know. */
  async #look(): Promise<void> {
    const { cluster, pipeline, infos } = this.#options
    const stateful = infos.filter(({ isStateful }) => isStateful)
    const places = stateful.map(({ task }) => {
      const place = changelogTopic(pipeline, task)
      return { task, place, directory: this.#directory(place) }
    })
    this.#near = await warmTasks(cluster, places).catch(() => [])
    if (this.#isClosed) return
    this.#stopLooking = cluster.clock.after(lookEveryMs, () => void this.#look())
  }
}
