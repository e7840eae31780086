/** Numbers, sizes and times as people read them. */

const wholes = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

export function count(value: number): string {
  return wholes.format(value)
}

/** Four characters or so: 950, 12.3k, 4.5M. */
export function short(value: number): string {
  const size = Math.abs(value)
  if (size < 10) return String(Math.round(value * 10) / 10)
  if (size < 999.5) return String(Math.round(value))
  for (const [unit, letter] of units) {
    if (size < unit * 999.5) return `${digits(value / unit)}${letter}`
  }
  return `${digits(value / 1e12)}T`
}

const units = [
  [1e3, 'k'],
  [1e6, 'M'],
  [1e9, 'G'],
] as const

function digits(value: number): string {
  return Math.abs(value) < 99.95 ? String(Math.round(value * 10) / 10) : String(Math.round(value))
}

export function rate(perSecond: number): string {
  return `${short(perSecond)}/s`
}

export function bytes(value: number): string {
  if (value < 1_024) return `${value} B`
  const names = ['KiB', 'MiB', 'GiB', 'TiB']
  let size = value / 1_024
  let i = 0
  for (; size >= 1_023.95 && i < names.length - 1; i++) size /= 1_024
  return `${size.toFixed(1)} ${names[i]}`
}

/** A time of an event, UTC: `2024-05-06 07:08:09.123`. */
export function time(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return '–'
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return String(ms)
  const text = date.toISOString().replace('T', ' ').replace('Z', '')
  return text.endsWith('.000') ? text.slice(0, -4) : text
}

/** `12 s`, `3 min`, `2 h 5 min`. */
export function span(ms: number): string {
  const size = Math.max(0, ms)
  if (size < 1_000) return `${Math.round(size)} ms`
  const seconds = size / 1_000
  if (seconds < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} days`
}

export function plural(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}
