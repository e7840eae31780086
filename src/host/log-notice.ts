/** What the log tells a process, beside the errors that its tasks meet. */

export interface LogNotice {
  /** Of what it speaks, for instance `broker 127.0.0.1:9092`. */
  readonly about: string
  /** One clause with the values. */
  readonly text: string
  /** `away`: waited for until another notice about the same says `back`. `told`: it has passed. */
  readonly state: 'away' | 'back' | 'told'
}

/** What a process waits for at the moment. */
export class Awaited {
  readonly #texts = new Map<string, string>()

  take({ about, text, state }: LogNotice): void {
    if (state === 'away') this.#texts.set(about, text)
    if (state === 'back') this.#texts.delete(about)
  }

  get texts(): string[] {
    return [...this.#texts.values()]
  }
}
