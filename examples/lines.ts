/**
 * The first steps: shows the lines of a topic in batches of one second.
 *
 *   npx millrace topics create real-time-topic --partitions 1
 *   npx millrace run examples/lines.ts            (in one terminal)
 *   npx millrace produce real-time-topic          (in another: type lines)
 */
import { from, string, topic } from 'millrace'

const lines = topic('real-time-topic', { codec: string() })

export default from(lines)
  .map((line) => line)
  .print({ every: '1s', first: 10 })
