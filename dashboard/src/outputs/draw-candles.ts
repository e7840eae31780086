/** Draws open, high, low and close, the four columns of the chart. */
import type uPlot from 'uplot'
import { colour } from '../lib/theme.ts'

const widthMax = 14

export function drawCandles(chart: uPlot): void {
  const { ctx, data } = chart
  const [xs = [], opens = [], highs = [], lows = [], closes = []] = data
  const ratio = devicePixelRatio
  const space = xs.length < 2 ? widthMax : chart.bbox.width / ratio / xs.length
  const width = Math.max(1, Math.min(widthMax, space * 0.7)) * ratio
  const [up, down] = [colour('--up'), colour('--down')]
  ctx.save()
  ctx.lineWidth = ratio
  for (const [i, x] of xs.entries()) {
    const [open = null, high = null, low = null, close = null] = [
      opens[i],
      highs[i],
      lows[i],
      closes[i],
    ]
    if (open === null || high === null || low === null || close === null) continue
    const at = chart.valToPos(x, 'x', true)
    const y = (value: number): number => chart.valToPos(value, 'y', true)
    const tone = close >= open ? up : down
    ctx.strokeStyle = tone
    ctx.fillStyle = tone
    ctx.beginPath()
    ctx.moveTo(at, y(high))
    ctx.lineTo(at, y(low))
    ctx.stroke()
    const top = Math.min(y(open), y(close))
    ctx.fillRect(at - width / 2, top, width, Math.max(ratio, Math.abs(y(open) - y(close))))
  }
  ctx.restore()
}
