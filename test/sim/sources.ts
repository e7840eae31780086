/** Topics that random plans read. */
import { z } from 'zod'
import { ascending, bounded, codec, from, json, perKey, topic } from '../../src/index.ts'
import type { Codec, Key, Topic, TopicOptions } from '../../src/index.ts'
import type { Dice } from './dice.ts'
import { ms } from './item.ts'
import type { Grown, Ground } from './ground.ts'
import type { CaseSettings, Flow, Source, SourceKind, SourceValue } from './source.ts'

/** Keys are of one type for a case: their texts tell them apart then. */
const keyFamilies: readonly (readonly Key[])[] = [
  ['a', 'b', 'c', 'd', 'e'],
  ['', 'a', 'ä€', '\u0000s', '👩‍🚀', ' ', 'k'.repeat(300), '__proto__'],
  [0, 1, -1, 2.5, 1e21, 7, 8],
  [true, false],
  [['a', 1], ['a', 2], ['b', 1], [], ['"', -0.5]] as readonly Key[],
  ['one'],
]

export function drawSettings(dice: Dice, clock: 'simulated' | 'real'): CaseSettings {
  const tasks = dice.percent(55) ? 'one' : 'per-partition'
  const flow = drawFlow(dice, tasks, clock)
  const isLate = dice.percent(60)
  return {
    tasks,
    flow,
    waves: flow === 'at once' ? 1 : dice.between(2, 4),
    startAt: flow !== 'at once' && dice.percent(25) ? 'latest' : 'earliest',
    partitions: tasks === 'one' ? dice.between(1, 3) : dice.between(2, 3),
    keys: dice.pick(keyFamilies),
    outOfOrderMs: dice.pick([0, 300, 2_000]),
    idleAfterMs: flow === 'in waves' ? neverMs : dice.pick([1, 1_000, 10_000, 30_000]),
    // With several tasks, where event time is left depends on who falls idle first.
    idle: tasks === 'one' && dice.percent(45) ? 'wait' : 'advance',
    // With several tasks, who is late depends on who reads first; behind a rest, on restarts.
    isLate: tasks === 'one' && flow !== 'with rests' && isLate,
  }
}

/** Longer than a simulation takes. */
const neverMs = 864_000_000

function drawFlow(dice: Dice, tasks: CaseSettings['tasks'], clock: 'simulated' | 'real'): Flow {
  const drawn = dice.int(100)
  if (clock === 'real' || drawn < 50) return 'at once'
  // A record of a partition that was idle is late where others have gone on before it came.
  return tasks === 'per-partition' || drawn < 75 ? 'in waves' : 'with rests'
}

/** Values as JSON, or bytes that are none. */
const rawJson: Codec<SourceValue> = codec({
  name: 'raw-json',
  decode: (bytes) => json<SourceValue>().decode(bytes, 0, bytes.length),
  encode: ({ raw, ...value }) => raw ?? JSON.stringify(value),
})

export function makeSource(
  dice: Dice,
  settings: CaseSettings,
  { kind, number, uses }: { kind: SourceKind; number: number; uses: Set<string> },
): Source & { readonly text: string } {
  const name = `${kind === 'stream' ? 'in' : kind}-${number}`
  const isByRecordTime = dice.percent(15)
  const isKeyed = kind !== 'stream' || dice.percent(85)
  const largest = dice.percent(20) ? 90 : Infinity
  const isCompact = kind !== 'stream' && dice.percent(80)
  const partitions = kind === 'global' ? dice.between(1, 2) : settings.partitions
  const time = drawWatermark(dice, settings)
  uses.add(`topic: ${time.name}`)
  if (largest < Infinity) uses.add('topic: schema')
  if (settings.idle === 'wait') uses.add('topic: idle wait')
  const options: TopicOptions<
    undefined,
    Codec<SourceValue>,
    (value: SourceValue) => Key,
    SourceValue
  > = {
    codec: rawJson,
    partitions,
    idleAfter: ms(settings.idleAfterMs),
    idle: settings.idle,
    compact: isCompact,
    ...time.options,
    ...(isKeyed ? { key: (value: SourceValue) => value.k as Key } : {}),
    ...(isByRecordTime ? {} : { time: (value: SourceValue) => value.t }),
    ...(largest < Infinity ? { schema: schemaUpTo(largest) as never } : {}),
  }
  const parts = [
    `partitions: ${partitions}, idleAfter: ${settings.idleAfterMs}, idle: '${settings.idle}'`,
    time.text,
    isKeyed ? 'key: v => v.k' : 'no key',
    isByRecordTime ? 'no time' : 'time: v => v.t',
    ...(isCompact ? ['compact'] : []),
    ...(largest < Infinity ? [`schema: v <= ${largest}`] : []),
  ]
  return {
    name,
    kind,
    topic: topic(name, options) as unknown as Topic<SourceValue, Key>,
    partitions,
    isKeyed,
    outOfOrderMs: time.outOfOrderMs,
    isCompact,
    isByRecordTime,
    largest,
    text: `topic('${name}', { ${parts.join(', ')} })`,
  }
}

function schemaUpTo(largest: number): unknown {
  return z.looseObject({ v: z.number().max(largest), t: z.number() })
}

interface DrawnWatermark {
  readonly name: string
  readonly text: string
  readonly outOfOrderMs: number
  readonly options: object
}

/** How the records tell how far event time has come. */
function drawWatermark(dice: Dice, { outOfOrderMs }: CaseSettings): DrawnWatermark {
  const span = ms(outOfOrderMs)
  switch (dice.int(9)) {
    case 0:
      return {
        name: 'ascending',
        text: 'watermark: ascending()',
        outOfOrderMs: 0,
        options: { watermark: ascending() },
      }
    case 1:
      return {
        name: 'bounded',
        text: `watermark: bounded('${span}')`,
        outOfOrderMs,
        options: { watermark: bounded(span) },
      }
    case 2:
      return {
        name: 'perKey',
        text: `watermark: perKey({ outOfOrder: '${span}', idleAfter: '20s' })`,
        outOfOrderMs,
        options: { watermark: perKey({ outOfOrder: span, idleAfter: '20s' }) },
      }
    case 3:
      return {
        name: 'from data',
        text: 'watermark: v => v.w',
        outOfOrderMs,
        options: { watermark: (value: SourceValue) => value.w },
      }
    default:
      return {
        name: 'outOfOrder',
        text: `outOfOrder: '${span}'`,
        outOfOrderMs,
        options: { outOfOrder: span },
      }
  }
}

/** A stream of a topic. */
export function streamOf(source: Source, ground: Ground): Grown {
  ground.lines.push(`from(${source.name})`)
  return {
    name: `from(${source.name})`,
    stream: from(source.topic),
    order: 'ordered',
    isKeyed: source.isKeyed,
    keyBy: null,
    isTimed: true,
    hasMoved: false,
    isAsync: false,
    isCached: false,
    isTimeDriven: false,
    isEnd: false,
    size: 60,
    depth: 0,
  }
}
