/** The body of a request, gathered in one piece of memory while it comes, within bounds. */
import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.ts'
import type { Budget } from './budget.ts'

const firstBytes = 65_536

export interface BodyBounds {
  readonly bytesMax: number
  readonly budget: Budget
  /** Told when the body is wanted: what its length says is no reason against it. */
  readonly begin: () => void
}

export class Body {
  readonly #bounds: BodyBounds
  #bytes: Buffer = Buffer.alloc(0)
  #length = 0
  #taken = 0

  constructor(bounds: BodyBounds) {
    this.#bounds = bounds
  }

  /** What has come so far. A later chunk may move it to other memory. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  get length(): number {
    return this.#length
  }

  /**
   * Reads to the end; `onChunk` is told after each piece.
   * @throws Refusal 413, 429, 400 (the sender went away)
   */
  async read(request: IncomingMessage, onChunk?: (chunk: Buffer) => void): Promise<void> {
    this.#checkLength(declaredLength(request))
    this.#bounds.begin()
    const chunks = request.iterator({ destroyOnReturn: false })
    try {
      for await (const chunk of chunks) {
        this.#add(chunk as Buffer)
        onChunk?.(chunk as Buffer)
      }
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ECONNRESET') {
        throw new Refusal(400, 'bad-request', 'the body ended before it was whole')
      }
      throw thrown
    }
  }

  /** Gives the budget back. Idempotent. */
  release(): void {
    this.#bounds.budget.release(this.#taken)
    this.#taken = 0
    this.#bytes = Buffer.alloc(0)
    this.#length = 0
  }

  #add(chunk: Buffer): void {
    const length = this.#length + chunk.length
    this.#checkLength(length)
    this.#bounds.budget.take(chunk.length)
    this.#taken += chunk.length
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(firstBytes, length, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    chunk.copy(this.#bytes, this.#length)
    this.#length = length
  }

  #checkLength(length: number): void {
    const { bytesMax } = this.#bounds
    if (length <= bytesMax) return
    throw new Refusal(413, 'body-too-large', `a body may have ${bytesMax} bytes`, {
      hint: 'send it in several requests',
    })
  }
}

/** What Content-Length says; 0 where there is none. Node refuses what is no number. */
function declaredLength(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0)
}
