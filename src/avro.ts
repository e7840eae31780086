/** The door `millrace/avro`: Avro with a schema registry. Needs the package avsc. */
export { avro } from './formats/avro.ts'
export type { AvroOptions } from './formats/avro.ts'
