/** The door `millrace/postgres`: rows in PostgreSQL. Needs the package pg. */
export { postgres } from './connect/sinks/postgres.ts'
export type { PostgresSinkOptions } from './connect/sinks/postgres.ts'
export type { PostgresDatabaseOptions } from './connect/postgres/postgres-options.ts'
export type { Row } from './connect/postgres/rows.ts'
export type { Secret } from './connect/secret.ts'
