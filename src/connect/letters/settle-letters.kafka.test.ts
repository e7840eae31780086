import { brokers, kafkaTest, uniqueName } from '../../../test/kafka/broker.ts'
import { settleCases } from '../../../test/letters/settle-cases.ts'
import { openKafkaLog } from '../../log/kafka/kafka-log.ts'

for (const { title, run } of settleCases) {
  kafkaTest(`kafka: ${title}`, async () => {
    const log = await openKafkaLog({ brokers })
    const other = await openKafkaLog({ brokers })
    await run({ log, other, topic: uniqueName('letters') })
    await Promise.all([log.close(), other.close()])
  })
}
