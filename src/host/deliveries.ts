/** The deliveries of a run: one for each sink of its pipelines. */
import type { DeliveryRun, DeliveryStatus } from '../connect/delivery/deliver.ts'
import { deliver } from '../connect/delivery/deliver.ts'
import type { DeliverOptions } from '../connect/delivery/deliver.ts'
import type { EngineRun } from '../engine/run.ts'

export interface Deliveries {
  /** Settles when all have ended; rejects with what ended the first that failed. */
  readonly done: Promise<void>
  stop(): Promise<void>
  status(): DeliveryStatus[]
}

/** @throws what one of them cannot start with; then the engine is stopped, too */
export async function startDeliveries(
  engine: EngineRun,
  options: DeliverOptions,
): Promise<Deliveries> {
  const runs: DeliveryRun[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(runs.map((run) => run.stop()))
  }
  try {
    for (const outbox of engine.outboxes) runs.push(await deliver(outbox, options))
  } catch (thrown) {
    await engine.stop()
    await stop()
    throw thrown
  }
  const done = Promise.all(runs.map((run) => run.done)).then(() => {})
  done.catch(stop)
  return { done, stop, status: () => runs.map((run) => run.status()) }
}
