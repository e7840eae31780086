/** `millrace explain`: why a window has not given its result, asked of a process that runs. */
import type { Command } from 'commander'
import { MillraceError } from '../core/error.ts'
import { httpAddressDefault, parseHttpAddress } from '../host/http-address.ts'
import type { ExplainedTask } from '../server/explain-words.ts'
import type { Context } from './context.ts'
import { someText } from './option-values.ts'

interface ExplainOptions {
  readonly step?: string
  readonly json?: true
}

const timeoutMs = 10_000
const width = 96

const helpEnd = `
The process must have been started with --ui or --http (or run(…, { http })). Where it wants a
token, MILLRACE_HTTP_TOKEN has it. The same is on the page, under 'Event time'.

Example:
  millrace explain 127.0.0.1:7070 --step per-minute`

export function registerExplain(program: Command, context: Context): void {
  program
    .command('explain [address]')
    .description(`why a window has not given its result (default: ${httpAddressDefault})`)
    .option('--step <name>', 'only tasks with this step, and only what it waits for', someText)
    .option('--json', 'one JSON object')
    .addHelpText('after', helpEnd)
    .action(async (address: string | undefined, options: ExplainOptions) => {
      const url = urlOf(address ?? (process.env['MILLRACE_HTTP'] || httpAddressDefault))
      const all = await explanations(url)
      const { step } = options
      const tasks = step === undefined ? all : ofStep(all, step)
      const text = options.json === true ? `${JSON.stringify({ tasks })}\n` : textOf(tasks)
      await context.stdout.write(text)
    })
}

/** An address as `--http` takes it, or a URL. @throws `invalid-argument` */
function urlOf(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return new URL(text).origin
  const { host = '127.0.0.1', port } = parseHttpAddress(text)
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** @throws `invalid-argument` for an address where nobody answers, or who does will not */
async function explanations(url: string): Promise<ExplainedTask[]> {
  const token = process.env['MILLRACE_HTTP_TOKEN'] ?? ''
  let response: Response
  try {
    response = await fetch(`${url}/explain`, {
      headers: token === '' ? {} : { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    })
  } catch (thrown) {
    throw new MillraceError('invalid-argument', `nobody answers at ${url}`, {
      hint: 'start the pipeline with --ui or --http, and give its address',
      cause: thrown,
    })
  }
  const answer = (await response.json().catch(() => null)) as {
    tasks?: ExplainedTask[]
    detail?: string
  } | null
  if (response.ok && Array.isArray(answer?.tasks)) return answer.tasks
  const what = answer?.detail ?? `it answered with ${response.status}`
  throw new MillraceError('invalid-argument', `${url} does not explain: ${what}`, {
    hint:
      response.status === 401
        ? 'set MILLRACE_HTTP_TOKEN'
        : 'give the address of a process that was started with --ui or --http',
  })
}

/** @throws `invalid-argument` where no task has such a step, with those that there are */
function ofStep(tasks: readonly ExplainedTask[], step: string): ExplainedTask[] {
  const found = tasks
    .filter(({ steps }) => steps.some((one) => one.step === step))
    .map((task) => ({ ...task, steps: task.steps.filter((one) => one.step === step) }))
  if (found.length > 0) return found
  const names = [...new Set(tasks.flatMap(({ steps }) => steps.map((one) => one.step)))]
  throw new MillraceError('invalid-argument', `no step '${step}' waits for event time`, {
    hint: names.length === 0 ? 'no step does' : `there are: ${names.join(', ')}`,
  })
}

function textOf(tasks: readonly ExplainedTask[]): string {
  if (tasks.length === 0) return 'no pipeline runs in that process\n'
  return tasks
    .map(({ pipeline, task, text, remedy, steps }) => {
      const lines = [
        `pipeline ${pipeline}, task ${task}`,
        ...wrapped(text, '  '),
        ...(remedy === '' ? [] : wrapped(`→ ${remedy}`, '  ')),
        ...steps.flatMap((one) => [`  ${one.step}`, ...wrapped(one.text, '    ')]),
      ]
      return `${lines.join('\n')}\n`
    })
    .join('\n')
}

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    if (line.length + word.length > width && line !== indent) {
      lines.push(line.trimEnd())
      line = indent
    }
    line += `${word} `
  }
  return [...lines, line.trimEnd()]
}
