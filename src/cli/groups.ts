/** `millrace groups`: how far pipelines and consumers have read, and forgetting one of them. */
import type { Command } from 'commander'
import { MillraceError } from '../core/error.ts'
import { type GroupState, groupStates } from '../log/group-states.ts'
import type { Log } from '../log/log.ts'
import type { Context } from './context.ts'
import { type DataOptions, withDataOptions, withLog } from './data-options.ts'
import { groupDetails, groupTable } from './group-text.ts'

interface ReadOptions extends DataOptions {
  readonly json?: true
}

export function registerGroups(program: Command, context: Context): void {
  const groups = program
    .command('groups')
    .description('list, describe and delete groups: pipelines, and consumers with --group')
  const list = (options: ReadOptions): Promise<void> =>
    withLog(options, 'look', async (log) => {
      const states = groupStates(await log.groups(), await log.listTopics())
      await context.stdout.write(options.json ? json(states) : groupTable(states))
    })
  withDataOptions(groups.command('list', { isDefault: true }).description('list all groups'))
    .option('--json', 'one JSON array')
    .addHelpText('after', '\nExample:\n  millrace groups')
    .action(list)
  withDataOptions(groups.command('describe <group>').description('offsets and lag by partition'))
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  millrace groups describe my-pipeline')
    .action((group: string, options: ReadOptions) =>
      withLog(options, 'look', async (log) => {
        const state = await find(log, group)
        await context.stdout.write(options.json ? json(state) : groupDetails(state))
      }),
    )
  registerDelete(groups, context)
}

function registerDelete(groups: Command, context: Context): void {
  withDataOptions(groups.command('delete <group>'))
    .description("forget a group's offsets, and a pipeline's state: it begins anew")
    .option('-y, --yes', 'do not ask (nothing is asked where input is no terminal)')
    .addHelpText('after', '\nExample:\n  millrace groups delete my-pipeline --yes')
    .action((group: string, options: DataOptions & { yes?: true }) =>
      withLog(options, 'change', async (log) => {
        // Brokers may have forgotten the offsets of a pipeline whose state is still there.
        if (!(await hasState(log, group))) await find(log, group)
        if (!options.yes && context.isTerminal.stdin) {
          const { confirm } = await import('./confirm.ts')
          if (!(await confirm(`forget offsets and state of '${group}'?`))) {
            context.note('nothing was deleted')
            return
          }
        }
        await log.deleteGroup(group)
        context.note(`group '${group}' is forgotten`)
      }),
    )
}

async function hasState(log: Log, pipeline: string): Promise<boolean> {
  if (log.kind !== 'kafka') return false
  const { isChangelogOf } = await import('../log/kafka/admin/names.ts')
  return (await log.listTopics()).some(({ name }) => isChangelogOf(pipeline, name))
}

async function find(log: Log, group: string): Promise<GroupState> {
  const [state] = groupStates(
    (await log.groups()).filter((info) => info.group === group),
    await log.listTopics(),
  )
  if (state !== undefined) return state
  throw new MillraceError('invalid-argument', `there is no group '${group}'`, {
    hint: 'see which there are: millrace groups',
  })
}

function json(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
