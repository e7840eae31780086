/** Runs a benchmark's script in a process of its own, and prints what such scripts report. */
import { execFileSync, spawn } from 'node:child_process'
import type { Figure } from './measure.ts'

/** Whether this system can pin a process to one core. */
export function canPin(): boolean {
  try {
    execFileSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Runs the script and gives the figures that it prints. @throws when it ends with an error */
export async function runScript(
  script: string,
  args: readonly string[],
  pin: boolean,
): Promise<Figure[]> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', script, ...args]
  const [command, ...rest] = pin ? ['taskset', '-c', '0', ...node] : node
  const child = spawn(command as string, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`${script} ${args.join(' ')} ended with ${String(code)}`)
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Figure)
}

export function printTable(figures: readonly Figure[]): void {
  const rows = figures.map((figure) => [
    figure.name,
    figure.reached,
    figure.aim,
    figure.aim === '–' ? '–' : figure.met ? 'yes' : 'NO',
    figure.cpuSecondsPerMillion === null ? '–' : figure.cpuSecondsPerMillion.toFixed(2),
    `${figure.peakMiB} MiB`,
    figure.note,
  ])
  const head = ['case', 'reached', 'aim', 'met', 'CPU-s/M', 'peak', 'note']
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] as string).length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] as number)).join(' | ')} |`
  console.log(line(head))
  console.log(line(widths.map((width) => '-'.repeat(width))))
  for (const row of rows) console.log(line(row))
}
