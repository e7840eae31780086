/** Names of files by the time that they are of. */

/** `2026-11-24`, `2026-11-24T03`, `2026-11-24T03-30`: as exact as the windows are. */
export function windowLabel(windowMs: number, everyMs: number): string {
  const text = new Date(windowMs).toISOString()
  const [day = '', time = ''] = text.split('T')
  const [hour = '', minute = '', second = ''] = time.replace('Z', '').split(':')
  if (everyMs % 86_400_000 === 0) return day
  if (everyMs % 3_600_000 === 0) return `${day}T${hour}`
  if (everyMs % 60_000 === 0) return `${day}T${hour}-${minute}`
  if (everyMs % 1_000 === 0) return `${day}T${hour}-${minute}-${second.slice(0, 2)}`
  return `${day}T${hour}-${minute}-${second.replace('.', '-')}`
}

export function windowOf(timeMs: number, everyMs: number): number {
  return Math.floor(timeMs / everyMs) * everyMs
}
