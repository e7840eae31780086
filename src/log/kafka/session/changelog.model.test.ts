/**
 * A changelog with local copies against a model: whatever is committed, aborted, damaged or moved,
 * a restore gives the blobs from the start of the last complete round on, as the log has them.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import { seededRandom } from '../../../core/random.ts'
import type { Random } from '../../../core/random.ts'
import type { ChangelogWrite } from '../../log.ts'
import type { Changelog } from './changelog.ts'
import { LocalCopy } from './local-copy.ts'
import { place, TestPartition } from './test-changelog.ts'

const root = mkdtempSync(join(tmpdir(), 'changelog-model-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

interface Kept {
  readonly text: string
  readonly base: number
  readonly write: ChangelogWrite
}

class Run {
  readonly random: Random
  readonly #seed: number
  readonly #partition: TestPartition
  /** All that was committed. */
  #kept: Kept[] = []
  #changelog: Changelog | null = null
  #process = 0
  #blobs = 0
  restores = 0
  /** Blobs that a restore did not read from the log. */
  local = 0

  constructor(seed: number) {
    this.#seed = seed
    this.random = seededRandom(seed)
    this.#partition = new TestPartition(this.random)
  }

  async step(): Promise<void> {
    const chance = this.random.int(100)
    if (this.#changelog === null || chance < 12) await this.#reopen()
    else if (chance < 20) await this.#write('abort')
    else await this.#write('commit')
  }

  async end(): Promise<void> {
    await this.#reopen()
    await this.#changelog?.close()
  }

  async #write(end: 'commit' | 'abort'): Promise<void> {
    const { random } = this
    const size = random.int(40) === 0 ? 950_000 : random.int(60)
    const text = `${this.#blobs++} ${'x'.repeat(size)}`
    const write: ChangelogWrite = {
      bytes: Buffer.from(text),
      startsRound: random.int(8) === 0,
      endsRound: random.int(8) === 0,
    }
    const base = this.#partition.end
    assert.ok(this.#changelog !== null)
    await this.#partition.write(this.#changelog, write, end)
    if (end === 'commit') this.#kept.push({ text, base, write })
  }

  /** As the contract of changelogs has it, naively. */
  #expected(): string[] {
    let from = 0
    let round = -1
    for (const [i, { write }] of this.#kept.entries()) {
      if (write.startsRound) round = i
      if (!write.endsRound) continue
      if (round >= 0) from = round
      round = -1
    }
    return this.#kept.slice(from).map(({ text }) => text)
  }

  /** The task stops, something may happen, and it goes on, here or there. */
  async #reopen(): Promise<void> {
    const { random } = this
    await this.#changelog?.close()
    if (random.int(3) === 0) this.#process = random.int(2)
    if (random.int(4) === 0) this.#damage()
    if (random.int(6) === 0) this.#loseTail()
    const directory = join(root, `${this.#seed}-${this.#process}`)
    const changelog = this.#partition.open((from) =>
      LocalCopy.open({
        directory,
        identity: { ...place, clusterId: 'c', topicId: 't' },
        from,
        onFailure: (error) => assert.fail(String(error)),
        segmentBytes: 300,
      }),
    )
    this.#partition.given = 0
    const restored: string[] = []
    for await (const blob of changelog.restore(1)) restored.push(Buffer.from(blob).toString())
    assert.deepEqual(restored, this.#expected(), `seed ${this.#seed}`)
    this.restores++
    this.local += Math.max(0, restored.length - this.#partition.given)
    this.#changelog = changelog
  }

  /** A file of either process is cut, or a byte of it changed. */
  #damage(): void {
    const { random } = this
    const directory = join(root, `${this.#seed}-${random.int(2)}`)
    let names: string[] = []
    try {
      names = readdirSync(directory)
    } catch {
      return // that process has not had the task yet
    }
    const name = names[random.int(Math.max(1, names.length))]
    if (name === undefined) return
    const path = join(directory, name)
    const bytes = readFileSync(path)
    if (bytes.length === 0) return
    const at = random.int(bytes.length)
    if (random.int(2) === 0) return writeFileSync(path, bytes.subarray(0, at))
    bytes[at] = (bytes[at] ?? 0) ^ (1 + random.int(255))
    writeFileSync(path, bytes)
  }

  /** The log loses the last commits, which moved nothing: what follows takes their offsets. */
  #loseTail(): void {
    const last = this.#kept.at(-1)
    if (last === undefined || last.write.startsRound || last.write.endsRound) return
    if (this.#kept.length === 1) return
    this.#kept.pop()
    this.#partition.cut(last.base)
  }
}

test('restores with local copies give what the log has', async () => {
  let restores = 0
  let local = 0
  for (let seed = 1; seed <= 25; seed++) {
    const run = new Run(seed)
    for (let i = 0; i < 120; i++) await run.step()
    await run.end()
    restores += run.restores
    local += run.local
  }
  assert.ok(restores > 250, `${restores} restores`)
  assert.ok(local > 1_000, `${local} blobs came from local copies`)
})
