import { expect, test } from 'vitest'
import { systemClock, VirtualClock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { TaskInfo } from '../../log.ts'
import type { GroupMembership } from '../contracts.ts'
import type { Cluster } from '../wire/cluster.ts'
import type {
  StreamsGroupHeartbeatAnswer,
  StreamsGroupHeartbeatRequest,
  StreamsTaskIds,
} from '../wire/requests/streams-group-heartbeat.ts'
import { joinGroup, type JoinGroupOptions } from './join-group.ts'
import { statefulTasks, statelessTasks } from './test-tasks.ts'

type Answer = Partial<StreamsGroupHeartbeatAnswer>

const main = (...partitions: number[]): StreamsTaskIds[] => [{ subtopology: 'main', partitions }]

class World {
  readonly clock = new VirtualClock()
  readonly sent: StreamsGroupHeartbeatRequest[] = []
  readonly log: string[] = []
  /** The next answers; then what `usual` says. */
  readonly answers: Answer[] = []
  usual: Answer | 'away' = { memberEpoch: 1 }
  level = 1
  membership: GroupMembership | null = null
  failure: unknown = null
  /** Ends the closing of tasks. */
  free: () => void = () => {}

  join(options: Partial<JoinGroupOptions> = {}): void {
    const { clock } = this
    const cluster = {
      place: 'fake',
      clock,
      features: async () => ({ level: () => this.level, versionMax: () => this.level - 1 }),
      forget: () => {},
      send: async (_to: unknown, _api: unknown, request: StreamsGroupHeartbeatRequest) => {
        this.sent.push(request)
        await new Promise<void>((resolve) => clock.after(1, resolve))
        const answer = this.answers.shift() ?? this.usual
        if (answer === 'away') throw new MillraceError('log-unreachable', 'away')
        return { ...empty, ...answer }
      },
    } as unknown as Cluster
    const infos = statefulTasks(4)
    const given = { cluster, clock, group: 'g', infos, instanceId: 'me', heartbeatMs: 100 }
    const notify: JoinGroupOptions['notify'] = ({ kind }) => this.log.push(kind)
    joinGroup({ ...given, protocol: 'streams', notify, ...options }).then(
      (membership) => {
        this.membership = membership
        membership.onChange(async ({ gained, lost, reason }) => {
          this.log.push(`${reason} +${gained.join()} -${lost.join()}`)
          if (lost.length > 0 && reason === 'rebalanced')
            await new Promise<void>((resolve) => {
              this.free = resolve
            })
        })
      },
      (thrown: unknown) => {
        this.failure = thrown
      },
    )
  }

  async run(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) {
      this.clock.advance(5)
      await systemClock.nextTurn()
    }
  }

  async joined(): Promise<void> {
    this.answers.push({ memberEpoch: 1, activeTasks: main(0, 1), standbyTasks: main(2) })
    this.join()
    await this.run(50)
    expect(this.membership?.owned).toEqual(['main/0', 'main/1'])
  }
}

const empty: StreamsGroupHeartbeatAnswer = {
  code: 0,
  message: null,
  memberId: 'me',
  memberEpoch: 1,
  heartbeatIntervalMs: 5_000,
  status: [],
  activeTasks: null,
  standbyTasks: null,
  warmupTasks: null,
}

test('joins with its topology, says what it holds, and is told standbys', async () => {
  const world = new World()
  await world.joined()
  expect(world.sent[0]).toMatchObject({
    memberId: 'me',
    memberEpoch: 0,
    instanceId: null,
    activeTasks: [],
    topology: { epoch: 0, subtopologies: [{ id: 'main', sourceTopics: ['orders'] }] },
  })
  await world.run(300)
  expect(world.sent.at(-1)).toMatchObject({
    memberEpoch: 1,
    topology: null,
    activeTasks: main(0, 1),
    standbyTasks: main(2),
  })
  expect(world.membership?.standbys).toEqual(['main/2'])
  const identity = world.membership?.ownership('main/0').identity()
  expect(identity).toEqual({ generation: 1, memberId: 'me', instanceId: null })
  expect(world.membership?.ownership('main/2').identity()).toBeNull()
  expect(world.membership?.describe()).toContain("member me of streams group 'g', epoch 1, stable")
})

test('a task that is revoked is reported as gone only when it is closed', async () => {
  const world = new World()
  await world.joined()
  world.answers.push({ memberEpoch: 1, activeTasks: main(0) })
  await world.run(500)
  expect(world.log).toEqual(['rebalanced + -main/1'])
  expect(world.membership?.owned).toEqual(['main/0'])
  expect(world.membership?.ownership('main/1').identity()).not.toBeNull()
  expect(world.sent.at(-1)?.activeTasks).toEqual(main(0, 1))
  world.free()
  await world.run(5)
  expect(world.sent.at(-1)?.activeTasks).toEqual(main(0))
  expect(world.membership?.ownership('main/1').identity()).toBeNull()

  world.answers.push({ memberEpoch: 2, activeTasks: main(0, 3) })
  world.usual = { memberEpoch: 2 }
  await world.run(200)
  expect(world.log.at(-1)).toBe('rebalanced +main/3 -')
  expect(world.membership?.ownership('main/3').identity()?.generation).toBe(2)
})

test('a task that comes back while it is being closed is taken again afterwards', async () => {
  const world = new World()
  await world.joined()
  world.answers.push({ activeTasks: main(0) }, { activeTasks: main(0, 1) })
  await world.run(500)
  expect(world.membership?.owned).toEqual(['main/0'])
  world.free()
  await world.run(300)
  expect(world.log).toEqual(['rebalanced + -main/1', 'rebalanced +main/1 -'])
})

for (const code of [25, 110, 69]) {
  test(`error ${code}: all is dropped at once, then joined anew under the same id`, async () => {
    const world = new World()
    await world.joined()
    world.answers.push({ code }, { memberEpoch: 4, activeTasks: main(0) })
    world.usual = { memberEpoch: 4 }
    await world.run(300)
    expect(world.log).toEqual(['fenced', 'fenced + -main/0,main/1', 'rebalanced +main/0 -'])
    const again = world.sent.filter(({ memberEpoch }) => memberEpoch === 0)
    expect(again.map(({ memberId }) => memberId)).toEqual(['me', 'me'])
    expect(again[1]?.topology).not.toBeNull()
    expect(world.membership?.ownership('main/0').identity()?.generation).toBe(4)
  })
}

test('brokers that are away: ownership ends with the session, and comes back', async () => {
  const world = new World()
  await world.joined()
  world.usual = 'away'
  await world.run(9_000)
  expect(world.membership?.ownership('main/0').identity()).not.toBeNull()
  await world.run(2_000)
  expect(world.membership?.owned).toEqual([])
  expect(world.log).toContain('fenced + -main/0,main/1')
  world.usual = { memberEpoch: 3, activeTasks: main(0, 1) }
  await world.run(1_000)
  expect(world.log.at(-1)).toBe('rebalanced +main/0,main/1 -')
})

test('tasks of partitions that were added are told', async () => {
  const world = new World()
  await world.joined()
  world.answers.push({ activeTasks: main(0, 1, 4) })
  await world.run(200)
  expect(world.log).toEqual(['waiting'])
  expect(world.membership?.owned).toEqual(['main/0', 'main/1'])
})

test('confirm asks the broker; leave says so once', async () => {
  const world = new World()
  await world.joined()
  let answer: boolean | null = null
  void world.membership?.confirm('main/0').then((is) => (answer = is))
  await world.run(50)
  expect(answer).toBe(true)
  void world.membership?.leave()
  void world.membership?.leave()
  await world.run(500)
  expect(world.sent.filter(({ memberEpoch }) => memberEpoch === -1).length).toBe(1)
  expect(world.sent.at(-1)?.memberEpoch).toBe(-1)
  expect(world.membership?.owned).toEqual([])
})

for (const [answer, code, text] of [
  [
    { code: 42, message: 'Topology updates are not supported yet.' },
    'invalid-plan',
    'are not those',
  ],
  [{ code: 42, message: 'Something else.' }, 'log-failed', 'Something else.'],
  [{ code: 30 }, 'not-authorised', 'may not read it'],
  [{ code: 130 }, 'log-failed', '(130)'],
  [{ status: [{ code: 0, detail: 'old' }] }, 'invalid-plan', 'old'],
  [{ status: [{ code: 1, detail: 'no x' }] }, 'unknown-topic', 'no x'],
  [{ status: [{ code: 2, detail: 'odd' }] }, 'invalid-plan', 'odd'],
  [{ status: [{ code: 4, detail: 'end' }] }, 'task-fenced', 'end'],
] as const) {
  test(`at the join: ${JSON.stringify(answer)} is ${code}`, async () => {
    const world = new World()
    world.usual = answer
    world.join()
    await world.run(4_000)
    expect(world.failure).toMatchObject({ code, message: expect.stringContaining(text) })
  })
}

test('an assignment that is delayed, or waits for internal topics, is waited for', async () => {
  const world = new World()
  const status = [{ code: 5, detail: 'soon' }]
  const missing = [
    { code: 1, detail: 'not heard of' },
    { code: 3, detail: 'being made' },
  ]
  world.usual = { status: [...status, ...missing], activeTasks: [] }
  world.join()
  await world.run(2_500)
  world.usual = { status, activeTasks: [] }
  await world.run(3_000)
  expect(world.membership).toBeNull()
  world.usual = { memberEpoch: 2, activeTasks: main(0) }
  await world.run(200)
  expect(world.membership?.owned).toEqual(['main/0'])

  const other = new World()
  other.usual = { status: [{ code: 3, detail: 'x cannot be made' }], activeTasks: [] }
  other.join()
  await other.run(31_000)
  expect(other.failure).toMatchObject({ code: 'log-unsupported' })
})

test('brokers without streams groups are refused', async () => {
  const world = new World()
  world.level = 0
  world.join()
  await world.run(5)
  expect(world.failure).toMatchObject({
    code: 'log-unsupported',
    message: expect.stringContaining('streams.version 0, StreamsGroupHeartbeat up to -1'),
  })
})

test('tasks that cannot be said as a topology are refused', async () => {
  const [first] = statelessTasks(1)
  const all = first?.inputs[0]
  if (first === undefined || all === undefined) throw new Error('no task')
  const whole: TaskInfo = { ...first, inputs: [all, { ...all, partition: 1 }] }
  for (const infos of [[whole], statelessTasks(3).slice(1)]) {
    const world = new World()
    world.join({ infos })
    await world.run(5)
    expect(world.failure).toMatchObject({
      code: 'log-unsupported',
      hint: "run with tasks: 'per-partition', or use the classic group protocol",
    })
  }
})
