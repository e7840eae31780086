/** Which broker looks after a group or a transactional id: looked up and remembered. */
import type { Clock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { BrokerMeta } from './cluster.ts'
import { codeName, errorCode } from './error-codes.ts'
import type { FindCoordinatorAnswer, FindCoordinatorRequest } from './requests/find-coordinator.ts'
import { pause } from './retrying.ts'

export type Coordinated = { readonly group: string } | { readonly transactionalId: string }

const refusals: readonly number[] = [
  errorCode.groupAuthorizationFailed,
  errorCode.transactionalIdAuthorizationFailed,
  errorCode.clusterAuthorizationFailed,
]

const pauseMs = 20

export interface CoordinatorsOptions {
  readonly clock: Clock
  /** Asks any broker. */
  readonly ask: (request: FindCoordinatorRequest) => Promise<FindCoordinatorAnswer>
  /** The topic of all groups, or of all transactions, is made with the first: so long at most. */
  readonly madeWithinMs: number
}

export class Coordinators {
  readonly #options: CoordinatorsOptions
  readonly #known = new Map<string, BrokerMeta>()
  readonly #asking = new Map<string, Promise<BrokerMeta>>()

  constructor(options: CoordinatorsOptions) {
    this.#options = options
  }

  known(of: Coordinated): BrokerMeta | undefined {
    return this.#known.get(keyOf(of))
  }

  /**
   * Questions about the same one at the same time are one.
   * @throws `log-unreachable` where it is not available, `not-authorised`
   */
  async find(of: Coordinated): Promise<BrokerMeta> {
    const key = keyOf(of)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const running = this.#asking.get(key)
    if (running !== undefined) return await running
    const asking = this.#look(of)
    this.#asking.set(key, asking)
    const isLatest = (): boolean => this.#asking.get(key) === asking
    try {
      const broker = await asking
      if (isLatest()) this.#known.set(key, broker)
      return broker
    } finally {
      if (isLatest()) this.#asking.delete(key)
    }
  }

  /** An answer that is on its way is not kept either. */
  forget(of: Coordinated): void {
    const key = keyOf(of)
    this.#known.delete(key)
    this.#asking.delete(key)
  }

  async #look(of: Coordinated): Promise<BrokerMeta> {
    const request: FindCoordinatorRequest =
      'group' in of
        ? { kind: 'group', key: of.group }
        : { kind: 'transaction', key: of.transactionalId }
    const { clock, ask, madeWithinMs } = this.#options
    const endMs = clock.monotonic() + madeWithinMs
    let { code, broker } = await ask(request)
    while (code === errorCode.coordinatorNotAvailable && clock.monotonic() < endMs) {
      await pause(clock, pauseMs)
      ;({ code, broker } = await ask(request))
    }
    if (code === errorCode.none) return broker
    const { kind, key } = request
    const what = `the coordinator of ${kind} '${key}'`
    if (refusals.includes(code)) {
      throw new MillraceError('not-authorised', `no right to ask for ${what}: ${codeName(code)}`, {
        hint: `give this user the ACL Describe on the ${resourceOf[kind]}`,
      })
    }
    throw new MillraceError('log-unreachable', `${what} is not available: ${codeName(code)}`, {
      hint: 'it moves after a broker was lost, and is made at the first use: try again',
    })
  }
}

const resourceOf = { group: 'group', transaction: 'transactional id' } as const

function keyOf(of: Coordinated): string {
  return 'group' in of ? `group ${of.group}` : `transaction ${of.transactionalId}`
}
