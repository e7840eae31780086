/** Small pieces of text that the screen is made of. */

/** `12,345`: the same on every machine, whatever its locale. */
export function count(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
}

/** `23 %` of a share from 0 to 1. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** `2001-01-01 14:32`, UTC. */
export function minuteOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

/** `14:32`, UTC. */
export function hourOf(ms: number): string {
  return minuteOf(ms).slice(11)
}

/** `1:02:03`, or `2:03` below an hour. */
export function elapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const two = (n: number): string => String(n).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
}

const blocks = '▁▂▃▄▅▆▇█'

/**
 * One character for each of the last `width` values, 0 to `top`; spaces in front where there are
 * fewer.
 */
export function sparkline(values: readonly number[], top: number, width: number): string {
  const shown = values.slice(-width).map((value) => {
    const level = Math.floor((Math.max(0, value) / top) * blocks.length)
    return blocks[Math.min(level, blocks.length - 1)]
  })
  return shown.join('').padStart(width)
}

/** A bar of up to `width` characters for a value from 0 to `top`. */
export function bar(value: number, top: number, width: number): string {
  if (!(top > 0)) return ''
  return '█'.repeat(Math.max(0, Math.min(width, Math.round((value / top) * width))))
}
