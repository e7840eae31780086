/** How far sources and deliveries are, as JSON. */
import type { DeliveryStatus } from '../connect/delivery/deliver.ts'
import type { SourceStatus } from '../connect/source-runner.ts'

/** Characters of a position that are shown: a source may write large ones. */
const positionTextMax = 4_096

export function sourceJson(status: SourceStatus<unknown>): object {
  return { ...status, position: positionJson(status.position) }
}

/** Without the stack and causes of the error. */
export function deliveryJson({ lastError, ...status }: DeliveryStatus): object {
  if (lastError === null) return { ...status, lastError }
  const { error, atMs } = lastError
  return { ...status, lastError: { code: error.code, text: error.message, atMs } }
}

/** A position is whatever structured clone keeps; what JSON has not is shown as text. */
function positionJson(position: unknown): unknown {
  const text = JSON.stringify(position, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value)
    if (value instanceof Map || value instanceof Set) return [...value]
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
    return value
  })
  if (text === undefined) return null
  return text.length > positionTextMax ? `${text.slice(0, positionTextMax)}…` : JSON.parse(text)
}
