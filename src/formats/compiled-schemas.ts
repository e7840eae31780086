/** Schemas by id, made ready for decoding: at hand at once, or on their way. */
import { DecodePending } from '../core/codec.ts'
import { isCode } from '../core/error.ts'

type Entry<T> =
  | { readonly kind: 'ready'; readonly value: T }
  | { readonly kind: 'pending'; readonly ready: Promise<void> }
  | { readonly kind: 'failed'; readonly thrown: unknown }

/** A topic that holds rubbish may name any number of ids. */
const entriesMax = 10_000

export class CompiledSchemas<T> {
  readonly #entries: Map<number, Entry<T>> = new Map()
  readonly #compile: (id: number) => Promise<T>

  constructor(compile: (id: number) => Promise<T>) {
    this.#compile = compile
  }

  /** @throws DecodePending where it must be asked for first · what `compile` rejected with */
  get(id: number): T {
    const entry = this.#entries.get(id) ?? this.#ask(id)
    if (entry.kind === 'ready') return entry.value
    if (entry.kind === 'pending') throw new DecodePending(entry.ready)
    // A registry that was away may be back; an id that does not exist will not come.
    if (isCode(entry.thrown, 'registry-failed')) this.#entries.delete(id)
    throw entry.thrown
  }

  #ask(id: number): Entry<T> {
    if (this.#entries.size >= entriesMax) this.#entries.clear()
    const ready = this.#compile(id).then(
      (value) => void this.#entries.set(id, { kind: 'ready', value }),
      (thrown: unknown) => void this.#entries.set(id, { kind: 'failed', thrown }),
    )
    const entry: Entry<T> = { kind: 'pending', ready }
    this.#entries.set(id, entry)
    return entry
  }
}
