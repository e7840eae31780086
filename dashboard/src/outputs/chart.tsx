/** A chart that is redrawn as its columns change. */
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { short, time } from '../lib/format.ts'
import { colour, isDark } from '../lib/theme.ts'
import { drawCandles } from './draw-candles.ts'
import type { Columns } from './series.ts'

export type Form = 'line' | 'bar' | 'candle'

const height = 340
const lines = 8

export function Chart(props: {
  readonly form: Form
  readonly data: Columns
  readonly label: string
}) {
  const { form, data, label } = props
  const holder = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const look = JSON.stringify([form, data.names, isDark.value])
  useEffect(() => {
    const element = holder.current as HTMLDivElement
    const made = new uPlot(
      optionsOf(form, data.names, element.clientWidth),
      data.columns as uPlot.AlignedData,
      element,
    )
    chart.current = made
    const watch = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height })
    })
    watch.observe(element)
    return () => {
      watch.disconnect()
      made.destroy()
      chart.current = null
    }
  }, [look])
  useEffect(() => chart.current?.setData(data.columns as uPlot.AlignedData), [data])
  return <div class="chart" ref={holder} role="img" aria-label={`${label}. ${inWords(data)}`} />
}

/** For those who do not see it. */
function inWords({ names, columns: [xs, ...columns] }: Columns): string {
  const last = columns.flatMap((column, i) => {
    const at = column.findLastIndex((value) => value !== null)
    return at < 0 ? [] : [`${names[i] ?? ''} ${short(column[at] ?? 0)}`]
  })
  if (xs.length === 0) return 'No figures yet.'
  return `Last, at ${time((xs.at(-1) ?? 0) * 1_000)}: ${last.join(', ')}.`
}

function optionsOf(form: Form, names: readonly string[], width: number): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
    font: '12px system-ui, sans-serif',
  }
  const figures: uPlot.Axis = { ...axis, size: 62, values: (_, ticks) => ticks.map(short) }
  return {
    width,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'UTC'),
    cursor: { y: false },
    scales: form === 'bar' ? { y: { range: (_, min, max) => [Math.min(0, min), max * 1.05] } } : {},
    axes: [{ ...axis, values: timeTicks }, figures],
    series: [
      { value: (_, seconds) => (seconds === null ? '–' : time(seconds * 1_000)) },
      ...names.map((name, i) => seriesOf(form, name, i)),
    ],
    ...(form === 'candle' ? { hooks: { draw: [drawCandles] } } : {}),
  }
}

/** UTC; the day stands where it begins, and at the left. */
function timeTicks(_: uPlot, ticks: number[], __: number, ___: number, step: number): string[] {
  let day = ''
  return ticks.map((seconds) => {
    const text = new Date(seconds * 1_000).toISOString()
    const date = text.slice(0, 10)
    const clock = step >= 60 ? text.slice(11, 16) : text.slice(11, 19)
    const shown = step >= 86_400 ? date : date === day ? clock : `${clock}\n${date}`
    day = date
    return shown
  })
}

function seriesOf(form: Form, name: string, i: number): uPlot.Series {
  const stroke = colour(`--series-${(i % lines) + 1}`)
  const label = name === '' ? 'value' : name
  const value: uPlot.Series.Value = (_, one) => (one === null ? '–' : short(one))
  if (form === 'candle') return { label, value, stroke, paths: () => null, points: { show: false } }
  if (form === 'bar') {
    const paths = uPlot.paths.bars?.({ size: [0.7, 40] })
    const bars = paths === undefined ? {} : { paths }
    return { label, value, stroke, fill: `${stroke}99`, points: { show: false }, ...bars }
  }
  return { label, value, stroke, width: 1.6, spanGaps: true, points: { size: 4 } }
}
