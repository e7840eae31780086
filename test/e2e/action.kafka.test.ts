/** An action under `kill -9`, on Kafka. */
import { brokers, kafkaTest, uniqueName } from '../kafka/broker.ts'
import { killAction } from './action-cases.ts'
import { Workspace } from './command.ts'

kafkaTest(
  'D1 D2 kafka: an action under kill -9: each record, in order, with its id',
  async () => {
    using workspace = new Workspace({
      limitMs: 90_000,
      env: { MILLRACE_LOG: `kafka://${brokers.join(',')}` },
    })
    const seed = Date.now() % 1_000_000
    const pipeline = uniqueName('act')
    await killAction(workspace, {
      topic: uniqueName('readings'),
      pipeline,
      records: 2_000,
      kills: 4,
      seed,
    })
  },
  240_000,
)
