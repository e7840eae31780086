/** Waiting for what a real server does, and reading what came of it. */
import type { Log } from '../../src/log/log.ts'

const limitMs = 10_000
const stepMs = 10

/** @param what for the error: `until(() => …, 'a subscription')` */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  ms: number = limitMs,
): Promise<void> {
  const endMs = Date.now() + ms
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`${what} did not come within ${ms} ms`)
    await pause(stepMs)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The values of a topic, as text; partition after partition. None where it does not exist. */
export async function valuesOf(log: Log, topic: string): Promise<string[]> {
  const values: string[] = []
  const found = (await log.listTopics()).find(({ name }) => name === topic)
  for (const { partition, startOffset } of found?.partitions ?? []) {
    const reader = await log.openReader([{ topic, partition, offset: startOffset }])
    for (let next = startOffset; next < reader.endOffset(0);) {
      const batch = reader.poll(0)
      if (batch === null) {
        await reader.wait(1_000)
        continue
      }
      for (let i = batch.first; i < batch.count; i++)
        values.push(Buffer.from(batch.value(i) ?? []).toString())
      next = batch.nextOffset
    }
    await reader.close()
  }
  return values
}
