/** What passes between steps of tables: a row's change, with the row's key. */

/** null: no row. Where nobody behind looks at `before`, it is null. Never both are a row's. */
export interface TableChange {
  readonly before: unknown
  readonly after: unknown
}

/** For stores of rows. */
export const same = (value: unknown): unknown => value
