/** The door `millrace/protobuf`: Protobuf with a schema registry. Needs @bufbuild/protobuf. */
export { protobuf } from './formats/protobuf.ts'
export type { ProtobufOptions } from './formats/protobuf.ts'
