/** The door `millrace/kafka`: Apache Kafka as the log. Needs the package @platformatic/kafka. */
export { kafka } from './host/kafka.ts'
export type { KafkaEvent, KafkaLogOptions } from './log/kafka/kafka-log-options.ts'
export type { OutOfRange } from './log/kafka/contracts.ts'
