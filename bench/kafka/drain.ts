/** A backlog, exactly-once, from a topic of four partitions to another one. */
import type { Figure } from '../measure.ts'
import type { EngineUse } from './engine.ts'
import { pinNote, startEngine } from './engine-process.ts'
import type { Setting } from './setting.ts'

const kinds = {
  'filter-map': { name: 'drain: filter + map → topic', aim: 2.6 },
  'window-count': { name: 'drain: keyed 10 s window count → topic', aim: 1.7 },
} as const
const runs = 3
const peakAimMiB = 300

export async function drain(setting: Setting, kind: keyof typeof kinds): Promise<Figure[]> {
  const { records, cluster } = setting
  const uses: EngineUse[] = []
  for (let run = 0; run < runs; run++) {
    const engine = startEngine(cluster.brokers, kind, { ...setting.fresh(), records })
    uses.push(await engine.use)
  }
  const perMillion = ({ cpuSeconds }: EngineUse): number => (cpuSeconds / records) * 1e6
  const sorted = uses.toSorted((a, b) => perMillion(a) - perMillion(b))
  const use = sorted[Math.floor(runs / 2)] as EngineUse
  const reached = perMillion(use)
  const { name, aim } = kinds[kind]
  const all = sorted.map((one) => perMillion(one).toFixed(2)).join(', ')
  const start = use.startCpuSeconds.toFixed(2)
  const rest = { peakMiB: use.peakMiB, cpuSecondsPerMillion: reached }
  return [
    {
      ...rest,
      name,
      reached: `${reached.toFixed(2)} CPU-s/M`,
      score: reached,
      aim: `≤ ${aim} CPU-s/M`,
      met: reached <= aim,
      note: `${pinNote}; ${runs} runs: ${all}; ${start} s of it before the pipeline ran`,
    },
    {
      ...rest,
      name: '  records/s',
      reached: `${Math.round(records / use.seconds / 1000)} k/s`,
      score: records / use.seconds,
      aim: '–',
      met: true,
      note: `${records} records`,
    },
    {
      ...rest,
      name: '  memory',
      reached: `${use.peakMiB} MiB`,
      score: use.peakMiB,
      aim: `≤ ${peakAimMiB} MiB`,
      met: use.peakMiB <= peakAimMiB,
      note: 'peak of the resident set (VmHWM)',
    },
  ]
}
