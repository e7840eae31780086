/** The whole process in a line of figures. */
import { count, rate, short, span } from '../lib/format.ts'
import { live, past, perSecond } from '../lib/live.ts'
import { Spark } from '../lib/parts.tsx'
import type { Live } from '../lib/shapes.ts'

const readIn = (at: Live): number => sum(at, 'recordsIn')
const written = (at: Live): number => sum(at, 'recordsOut')

function sum(at: Live, counter: 'recordsIn' | 'recordsOut' | 'late' | 'dead'): number {
  return at.tasks.reduce((total, { counters }) => total + counters[counter], 0)
}

export function Summary() {
  const now = live.value
  if (now === null) return null
  const lag = now.tasks.reduce(
    (total, { inputs }) => total + inputs.reduce((n, i) => n + i.lag, 0),
    0,
  )
  const backlog = now.deliveries.reduce((total, one) => total + one.backlog, 0)
  const away = now.deliveries.filter(({ state }) => state === 'away')
  const marks = now.tasks.flatMap(({ watermarkMs }) => (watermarkMs === null ? [] : [watermarkMs]))
  const behindMs = marks.length === 0 ? null : now.atMs - Math.min(...marks)
  const [late, dead] = [sum(now, 'late'), sum(now, 'dead')]
  return (
    <dl class="summary">
      <Tile name="records in" value={rate(perSecond(readIn) ?? 0)} line={rates(readIn)} />
      <Tile name="results out" value={rate(perSecond(written) ?? 0)} line={rates(written)} />
      <Tile name="lag" value={count(lag)} line={past.value.map(lagAt)} />
      <Tile
        name="event time"
        value={behindMs === null ? '–' : behindMs < 864e5 ? `${span(behindMs)} ago` : 'in the past'}
      />
      <Tile name="late" value={short(late)} tone={late > 0 ? 'warn' : ''} />
      <Tile name="dead" value={short(dead)} tone={dead > 0 ? 'bad' : ''} />
      {now.deliveries.length === 0 ? null : (
        <Tile
          name="to deliver"
          value={away.length > 0 ? `${short(backlog)}, ${away.length} away` : short(backlog)}
          tone={away.length > 0 ? 'bad' : ''}
        />
      )}
    </dl>
  )
}

function lagAt(at: Live): number {
  return at.tasks.reduce((total, { inputs }) => total + inputs.reduce((n, i) => n + i.lag, 0), 0)
}

/** Between one snapshot and the next. */
function rates(read: (at: Live) => number): number[] {
  const list = past.value
  return list.slice(1).map((at, i) => {
    const then = list[i] as Live
    return Math.max(0, read(at) - read(then)) / Math.max(0.001, (at.atMs - then.atMs) / 1_000)
  })
}

function Tile(props: {
  readonly name: string
  readonly value: string
  readonly tone?: string
  readonly line?: readonly number[]
}) {
  const { name, value, tone = '', line } = props
  return (
    <div class={`tile ${tone}`}>
      <dt>{name}</dt>
      <dd>
        {value}
        {line === undefined || line.length < 2 ? null : <Spark values={line} />}
      </dd>
    </div>
  )
}
