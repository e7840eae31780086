/** What the faults cost, as a table. */

export interface Measured {
  readonly kind: string
  /** From the fault until output of records written after it came from every partition. */
  readonly recoveryMs: number
  /** A fault of the other lane was active at the same time. */
  readonly isOverlapped: boolean
}

const titles: Readonly<Record<string, string>> = {
  kill: 'kill -9 of a process, restart at once',
  killAndStayAway: 'kill -9 of a process, others take over',
  returns: '… and it comes back',
  zombie: 'SIGSTOP of a process, others take over',
  wakes: '… and it wakes (SIGCONT)',
  stop: 'SIGTERM of a process, restart',
  fourth: 'a fourth process joins',
  leaves: '… and leaves (SIGTERM)',
  brokerKill: 'kill -9 of a broker',
  brokerReturns: '… and it answers again',
  brokerPause: 'SIGSTOP of a broker',
  brokerWakes: '… and it goes on (SIGCONT)',
}

/** Times alone, and of those that met a fault of the other lane. */
export function reportTable(measured: readonly Measured[]): string {
  const kinds = Object.keys(titles).filter((kind) => measured.some((one) => one.kind === kind))
  const head = ['fault', 'alone', 'p50', 'max', 'with another', 'p50', 'max']
  const rows = kinds.map((kind) => {
    const of = (isOverlapped: boolean): string[] => {
      const times = measured
        .filter((one) => one.kind === kind && one.isOverlapped === isOverlapped)
        .map(({ recoveryMs }) => recoveryMs)
      return [String(times.length), inSeconds(median(times)), inSeconds(Math.max(...times))]
    }
    return [titles[kind] ?? kind, ...of(false), ...of(true)]
  })
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

export function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) / 2)] ?? Number.NaN
}

export function inSeconds(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(1)} s` : '–'
}
