/**
 * What a broker remembers of what it is asked for [KIP-227], so that a request names only what has
 * changed: partitions that are new or read from another offset, and those to forget. Whenever it is
 * not sure that both sides remember the same, the next request names everything.
 */
import { errorCode } from '../wire/error-codes.ts'
import type { FetchAnswer, FetchPartition, FetchRequest } from '../wire/requests/fetch.ts'

const epochMax = 2 ** 31 - 1

const sessionCodes: readonly number[] = [
  errorCode.fetchSessionIdNotFound,
  errorCode.invalidFetchSessionEpoch,
  errorCode.fetchSessionTopicIdError,
]

export type SessionPart = Pick<
  FetchRequest,
  'sessionId' | 'sessionEpoch' | 'partitions' | 'forgotten'
>

/** By a name of the partition. */
export type Wanted = ReadonlyMap<string, FetchPartition>

export class FetchSession {
  #id = 0
  /** Of the next request; 0: it names everything. */
  #epoch = 0
  /** What the broker remembers. */
  #known: Wanted = new Map()

  /** The request for exactly these partitions. `answered` or `lost` is called before the next. */
  request(wanted: Wanted): SessionPart {
    const [sessionId, sessionEpoch, known] = [this.#id, this.#epoch, this.#known]
    this.#known = wanted
    if (sessionEpoch === 0) {
      return { sessionId, sessionEpoch, partitions: [...wanted.values()], forgotten: [] }
    }
    const partitions: FetchPartition[] = []
    for (const [key, one] of wanted) {
      if (!isSame(known.get(key), one)) partitions.push(one)
    }
    const forgotten: FetchPartition[] = []
    for (const [key, one] of known) if (!wanted.has(key)) forgotten.push(one)
    return { sessionId, sessionEpoch, partitions, forgotten }
  }

  /** @returns `refused`: the broker remembers something else; the next request names everything */
  answered({ code, sessionId }: Pick<FetchAnswer, 'code' | 'sessionId'>): 'taken' | 'refused' {
    if (code !== errorCode.none) {
      this.lost()
      if (code === errorCode.fetchSessionIdNotFound) this.#id = 0
      return sessionCodes.includes(code) ? 'refused' : 'taken'
    }
    if (this.#epoch === 0) {
      // A broker that has no room for another session gives 0: then there is none.
      this.#id = sessionId
      this.#epoch = sessionId === 0 ? 0 : 1
    } else this.#epoch = this.#epoch === epochMax ? 1 : this.#epoch + 1
    return 'taken'
  }

  /** No answer came: the broker may have seen the request, or not. */
  lost(): void {
    this.#epoch = 0
  }
}

function isSame(known: FetchPartition | undefined, one: FetchPartition): boolean {
  return (
    known !== undefined &&
    known.offset === one.offset &&
    known.leaderEpoch === one.leaderEpoch &&
    known.lastEpoch === one.lastEpoch &&
    known.bytesMax === one.bytesMax
  )
}

/** Without anything that is remembered. */
export function withoutSession(wanted: Wanted): SessionPart {
  return { sessionId: 0, sessionEpoch: -1, partitions: [...wanted.values()], forgotten: [] }
}
