/**
 * `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.
 * @returns ms from `nowMs`, 0 or more; null where there is none that can be understood
 */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null
  const text = header.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  // A date has letters: a number with a sign or a point is none.
  const atMs = /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs)
}
