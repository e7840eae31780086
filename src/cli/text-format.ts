/** Numbers, sizes and times as people read them, the same whatever the machine's language. */

/** `1,234,567` */
export function formatCount(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** `999 B`, `1.5 KiB`, `20.0 MiB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`
}

/** `2024-05-06 07:08:09`, UTC */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}

/** As `formatTime`; ms where no calendar has the time. */
export function timeText(ms: number): string {
  return Number.isNaN(new Date(ms).getTime()) ? `${ms} ms` : formatTime(ms)
}

/** `1 record`, `2,000 records` */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}
