/** Random records for the topics of a plan: disordered, late, doubled, with gaps, undecodable. */
import { encodeKey } from '../../src/core/key.ts'
import type { Key } from '../../src/index.ts'
import { partitionOfText } from '../../src/log/partitioner.ts'
import type { SimulatedRecord } from '../../src/testing/simulate/simulation-input.ts'
import type { Dice } from './dice.ts'
import type { CaseSettings, Source, SourceValue } from './source.ts'

/** Event time of the first record, ms. */
const startMs = 1_000_000
/**
 * Event time between waves with rests, ms: longer than the wall clock goes on there, also where
 * crashes make it longer.
 */
const restMs = 1_200_000
/** Closing records are so much later than the last one, ms: every window is complete by then. */
const closingMs = 200_000_000

/** How the records of a case come. */
interface Shape {
  readonly stepMs: number
  readonly gapPercent: number
  readonly duplicatePercent: number
  readonly latePercent: number
  readonly isSkewed: boolean
  /** A partition that gets none where it can be chosen; −1: no such one. */
  readonly silentPartition: number
  /** Event times that are taken: records of several partitions have different ones. */
  readonly taken: Set<number>
}

export interface RandomInput {
  readonly records: readonly SimulatedRecord[]
  /** One for each partition of each topic that holds event time: far behind all others. */
  readonly closing: readonly SimulatedRecord[]
}

export function randomInput(
  dice: Dice,
  settings: CaseSettings,
  sources: readonly Source[],
): RandomInput {
  const flow: Shape = {
    stepMs: dice.pick([10, 100, 400]),
    gapPercent: dice.pick([0, 2]),
    duplicatePercent: dice.pick([0, 5, 15]),
    latePercent: settings.isLate ? 10 : 0,
    isSkewed: dice.percent(40),
    silentPartition: dice.percent(25) ? dice.int(settings.partitions) : -1,
    taken: new Set(),
  }
  const records: SimulatedRecord[] = []
  let nowMs = startMs
  let wave = 0
  const total = dice.pick([20, 40, 80, 120])
  const waves = drawWaves(dice, settings.waves, total)
  for (let left = total; left > 0; left--) {
    nowMs += 1 + dice.int(2 * flow.stepMs)
    const isNext = waves.has(left)
    if (isNext) wave += 1
    // Event time has gone on with the clock in between.
    if (isNext && settings.flow === 'with rests') nowMs += restMs
    if (dice.percent(flow.gapPercent)) nowMs += 40_000
    const source = dice.pick(sources)
    const t = eventTime(dice, { source, flow, nowMs })
    if (t === null) continue
    const made = recordOf(dice, { source, settings, flow, t, nowMs, number: records.length })
    const placed = wave === 0 ? made : { ...made, wave }
    records.push(placed)
    if (dice.percent(flow.duplicatePercent)) records.push(placed)
  }
  const closing = sources.flatMap((source) => closingOf(source, nowMs + closingMs))
  return { records, closing: closing.map((one) => (wave === 0 ? one : { ...one, wave })) }
}

/** Where further waves begin: numbers of records that are left. */
function drawWaves(dice: Dice, waves: number, total: number): ReadonlySet<number> {
  return new Set(Array.from({ length: waves - 1 }, () => 1 + dice.int(total)))
}

interface Draw {
  readonly source: Source
  readonly flow: Shape
  readonly nowMs: number
}

/** @returns null where no time is free */
function eventTime(dice: Dice, { source, flow, nowMs }: Draw): number | null {
  const isLate = dice.percent(flow.latePercent)
  const behindMs = isLate ? source.outOfOrderMs + dice.int(10_000) : source.outOfOrderMs
  for (let tries = 0; tries < 20; tries++) {
    const t = nowMs - dice.int(behindMs + 1)
    if (flow.taken.has(t)) continue
    flow.taken.add(t)
    return t
  }
  return null
}

interface RecordDraw extends Draw {
  readonly settings: CaseSettings
  readonly t: number
  readonly number: number
}

function recordOf(dice: Dice, draw: RecordDraw): SimulatedRecord {
  const { source, settings, flow, t, nowMs, number } = draw
  const { keys } = settings
  const at = flow.isSkewed ? Math.min(dice.int(keys.length), dice.int(keys.length)) : undefined
  // A step by key refuses what has none; without a key a table has no row to change.
  const isKeyless = dice.percent(3) && !source.isCompact
  const k = isKeyless ? null : (keys[at ?? dice.int(keys.length)] as Key)
  const v = dice.int(100)
  const w = dice.percent(30) ? nowMs - source.outOfOrderMs : null
  const partition = partitionOf(dice, source, { settings, flow, k })
  const place = { topic: source.name, time: t, ...(partition === null ? {} : { partition }) }
  // The event time of a tombstone is that of its input, which behind a rest may be past.
  const mayDelete = source.isCompact && settings.flow !== 'with rests'
  if (mayDelete && k !== null && dice.percent(20)) {
    return { ...place, value: null, key: k }
  }
  const value: SourceValue = { k, v, t, w, p: shapeOf(dice, number) }
  const raw = brokenValue(dice, value)
  return { ...place, value: raw === null ? value : { ...value, raw } }
}

/** null: that of its key, or 0. */
function partitionOf(
  dice: Dice,
  source: Source,
  { settings, flow, k }: { settings: CaseSettings; flow: Shape; k: Key | null },
): number | null {
  // Partitions of a global table are read one by one: which row of a key is the newest would depend
  // on who is read first.
  const mustFollow =
    source.isKeyed && (settings.tasks === 'per-partition' || source.kind === 'global')
  if (mustFollow && k !== null) return null
  const drawn = dice.int(source.partitions)
  return drawn === flow.silentPartition ? (drawn + 1) % source.partitions : drawn
}

/** What records hold beside what plans look at. */
function shapeOf(dice: Dice, number: number): unknown {
  switch (dice.int(6)) {
    case 0:
      return { number, text: 'ä€ "\\\n', list: [1, null, { deep: [[]] }] }
    case 1:
      return { number, big: Number.MAX_SAFE_INTEGER, small: -0.1, is: true }
    case 2:
      return { number, __proto__: null, '': 0, 'a b': '' }
    default:
      return number
  }
}

/** Bytes in place of a value; null: as it is. */
function brokenValue(dice: Dice, value: SourceValue): string | null {
  switch (dice.int(60)) {
    case 0:
      return '{"k":'
    case 1:
      return ''
    case 2:
      // No time that there is: refused when it is read.
      return JSON.stringify({ ...value, t: 'yesterday' })
    default:
      return null
  }
}

function closingOf(source: Source, t: number): SimulatedRecord[] {
  if (source.kind === 'global') return []
  return Array.from({ length: source.partitions }, (_, partition) => {
    const k = closingKey(partition, source.partitions)
    const value: SourceValue = { k, v: 1, t: t + partition, w: t, p: 'the end' }
    return { topic: source.name, value, key: k, time: t + partition, partition }
  })
}

/** A key that belongs to a partition. */
function closingKey(partition: number, partitions: number): string {
  for (let i = 0; ; i++) {
    const key = `end ${i}`
    if (partitionOfText(encodeKey(key), partitions) === partition) return key
  }
}
