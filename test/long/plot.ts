/** Draws the samples of a long run as SVG: memory and file size over time. */
import type { Sample } from './samples.ts'

const width = 720
const height = 150
const left = 60
const gap = 44

interface Curve {
  readonly title: string
  readonly values: readonly number[]
}

/** @param restarts seconds at which the engine's process was ended or killed: a line each */
export function plotSvg(samples: readonly Sample[], restarts: readonly number[]): string {
  const curves: Curve[] = [
    { title: 'engine process, resident MiB', values: samples.map((each) => each.engineMiB) },
    { title: 'files of the log, MiB', values: samples.map((each) => each.filesMiB) },
    { title: 'records not yet committed, thousands', values: samples.map(({ lag }) => lag / 1000) },
  ]
  const seconds = samples.at(-1)?.seconds ?? 1
  const x = (at: number): string => (left + (at / seconds) * (width - left - 10)).toFixed(1)
  const parts = curves.map(({ title, values }, row) => {
    const top = row * (height + gap) + 24
    const most = niceMax(Math.max(...values, 1))
    const y = (value: number): string => (top + height * (1 - value / most)).toFixed(1)
    const points = values.map((value, i) => `${x(samples[i]?.seconds ?? 0)},${y(value)}`).join(' ')
    const ticks = [0, most / 2, most].map(
      (value) =>
        `<line x1="${left}" x2="${width - 10}" y1="${y(value)}" y2="${y(value)}" class="grid"/>` +
        `<text x="${left - 8}" y="${y(value)}" class="tick">${value}</text>`,
    )
    const ends = restarts.map(
      (at) => `<line x1="${x(at)}" x2="${x(at)}" y1="${top}" y2="${top + height}" class="end"/>`,
    )
    return [
      `<text x="${left}" y="${top - 8}" class="title">${title}</text>`,
      ...ticks,
      ...ends,
      `<polyline points="${points}" class="curve"/>`,
    ].join('\n')
  })
  const bottom = curves.length * (height + gap) + 24
  const minutes = Math.max(1, Math.floor(seconds / 60))
  const step = Math.max(1, Math.ceil(minutes / 12))
  const hours = Array.from({ length: Math.floor(minutes / step) + 1 }, (_, i) => i * step).map(
    (minute) =>
      `<text x="${x(minute * 60)}" y="${bottom - 24}" class="minute">${minute} min</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom}">
<style>
  text { font-family: sans-serif }
  .grid { stroke: #ddd } .end { stroke: #d88; stroke-dasharray: 2 3 }
  .curve { fill: none; stroke: #2563eb; stroke-width: 1.2 }
  .title { font-size: 13px } .tick { font-size: 11px; text-anchor: end; dominant-baseline: middle }
  .minute { font-size: 11px; text-anchor: middle }
</style>
<rect width="100%" height="100%" fill="#fff"/>
${parts.join('\n')}
${hours.join('\n')}
</svg>
`
}

/** The next of 1, 2, 5, 10, 20 … that is not less. */
function niceMax(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10) * power
}
