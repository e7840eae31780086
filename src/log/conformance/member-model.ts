/** Processes that come and go at random while they copy numbered records, each of them once. */
import assert from 'node:assert/strict'
import type { Random } from '../../core/random.ts'
import type { Log } from '../log.ts'
import type { LogHarness } from './log-case.ts'
import { readAll, valuesOf } from './log-probe.ts'
import {
  type Copying,
  MemberProcess,
  sharedLog,
  taskNames,
  unlessFenced,
  until,
  untilShared,
  valuesUpTo,
} from './member-process.ts'

const recordCount = 24
const processesMax = 3

export class SharedCopy {
  commitCount = 0
  /** Times that a session which should have ended was refused. */
  fencedCount = 0
  readonly #harness: LogHarness
  readonly #random: (below: number) => number
  /** Stays open, to look on. */
  readonly #log: Log
  readonly #processes: MemberProcess[] = []
  /** Handles whose member has left. */
  readonly #idle: Log[] = []
  /** Sessions that were not closed when their task went to another. */
  readonly #zombies: Copying[] = []
  readonly #story: string[] = []
  #movesOfGone = 0

  private constructor(harness: LogHarness, random: Random, log: Log) {
    this.#harness = harness
    this.#random = (below) => random.int(below)
    this.#log = log
  }

  static async start(harness: LogHarness, random: Random): Promise<SharedCopy> {
    return new SharedCopy(harness, random, await sharedLog(harness, recordCount))
  }

  /** Tasks that went from one process to another. */
  get moveCount(): number {
    return this.#movesOfGone + this.#processes.reduce((sum, one) => sum + movesOf(one), 0)
  }

  story(): string {
    return [...this.#story.slice(-20), ...this.#processes.map(String)].join('\n')
  }

  async step(): Promise<void> {
    const roll = this.#random(100)
    const process = this.#processes[this.#random(processesMax)]
    if (process === undefined) await this.#join()
    else if (roll < 8) await this.#go(process, 'leaves')
    else if (roll < 12) await this.#go(process, 'closes its log')
    else if (roll < 17) await untilShared(this.#processes, this.#harness)
    else if (roll < 29) await this.#haunt()
    else await this.#work(process)
    this.#checkOwners()
  }

  async #join(): Promise<void> {
    this.#tell('one more joins')
    const process = await MemberProcess.join(this.#idle.pop() ?? (await this.#harness.open()))
    process.giveUp = async (copying) => {
      if (this.#random(3) > 0) this.#zombies.push(copying)
      else await copying.session.close()
    }
    this.#processes.push(process)
  }

  async #go(process: MemberProcess, how: 'leaves' | 'closes its log'): Promise<void> {
    const index = this.#processes.indexOf(process)
    this.#tell(`${index} ${how}`)
    this.#movesOfGone += movesOf(process) + process.owned.size
    this.#processes.splice(index, 1)
    if (how === 'leaves') {
      await this.#leaveBehind(process)
      await process.leave()
      this.#idle.push(process.log)
    } else {
      await process.log.close()
      process.owned.clear()
    }
  }

  /** Some sessions are not closed before the process leaves. */
  async #leaveBehind({ copying, giveUp }: MemberProcess): Promise<void> {
    const sessions = [...copying.values()]
    copying.clear()
    for (const session of sessions) await giveUp(session)
  }

  /** Sessions go on that should not: what one commits must be as if it were the owner's. */
  async #haunt(): Promise<void> {
    for (const zombie of this.#zombies.splice(0)) {
      if (zombie.count === recordCount) continue
      this.#tell(`a zombie goes on with ${zombie.session.spec.task} from ${zombie.count}`)
      const done = await unlessFenced(zombie.copy(1, this.#harness.limitMs))
      if (done === null) this.fencedCount += 1
      else this.#zombies.push(zombie)
    }
  }

  async #work(process: MemberProcess): Promise<void> {
    const owned = [...process.owned]
    const task = owned[this.#random(owned.length)]
    if (task !== undefined) await this.#copy(process, task, 1 + this.#random(2))
  }

  async #copy(process: MemberProcess, task: string, count: number): Promise<void> {
    const copying = await process.work(task)
    if (copying.count === recordCount) return
    this.#tell(`${this.#processes.indexOf(process)} copies ${count} of ${task} at ${copying.count}`)
    if ((await unlessFenced(copying.copy(count, this.#harness.limitMs))) !== null) {
      this.commitCount += 1
      return
    }
    this.#tell(`${task} was fenced`)
    if (await process.reopen(task)) return
    const story = (): string => `${task} is not its own, and it is not told`
    await until(() => !process.owned.has(task), this.#harness.limitMs, story)
  }

  /** One that goes tells it first, and one that comes is told last. */
  #checkOwners(): void {
    const owned = this.#processes.flatMap((process) => [...process.owned])
    assert.equal(new Set(owned).size, owned.length, 'no task has two owners')
  }

  /** Copies what is left. */
  async finish(): Promise<void> {
    if (this.#processes.length === 0) await this.#join()
    await untilShared(this.#processes, this.#harness)
    await this.#raiseOne()
    for (const process of this.#processes) {
      for (const task of process.owned) {
        while ((await process.work(task)).count < recordCount) await this.#copy(process, task, 5)
      }
    }
  }

  /** Where chance has made no zombie, there is one all the same. */
  async #raiseOne(): Promise<void> {
    for (const process of this.#processes) {
      for (const task of process.owned) {
        const zombie = await process.work(task)
        if (zombie.count === recordCount) continue
        process.copying.delete(task)
        await process.work(task)
        this.#zombies.push(zombie)
        return await this.#haunt()
      }
    }
  }

  async check(): Promise<void> {
    for (const [partition, task] of taskNames.entries()) {
      const seen = await readAll(this.#harness, this.#log, 'out', partition)
      assert.deepEqual(valuesOf(seen), valuesUpTo(recordCount), `what ${task} has copied`)
    }
  }

  #tell(text: string): void {
    this.#story.push(text)
  }
}

function movesOf({ told }: MemberProcess): number {
  return told.reduce((sum, { lost }) => sum + lost.length, 0)
}
