/** `millrace serve`: HTTP alone, without a pipeline. */
import type { Command } from 'commander'
import { httpAddressDefault, parseHttpAddress } from '../host/http-address.ts'
import { catchInterrupt, type Context } from './context.ts'
import { type DataOptions, withDataOptions, withLog } from './data-options.ts'
import {
  type HttpCommandOptions,
  setHttpEnvironment,
  withHttpOptions,
} from './http-command-options.ts'
import { type LogFormatOptions, RunNotes, withLogFormat } from './run-notes.ts'

const helpEnd = `
Pipelines may run in other processes on the same data. What a topic's records must look like is
known where its pipeline runs: there, 'millrace run FILE --http PORT' checks them as they come.

Example:
  millrace serve --http 7070
  curl -H 'Content-Type: application/json' -d '{"device":"a"}' \\
    http://127.0.0.1:7070/topics/readings`

export function registerServe(program: Command, context: Context): void {
  withLogFormat(withHttpOptions(withDataOptions(program.command('serve'))))
    .description(`take records and show what is there over HTTP (default: ${httpAddressDefault})`)
    .addHelpText('after', helpEnd)
    .action(async (options: DataOptions & HttpCommandOptions & LogFormatOptions) => {
      const notes = new RunNotes(options, context)
      setHttpEnvironment(options)
      const { openHttp } = await import('../host/http.ts')
      const { Awaited } = await import('../host/log-notice.ts')
      const interrupt = catchInterrupt()
      try {
        await withLog(options, 'begin', async (log) => {
          const address = process.env['MILLRACE_HTTP'] ?? httpAddressDefault
          const ui = process.env['MILLRACE_UI'] === '1'
          const http = await openHttp(
            { ...parseHttpAddress(address), ui },
            {
              log,
              pipelines: [],
              name: '',
              notify: (event) => notes.event(event, event.text),
              awaited: new Awaited(),
            },
          )
          await aborted(interrupt.signal)
          await http?.close()
        })
        notes.note('stopped', 'stopped; what was answered with 202 is on disk')
      } catch (thrown) {
        notes.failed(thrown)
      } finally {
        interrupt.release()
      }
    })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
