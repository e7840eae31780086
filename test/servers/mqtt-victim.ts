/**
 * A process that puts messages of a broker into a topic and says how far it is, to be killed:
 * `mqtt-victim.ts DIR URL [hold | dedupe]`. With `hold` it never commits what it has received.
 */
import { runSource } from '../../src/connect/source-runner.ts'
import { mqttSource } from '../../src/connect/sources/mqtt.ts'
import type { MqttPosition } from '../../src/connect/sources/mqtt.ts'
import type { Source } from '../../src/connect/source.ts'
import { systemClock } from '../../src/core/clock.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'

const [dir = '', url = '', mode = ''] = process.argv.slice(2)
const source = mqttSource({
  url,
  topics: 'plant/#',
  clientId: 'victim',
  receiveMaximum: 50,
  id: ({ payload }) => payload.toString(),
})

/** Receives, and never lets the runner have it. */
const held: Source<MqttPosition> = {
  ...source,
  async *open(position, context) {
    for await (const { records } of source.open(position, context)) {
      process.stdout.write(`held ${records.length}\n`)
      await new Promise(() => {})
      yield* []
    }
  },
}

const log = await openEmbeddedLog({ dir })
const run = await runSource(log, mode === 'hold' ? held : source, {
  topic: 'plant',
  create: { partitions: 2 },
  clock: systemClock,
  takeOver: true,
  dedupe: mode === 'dedupe' ? { withinMs: 600_000, max: 100_000 } : null,
  attemptsMax: Number.POSITIVE_INFINITY,
})
process.stdout.write('running\n')
process.on('SIGTERM', () => void run.stop())
await run.done
await log.close()
