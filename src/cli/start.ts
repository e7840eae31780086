/** `millrace start`: the bundled examples on real input, shown live. */
import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { withDataOptions } from './data-options.ts'
import { httpAddressDefault } from '../host/http-address.ts'
import { positiveNumber } from './option-values.ts'
import type { StartOptions } from './start/start.ts'

export function registerStart(program: Command, context: Context): void {
  const speed = 'how much faster than real the recorded flights go'
  withDataOptions(program.command('start'))
    .description('run the bundled examples on real input and show the results live')
    .addOption(new Option('--only <example>', 'run one of them').choices(['vitals', 'flights']))
    .option('--speed <times>', speed, positiveNumber, 3600)
    .option(
      '--http <address>',
      `where the page is (default: ${httpAddressDefault}, or a free port)`,
    )
    .option('--no-ui', 'without the page')
    .option('--take-over', 'fence another run of the examples on this data', false)
    .addHelpText('after', '\nExample:\n  millrace start --speed 7200 --data ./data')
    .action(async (options: StartOptions) => {
      const { start } = await import('./start/start.ts')
      await start(options, context)
    })
}
