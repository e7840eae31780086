/** The door `millrace/schema-registry`: the registry, and JSON with one. Needs nothing else. */
export { SchemaRegistry } from './formats/schema-registry.ts'
export { jsonSchema } from './formats/json-schema.ts'
export type { JsonSchemaOptions } from './formats/json-schema.ts'
export type { SchemaReference, SchemaRegistryOptions } from './formats/schema-registry.ts'
export type { Registration } from './formats/written-schema.ts'
