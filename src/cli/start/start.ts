/** A run of `millrace start`: from the first words to the summary. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pause } from '../../connect/pause.ts'
import { errorLine } from '../../host/event-line.ts'
import type { Log } from '../../log/log.ts'
import type { Context } from '../context.ts'
import { catchInterrupt } from '../context.ts'
import { type DataOptions, withLog } from '../data-options.ts'
import type { Bundled, BundledOptions, Example } from './bundled.ts'
import { startBundled } from './bundled.ts'
import { pageAddress } from './page-address.ts'
import { ResultsReader } from './results.ts'
import type { Screen } from './screen.ts'
import { openScreen } from './screen.ts'
import { Snapshots } from './snapshot.ts'
import { type Before, introText, shownPath, summaryText } from './texts.ts'

export interface StartOptions extends DataOptions {
  readonly speed: number
  readonly only?: Example
  readonly takeOver: boolean
  readonly ui: boolean
  readonly http?: string
}

/**
 * Runs until Ctrl-C, until nobody reads the output any more, or until a part of it fails.
 * @throws what ended it, other than the user
 */
export async function start(options: StartOptions, context: Context): Promise<void> {
  const interrupt = catchInterrupt()
  try {
    await withLog(options, 'begin', async (log) => {
      const screen = openScreen(context.stdout, {
        isTerminal: context.isTerminal.stdout,
        colours: (process.env['NO_COLOR'] ?? '') === '',
        size: () => ({ columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 }),
      })
      try {
        await runExamples({ log, options, context, screen, interrupt: interrupt.signal })
      } finally {
        await screen.end()
      }
    })
  } finally {
    interrupt.release()
  }
}

interface Run {
  readonly log: Log
  readonly options: StartOptions
  readonly context: Context
  readonly screen: Screen
  readonly interrupt: AbortSignal
}

async function runExamples({ log, options, context, screen, interrupt }: Run): Promise<void> {
  const { clock } = context
  const bundled = await startBundled({
    log,
    clock,
    only: options.only ?? null,
    speed: options.speed,
    takeOver: options.takeOver,
    http: options.ui ? await pageAddress(options.http) : null,
    notify: notifyOn(screen),
  })
  try {
    const results = await ResultsReader.open(log)
    const snapshots = new Snapshots(bundled, { speed: options.speed, nowMs: clock.monotonic() })
    const take = async () => snapshots.take(await results.read(), clock.monotonic())
    const ended = endOf(bundled, context, interrupt)
    screen.say(introOf(bundled, log, options.speed))
    await pause(clock, screen.everyMs, ended.signal) // so that the first rates mean something
    while (!ended.signal.aborted) {
      screen.show(await take())
      await pause(clock, screen.everyMs, ended.signal)
    }
    ended.check()
    await bundled.stop()
    await screen.end()
    const isKept = log.kind !== 'memory'
    screen.say(summaryText(await take(), isKept ? `${command} start${dataOption(log)}` : null))
    await results.close()
  } finally {
    await bundled.stop()
  }
}

interface End {
  readonly signal: AbortSignal
  /** @throws what made a part of it fail, where that was the end */
  check(): void
}

/** Whatever ends the run first: the user, the reader of the output, a failure. */
function endOf({ failed }: Bundled, { stdout }: Context, interrupt: AbortSignal): End {
  const controller = new AbortController()
  let failure: { readonly thrown: unknown } | null = null
  failed.catch((thrown: unknown) => {
    failure ??= { thrown }
    controller.abort()
  })
  void stdout.closed.then(() => controller.abort())
  return {
    signal: AbortSignal.any([interrupt, controller.signal]),
    check() {
      if (failure !== null) throw failure.thrown
    },
  }
}

function notifyOn(screen: Screen): BundledOptions['notify'] {
  return (event) => {
    switch (event.kind) {
      case 'retrying':
      case 'source-retrying': {
        const who = 'source' in event ? `source ${event.source}` : `task ${event.task}`
        screen.say(`${who}: ${errorLine(event.error)}; trying again in ${event.inMs} ms`)
        return
      }
      case 'source-ended':
        screen.say(
          `The recording of ${event.source} has come to its end; another --data begins anew.`,
        )
        return
      case 'orphans':
        screen.say(
          `task ${event.task}: state of steps that are gone is dropped: ${event.stores.join(', ')}`,
        )
        return
      default: // `failed` is thrown and told by the command line; the rest is as it should be
    }
  }
}

function introOf(bundled: Bundled, log: Log, speed: number): string {
  const example = bundled.flights === null ? 'vitals' : 'flights'
  const file = `${example}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`
  const planFile = fileURLToPath(new URL(`../../examples/${file}`, import.meta.url))
  return introText({
    place: log.kind === 'memory' ? null : shownPath(log.place, process.cwd()),
    page: bundled.pipelines.httpUrl,
    speed,
    vitals: bundled.vitals !== null,
    flights: bundled.flights !== null,
    missing: bundled.missing,
    before: beforeOf(bundled),
    command,
    dataOption: dataOption(log),
    planFile: shownPath(planFile, process.cwd()),
  })
}

/** What another command needs to find this data; nothing where it is the default place. */
function dataOption(log: Log): string {
  const isDefault = log.place === resolve('.millrace')
  return isDefault ? '' : ` --data ${shownPath(log.place, process.cwd())}`
}

/** What the runs before have left, by the positions that the sources began at. */
function beforeOf({ vitals, flights }: Bundled): Before | null {
  const sampleCount = vitals?.from?.sample ?? 0
  const position = flights?.from ?? null
  if (sampleCount === 0 && position === null) return null
  const { rowCount = 0, arrivesAt = null } = position ?? {}
  return { sampleCount, flightCount: rowCount, reachedMs: arrivesAt }
}

/** How a user starts the command, in a clone as beside an installed package. */
const command = 'npx millrace'
