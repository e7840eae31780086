/** Devices that were too hot for a minute: from readings with a schema to alerts, by event time. */
import { count, from, max, topic, tumbling } from 'millrace'
import { z } from 'zod'

export const readings = topic('readings', {
  schema: z.object({ device: z.string(), celsius: z.number(), at: z.coerce.date() }),
  key: (reading) => reading.device,
  time: (reading) => reading.at,
  outOfOrder: '5s',
  partitions: 1,
})

export const alerts = topic('overheating', {
  schema: z.object({ key: z.string(), peak: z.number(), readings: z.number() }),
  key: (alert) => alert.key,
})

export default from(readings)
  .window(tumbling('1m'), { lateness: '30s' })
  .aggregate({ peak: max((reading) => reading.celsius), readings: count() })
  .filter((minute) => minute.peak > 90)
  .to(alerts)
