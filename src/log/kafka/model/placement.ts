/** Which broker looks after which group and transactional id, and which brokers are up. */
import { errorCode } from '../wire/error-codes.ts'

export type CoordinatorKind = 'group' | 'transaction'

/** So many parts the groups, and the transactional ids, are cut into: a part moves as a whole. */
const partCount = 5
const kinds = ['group', 'transaction'] as const

interface Part {
  node: number
  /** What another broker has kept is not read yet. */
  isLoading: boolean
}

export class Placement {
  readonly nodes: readonly number[]
  readonly #down = new Set<number>()
  readonly #parts = new Map<CoordinatorKind, readonly Part[]>()

  constructor(nodes: readonly number[]) {
    this.nodes = nodes
    for (const [k, kind] of kinds.entries()) {
      const parts = Array.from({ length: partCount }, (_, i) => ({
        node: nodes[(i + k) % nodes.length] ?? 0,
        isLoading: false,
      }))
      this.#parts.set(kind, parts)
    }
  }

  isUp(node: number): boolean {
    return this.nodes.includes(node) && !this.#down.has(node)
  }

  setUp(node: number, isUp: boolean): void {
    if (isUp) this.#down.delete(node)
    else this.#down.add(node)
  }

  /** Another broker that is up; the same one where there is none. */
  after(node: number): number {
    const at = this.nodes.indexOf(node)
    const others = [...this.nodes.slice(at + 1), ...this.nodes.slice(0, at)]
    return others.find((other) => this.isUp(other)) ?? node
  }

  coordinatorOf(kind: CoordinatorKind, key: string): number {
    return this.#partOf(kind, key).node
  }

  /** What a coordinator says to a request about the key before it looks at it; 0: nothing. */
  judge(node: number, kind: CoordinatorKind, key: string): number {
    const part = this.#partOf(kind, key)
    if (part.node !== node) return errorCode.notCoordinator
    return part.isLoading ? errorCode.coordinatorLoadInProgress : errorCode.none
  }

  /** Whether the key is of a part. */
  isIn(key: string, part: number): boolean {
    return partOf(key) === part % partCount
  }

  /** @returns says that the new coordinator has read what was kept */
  move(kind: CoordinatorKind, index: number): () => void {
    const part = this.#parts.get(kind)?.[index % partCount]
    if (part === undefined) return () => {}
    part.node = this.after(part.node)
    part.isLoading = true
    return () => (part.isLoading = false)
  }

  /** Of the broker: kinds and numbers. */
  partsOf(node: number): { readonly kind: CoordinatorKind; readonly index: number }[] {
    return kinds.flatMap((kind) =>
      (this.#parts.get(kind) ?? []).flatMap((part, index) =>
        part.node === node ? { kind, index } : [],
      ),
    )
  }

  #partOf(kind: CoordinatorKind, key: string): Part {
    return (this.#parts.get(kind) ?? [])[partOf(key)] as Part
  }
}

function partOf(key: string): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0
  return Math.abs(hash) % partCount
}
