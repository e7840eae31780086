/** The schema that a codec writes with: its id, found out once before a run begins. */
import { MillraceError } from '../core/error.ts'
import type { SchemaRegistry, SchemaText } from './schema-registry.ts'

/**
 * `register` (default): the schema is registered under the subject if it is not there; the registry
 * refuses it where it is not compatible. `find`: it must be there already.
 */
export type Registration = 'register' | 'find'

export class WrittenSchema {
  readonly #registry: SchemaRegistry
  readonly #subject: string
  readonly #schema: SchemaText | null
  readonly #registration: Registration
  #id: number | null = null

  constructor(options: {
    readonly registry: SchemaRegistry
    readonly subject: string
    /** null: the codec only reads. */
    readonly schema: SchemaText | null
    readonly registration: Registration
  }) {
    this.#registry = options.registry
    this.#subject = options.subject
    this.#schema = options.schema
    this.#registration = options.registration
  }

  async prepare(): Promise<void> {
    if (this.#schema === null || this.#id !== null) return
    const isNew = this.#registration === 'register'
    const registry = this.#registry
    this.#id = isNew
      ? await registry.register(this.#subject, this.#schema)
      : await registry.find(this.#subject, this.#schema)
  }

  /** @throws `encode-failed` before `prepare`, or without a schema */
  get id(): number {
    if (this.#id !== null) return this.#id
    const why =
      this.#schema === null
        ? `the codec of '${this.#subject}' has no schema to write with`
        : `the schema of '${this.#subject}' has no id yet`
    throw new MillraceError('encode-failed', why, {
      hint:
        this.#schema === null
          ? 'give the codec a schema'
          : 'a run asks for it at its start; by hand: await codec.prepare()',
    })
  }
}
