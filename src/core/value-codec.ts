/** Values of state to bytes and back; the format is in value-format.ts. */
export { ValueReader } from './value-reader.ts'
export { ValueWriter } from './value-writer.ts'
