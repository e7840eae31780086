/**
 * Writes one partition of an outbox to files, exactly once. A write is: rows appended to staged
 * files and on disk; then a manifest with the position, the lengths of these files and those that
 * are complete, which is the commit; then complete files get their final names. After a crash the
 * manifest says what counts, and the last step is done again, as often as need be.
 */
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { isCode, MillraceError } from '../../core/error.ts'
import type { OutboxPlace, SinkPartition, SinkRecord } from '../sink.ts'
import { asAway, moveNew, syncFolder } from './disk.ts'
import type { FileFormat } from './file-format.ts'
import { fenced, Manifests } from './manifest.ts'
import type { Manifest, StagedFile } from './manifest.ts'
import { rowsSuffix, StagedFiles } from './staged-files.ts'
import type { Rows } from './staged-files.ts'
import { windowLabel, windowOf } from './window-name.ts'

export interface FilesPlan {
  /** The sink's name: final names begin with it. */
  readonly name: string
  /** Of final files. */
  readonly dir: string
  /** Of staged files and manifests, on the same disk. */
  readonly stage: string
  readonly format: FileFormat
  readonly everyMs: number
  readonly by: 'event-time' | 'arrival'
  readonly latenessMs: number
  /** A file that is larger is complete. */
  readonly fileBytesMax: number
}

/** Windows that are open at a time; the oldest is complete where there are more. */
const openMax = 32
/** Tries to take a partition over, while its last owner goes on committing. */
const takeTries = 100

export class PartitionFiles implements SinkPartition {
  readonly #plan: FilesPlan
  readonly #place: OutboxPlace
  readonly #clock: Clock
  readonly #manifests: Manifests
  readonly #key: string
  readonly #staged: StagedFiles
  #manifest: Manifest
  /** What is under way, one after the other. */
  #last: Promise<unknown> = Promise.resolve()
  #cancelTimer: () => void = () => {}
  /** A file could not be completed though it was due. */
  #onStuck: () => void = () => {}
  #state: 'good' | 'failed' | 'closed' = 'good'
  /** Somebody else has the partition, for good. */
  #fence: MillraceError | null = null

  private constructor(plan: FilesPlan, place: OutboxPlace, clock: Clock, manifest: Manifest) {
    this.#plan = plan
    this.#place = place
    this.#clock = clock
    this.#key = keyOf(place)
    this.#manifests = new Manifests(plan.stage, this.#key)
    this.#staged = new StagedFiles(plan.stage, plan.format)
    this.#manifest = manifest
  }

  /** Takes the partition over. @throws `task-fenced` · `sink-unavailable` */
  static async take(plan: FilesPlan, place: OutboxPlace, clock: Clock): Promise<PartitionFiles> {
    const manifests = new Manifests(plan.stage, keyOf(place))
    for (let tries = 1; ; tries++) {
      const last = await manifests.last()
      if (last.epoch > place.epoch) throw fenced(place)
      const taken = new PartitionFiles(plan, place, clock, last)
      try {
        await taken.#begin(last)
        return taken
      } catch (thrown) {
        await taken.close()
        // Its owner has committed once more in between.
        if (!isCode(thrown, 'task-fenced') || tries === takeTries) throw asAway(thrown, plan.stage)
      }
    }
  }

  get position(): number | null {
    return this.#manifest.position
  }

  /** Whether it can be used on: nothing has failed. */
  get isGood(): boolean {
    return this.#state === 'good'
  }

  /** Who is told when a file that is due could not be completed, though no record came. */
  whenStuck(tell: () => void): void {
    this.#onStuck = tell
  }

  /** When nothing is under way. */
  async idle(): Promise<void> {
    await this.#last.catch(() => {})
  }

  write(records: readonly SinkRecord[], nextOffset: number): Promise<void> {
    return this.#inTurn(async () => {
      // Before anything is changed: a record that has no row is refused.
      const rows = this.#rowsOf(records)
      await this.#changing(async () => {
        const prefix = this.#prefix(this.#manifest.version + 1)
        let hasBegun = false
        for (const one of rows) {
          const begun = { prefix, ms: this.#clock.now() }
          if (await this.#staged.append(one, begun)) hasBegun = true
        }
        await this.#staged.sync()
        if (hasBegun) await syncFolder(this.#plan.stage)
        const times = records.map(({ time }) => time)
        const latestMs = times.reduce(
          (latest, time) => Math.max(latest, time),
          this.#manifest.latestMs ?? Number.NEGATIVE_INFINITY,
        )
        await this.#commit(nextOffset, Number.isFinite(latestMs) ? latestMs : null)
      })
    })
  }

  /** Lets go; what is staged is gone on with by whoever takes the partition next. */
  async close(): Promise<void> {
    this.#cancelTimer()
    await this.idle()
    this.#state = 'closed'
    await this.#staged.close()
  }

  async #begin(last: Manifest): Promise<void> {
    await this.#publish(last)
    const version = last.version + 1
    await this.#staged.takeOver(last.open, this.#prefix(version))
    await this.#staged.sync()
    await syncFolder(this.#plan.stage)
    const { epoch } = this.#place
    this.#manifest = { ...last, epoch, version, open: this.#staged.files, done: [] }
    await this.#manifests.commit(this.#manifest)
    await this.#manifests.clear(this.#manifest)
    this.#setTimer()
  }

  /** The commit, and the final names of what is complete by it. */
  async #commit(position: number | null, latestMs: number | null): Promise<void> {
    const complete = this.#complete(latestMs)
    const done = []
    for (const file of complete) done.push(await this.#finished(file))
    if (done.length > 0) await syncFolder(this.#plan.stage)
    const { epoch, version } = this.#manifest
    const open = this.#staged.files
    const next = { epoch, version: version + 1, position, latestMs, open, done }
    await this.#manifests.commit(next)
    this.#manifest = next
    await this.#publish(next)
    await this.#manifests.removeBefore(next.version)
    this.#setTimer()
  }

  /** Makes the file that gets the final name. */
  async #finished(file: StagedFile): Promise<Manifest['done'][number]> {
    const { stage, format, name, everyMs } = this.#plan
    await this.#staged.finish(file)
    const { windowMs, firstOffset, bytes } = file
    const label = `${name}-${windowLabel(windowMs, everyMs)}`
    const offset = String(firstOffset).padStart(12, '0')
    const final = `${label}-p${this.#place.partition}-${offset}.${format.extension}`
    if (format.finish === null) return { staged: file.staged, final }
    const staged = `${file.staged}.${format.extension}`
    await format.finish({ staged: join(stage, file.staged), bytes, path: join(stage, staged) })
    return { staged, final }
  }

  async #publish({ done }: Manifest): Promise<void> {
    const { stage, dir } = this.#plan
    for (const { staged, final } of done) {
      if (await moveNew(join(stage, staged), join(dir, final))) continue
      throw new MillraceError('sink-unavailable', 'another file has the name of a new one', {
        at: { file: join(dir, final) },
        hint: 'move it away: it may be of a run on another log, with a sink of the same name',
      })
    }
    if (done.length > 0) await syncFolder(dir)
    for (const { staged } of done) {
      if (!staged.endsWith(rowsSuffix))
        await this.#manifests.removeStaged(staged.slice(0, staged.lastIndexOf('.')))
    }
  }

  /** Files that get no more rows. */
  #complete(latestMs: number | null): StagedFile[] {
    const { fileBytesMax } = this.#plan
    const nowMs = this.#clock.now()
    const files = this.#staged.files.toSorted((a, b) => a.windowMs - b.windowMs)
    const surplus = Math.max(0, files.length - openMax)
    return files.filter(
      (file, i) =>
        i < surplus || file.bytes >= fileBytesMax || this.#isOver(file, { nowMs, latestMs }),
    )
  }

  /** Whether its window has come to its end. */
  #isOver(
    { windowMs, begunMs }: StagedFile,
    { nowMs, latestMs }: { readonly nowMs: number; readonly latestMs: number | null },
  ): boolean {
    const { by, everyMs, latenessMs } = this.#plan
    const endMs = windowMs + everyMs
    if (by === 'arrival') return nowMs >= endMs || nowMs < windowMs
    // A window that nothing more comes for is not kept open for ever.
    const isOld = nowMs - begunMs >= everyMs + latenessMs
    return isOld || (latestMs !== null && latestMs >= endMs + latenessMs)
  }

  /** When a file is complete though no record comes. */
  #setTimer(): void {
    this.#cancelTimer()
    const { by, everyMs, latenessMs } = this.#plan
    const dueMs = this.#staged.files.map(({ windowMs, begunMs }) =>
      by === 'arrival' ? windowMs + everyMs : begunMs + everyMs + latenessMs,
    )
    if (dueMs.length === 0 || this.#state !== 'good') return
    const inMs = Math.max(1, Math.min(...dueMs) - this.#clock.now())
    this.#cancelTimer = this.#clock.after(inMs, () => {
      // What fails shows with the next record; until then it is tried by itself.
      void this.#inTurn(() => this.#changing(() => this.#roll())).catch(() => this.#onStuck())
    })
  }

  async #roll(): Promise<void> {
    const { position, latestMs } = this.#manifest
    if (this.#complete(latestMs).length > 0) await this.#commit(position, latestMs)
    else this.#setTimer()
  }

  #rowsOf(records: readonly SinkRecord[]): Rows[] {
    const { by, everyMs, format } = this.#plan
    const nowMs = this.#clock.now()
    const rows = new Map<number, Rows>()
    for (const record of records) {
      const windowMs = windowOf(by === 'arrival' ? nowMs : record.time, everyMs)
      const text = format.row(record)
      const known = rows.get(windowMs)
      if (known === undefined) {
        rows.set(windowMs, { windowMs, firstOffset: record.offset, text, count: 1 })
      } else {
        known.text += text
        known.count += 1
      }
    }
    return [...rows.values()]
  }

  #prefix(version: number): string {
    return `${this.#key}~${this.#place.epoch}~${version}`
  }

  /** What fails half-way leaves files that nobody knows: the partition is taken anew. */
  async #changing(work: () => Promise<void>): Promise<void> {
    if (this.#fence !== null) throw this.#fence
    if (this.#state !== 'good') {
      throw new MillraceError('sink-failed', 'these files have to be taken over again')
    }
    try {
      await work()
    } catch (thrown) {
      this.#state = 'failed'
      if (isCode(thrown, 'task-fenced')) this.#fence = thrown
      throw asAway(thrown, this.#plan.dir)
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.catch(() => {}).then(work)
    this.#last = turn
    return turn
  }
}

/** Topics have no `~` in their names. */
function keyOf({ topic, partition }: OutboxPlace): string {
  return `${topic}~${partition}`
}
