/**
 * Appends the wall-clock time to a topic of the log, again and again. Arguments: directory, topic,
 * count.
 */
import { BatchBuilder } from '../../src/log/batch.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'

const [dir, topic, count] = process.argv.slice(2) as [string, string, string]
const log = await openEmbeddedLog({ dir })
const builder = new BatchBuilder()
for (let i = 0; i < Number(count); i++) {
  builder.add(null, String(Date.now()), 0)
  await log.append([{ topic, partition: 0, bytes: builder.finish() }])
  await new Promise((resolve) => setTimeout(resolve, 15))
}
await log.close()
