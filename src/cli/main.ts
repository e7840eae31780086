/** The `millrace` command: its commands, and what becomes of their errors. */
import { Command, CommanderError } from 'commander'
import { type Context, processContext } from './context.ts'
import { errorReport } from './report.ts'
import { version } from '../host/version.ts'

/** Exit codes, as `millrace --help` shows them. */
const exitFailed = 1
const exitUsage = 2

const helpEnd = `
Exit codes:
  0    done; also when a running command was ended by Ctrl-C (SIGINT) or SIGTERM in an orderly way
  1    failed; standard error says why and what to do
  2    wrong usage: an unknown command or option, or an option's value that is not allowed
  130  ended at once by a second Ctrl-C

Environment:
  MILLRACE_DATA   data directory, where --data is not given
  MILLRACE_LOG    log, where --log is not given
  MILLRACE_HTTP   address to serve HTTP on, where --http is not given
  MILLRACE_HTTP_TOKEN, MILLRACE_HTTP_TOKEN_FILE
                  what HTTP clients have to show, or the file that has it
  MILLRACE_HTTP_HOSTS
                  names under which HTTP clients reach it, with commas between
  MILLRACE_LOG_FORMAT
                  text or json, where --log-format is not given
  MILLRACE_DEBUG  1: show stacks, as --debug does

Example:
  millrace topics create greetings --partitions 1
  echo hello | millrace produce greetings
  millrace consume greetings`

type Register = (program: Command, context: Context) => void

/** Each command's file, loaded only when it is wanted, in the order in which help shows them. */
const commands: Readonly<Record<string, () => Promise<Register>>> = {
  start: async () => (await import('./start.ts')).registerStart,
  run: async () => (await import('./run.ts')).registerRun,
  explain: async () => (await import('./explain.ts')).registerExplain,
  serve: async () => (await import('./serve.ts')).registerServe,
  topics: async () => (await import('./topics.ts')).registerTopics,
  produce: async () => (await import('./produce.ts')).registerProduce,
  consume: async () => (await import('./consume.ts')).registerConsume,
  dead: async () => (await import('./dead.ts')).registerDead,
  plan: async () => (await import('./plan.ts')).registerPlan,
  test: async () => (await import('./test.ts')).registerTest,
  status: async () => (await import('./status.ts')).registerStatus,
  groups: async () => (await import('./groups.ts')).registerGroups,
}

/**
 * Runs one command line. Each command is a file with a `register…(program, context)`; what it needs
 * beyond its options it imports when it runs.
 * @param argv without node and script
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  const context = processContext()
  const program = await createProgram(context, argv)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : exitUsage
    const isDebugging = program.opts()['debug'] === true || process.env['MILLRACE_DEBUG'] === '1'
    context.note(errorReport(thrown, { withStack: isDebugging }))
    return exitFailed
  }
}

/**
 * The program with the command that `argv` names; with all of them where it names none, for help
 * and guesses.
 */
async function createProgram(context: Context, argv: readonly string[]): Promise<Command> {
  const program = new Command('millrace')
    .description('Real-time data processing: topics, producers, consumers and pipelines.')
    .version(version(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help of a command')
    .option('--debug', 'show the stack of an error')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(usageError(text)) })
    .showHelpAfterError('  --help shows what can be written, with an example')
    .addHelpText('after', helpEnd)
  const named = argv.find((argument) => !argument.startsWith('-')) ?? ''
  const wanted = Object.hasOwn(commands, named) ? [named] : Object.keys(commands)
  if (isVersionOnly(argv)) return program
  for (const name of wanted) (await commands[name]?.())?.(program, context)
  return program
}

/** Nothing but the version is asked for: no command is needed. */
function isVersionOnly(argv: readonly string[]): boolean {
  return argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')
}

/** Commander's words in our form: `millrace: what`, then what to do, indented. */
function usageError(text: string): string {
  return text
    .replace(
      /^error: option '(?:-\w, )?(.*?)' argument '(.*?)' is invalid\. (.)(.*)\.$/ms,
      (_, option: string, given: string, first: string, rest: string) =>
        `millrace: ${option} cannot be '${given}'\n  ${first.toLowerCase()}${rest}`,
    )
    .replace(/^error: /, 'millrace: ')
    .replace(/^\((Did you mean .*)\)$/m, (_, guess: string) => `  ${guess.toLowerCase()}`)
}
