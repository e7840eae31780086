/**
 * Feeds a sink from its outbox, for as long as the run goes on: a task for each partition, shared
 * among processes as the log shares tasks.
 */
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import type { Random } from '../../core/random.ts'
import { letterHeaderBytesMax } from '../../engine/letters.ts'
import { OwnedTasks } from '../../engine/owned-tasks.ts'
import type { TaskEvent } from '../../engine/task-event.ts'
import { ensure } from '../../engine/topics.ts'
import { trimRepartitions } from '../../engine/trim-repartition.ts'
import type { Log, Session, TaskInfo, TopicPartition } from '../../log/log.ts'
import { deadTopic } from '../../pipeline/letter-topic.ts'
import type { Outbox } from '../../pipeline/outboxes.ts'
import { outboxSpec } from '../../pipeline/sink-spec.ts'
import type { SinkSpec } from '../../pipeline/sink-spec.ts'
import type { Sink } from '../sink.ts'
import { DeliveryLoop } from './delivery-loop.ts'
import type { DeliveryLoopOptions } from './delivery-loop.ts'
import { Destination } from './destination.ts'
import type { DestinationEvent, DestinationStatus } from './destination.ts'
import { KeyedDelivery } from './keyed-delivery.ts'
import { OutboxSession } from './outbox-session.ts'
import { TransactionalDelivery } from './transactional-delivery.ts'

export interface DeliverOptions {
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  /** As in `run`. */
  readonly takeOver: boolean
  readonly notify: (event: DeliveryEvent) => void
}

/** What happens to a delivery that whoever runs it may want to know. */
export type DeliveryEvent = { readonly pipeline: string; readonly sink: string } & (
  | DestinationEvent
  /** A record was given up: it is in `<outbox>.dead` with the next commit. */
  | { readonly kind: 'sink-dead'; readonly id: string; readonly error: MillraceError }
  | Exclude<TaskEvent, { readonly kind: 'restoring' | 'restored' | 'orphans' }>
)

/** How a sink fares in this process. */
export interface DeliveryStatus extends DestinationStatus {
  readonly pipeline: string
  readonly sink: string
  /** What it is: `action`, `webhook`. */
  readonly type: string
  readonly outbox: string
  /** Records of the partitions of this process that are neither delivered nor given up. */
  readonly backlog: number
}

/** A delivery that runs. */
export interface DeliveryRun {
  /** Settles when it has ended: after `stop`, or with what ended it. */
  readonly done: Promise<void>
  /** Waits for tries under way, commits what is done. Idempotent; never rejects. */
  stop(): Promise<void>
  status(): DeliveryStatus
}

/**
 * Starts to deliver. The outbox must be there.
 * @returns when each task has its place in the log; nothing may have been delivered
 * @throws `invalid-argument` for what is no sink · `pipeline-running` · what the log throws
 */
export async function deliver(outbox: Outbox, options: DeliverOptions): Promise<DeliveryRun> {
  const { log, clock, takeOver } = options
  const sink = asSink(outbox.sink)
  const place = { pipeline: outbox.pipeline, sink: sink.name }
  const notify: Notify = (event) => options.notify({ ...event, ...place })
  const topic = await log.describeTopic(outbox.topic)
  const dead = await ensure(log, deadTopic(outbox.topic), {
    partitions: topic.partitions.length,
    recordBytesMax: topic.config.recordBytesMax + letterHeaderBytesMax,
  })
  const infos = topic.partitions.map(({ partition }) => infoOf(outbox.topic, partition))
  const tasks = infos.map(({ task }) => task)
  const { destination, delivering } = feedingOf(sink, outbox, { ...options, notify })
  const membership = await log.join({ pipeline: outbox.group, tasks, infos, takeOver })
  const letters = {
    partitionCount: dead.partitions.length,
    recordBytesMax: dead.config.recordBytesMax,
  }
  const loopOf = (task: string): DeliveryLoop =>
    new DeliveryLoop({
      clock,
      open: openTask({ log, clock, notify }, { outbox, partition: tasks.indexOf(task) }),
      openOutbox: (session) =>
        OutboxSession.open({ session, clock, sink: sink.name, dead: letters }),
      deliver: delivering,
      notify: (event) => notify({ ...event, task }),
    })
  const owned = new OwnedTasks({
    pipeline: outbox.group,
    tasks,
    membership,
    clock,
    loopOf,
    notify: notify as (event: TaskEvent) => void,
  })
  const done = endAndClose(owned, destination)
  done.catch(() => {}) // whoever asks for `done` gets it; nobody asking must not end the process
  await owned.opened()
  return {
    done,
    stop: async () => {
      owned.stop()
      await done.catch(() => {})
    },
    status: () => ({
      ...place,
      type: sink.type,
      outbox: outbox.topic,
      backlog: owned.loops.reduce((sum, loop) => sum + (loop.outbox?.backlog ?? 0), 0),
      ...destination.status,
    }),
  }
}

async function endAndClose(
  owned: OwnedTasks<DeliveryLoop>,
  destination: Feeding['destination'],
): Promise<void> {
  try {
    await owned.ended()
  } finally {
    await destination.close()
  }
}

type Notify = (event: Told) => void
type Told = WithoutPlace<DeliveryEvent>
type WithoutPlace<E> = E extends unknown ? Omit<E, 'pipeline' | 'sink'> : never

/** What all partitions of a sink share, and how one of them is delivered. */
interface Feeding {
  readonly destination: Pick<Destination<never>, 'status' | 'close'>
  readonly delivering: DeliveryLoopOptions['deliver']
}

function feedingOf(
  sink: Sink,
  outbox: Outbox,
  { log, clock, random, notify }: Omit<DeliverOptions, 'takeOver' | 'notify'> & { notify: Notify },
): Feeding {
  const { delivery: spec } = sink
  const { codec } = outboxSpec(sink, outbox.topic)
  const onDead = (id: string, error: MillraceError): void =>
    notify({ kind: 'sink-dead', id, error })
  const shared = { spec, clock, random }
  if (sink.guarantee === 'at-least-once') {
    const destination = new Destination({ sink, ...shared, notify })
    return {
      destination,
      delivering: (session, run) =>
        new KeyedDelivery({ outbox: session, destination, codec, ...shared, ...run, onDead }),
    }
  }
  const destination = new Destination({ sink, ...shared, notify })
  const openReader = (place: TopicPartition) => async (offset: number) =>
    await log.openReader([{ ...place, offset }])
  const endOffset =
    ({ topic, partition }: TopicPartition) =>
    async (): Promise<number> =>
      (await log.describeTopic(topic)).partitions[partition]?.endOffset ?? 0
  return {
    destination,
    delivering: (session, run) =>
      new TransactionalDelivery({
        outbox: session,
        openReader: openReader(session.place),
        endOffset: endOffset(session.place),
        destination,
        codec,
        ...shared,
        ...run,
        onDead,
      }),
  }
}

/** The outbox is a passage, like a repartition topic: what was delivered may go. */
function openTask(
  { log, clock, notify }: Pick<DeliverOptions, 'log' | 'clock'> & { notify: Notify },
  { outbox, partition }: { readonly outbox: Outbox; readonly partition: number },
): () => Promise<Session> {
  const place = { topic: outbox.topic, partition }
  const task = taskOf(partition)
  return async () => {
    const session = await log.open({
      pipeline: outbox.group,
      task,
      inputs: [place],
      startAt: ['earliest'],
    })
    return trimRepartitions(session, {
      log,
      clock,
      inputs: [{ kind: outbox.sink.keep ? 'topic' : 'repartition', place }],
      onFailure: (error) => notify({ kind: 'trim-failed', task, error }),
    })
  }
}

function taskOf(partition: number): string {
  return `delivery/${partition}`
}

function infoOf(topic: string, partition: number): TaskInfo {
  return {
    task: taskOf(partition),
    part: 'delivery',
    index: partition,
    inputs: [{ topic, partition, isRepartition: false, isShared: false }],
    isStateful: true,
  }
}

function asSink(spec: SinkSpec): Sink {
  const sink = spec as Partial<Sink>
  const isSink = typeof sink.open === 'function' && typeof sink.delivery === 'object'
  if (isSink && (sink.guarantee === 'at-least-once' || sink.guarantee === 'exactly-once'))
    return spec as Sink
  throw new MillraceError('invalid-argument', `sink '${spec.name}' cannot be delivered to`, {
    hint: 'a sink has open, delivery and guarantee (docs/connect.md); action(name, fn) makes one',
  })
}
