/** Asking again and again while something is shown. */
import { useEffect, useState } from 'preact/hooks'
import { textOf } from './api.ts'

export interface Polled<T> {
  readonly value: T | null
  /** Why the last try failed; null: it did not. */
  readonly error: string | null
  again(): void
}

/**
 * @param fetch must not change what it means while `key` stays
 * @param everyMs 0: once
 */
export function usePolled<T>(
  fetch: (signal: AbortSignal) => Promise<T>,
  key: string,
  everyMs: number,
): Polled<T> {
  const [state, setState] = useState<{ key: string; value: T | null; error: string | null }>({
    key,
    value: null,
    error: null,
  })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const controller = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async (): Promise<void> => {
      try {
        const value = await fetch(controller.signal)
        if (controller.signal.aborted) return
        setState({ key, value, error: null })
      } catch (thrown) {
        if (controller.signal.aborted) return
        setState((last) => ({
          key,
          value: last.key === key ? last.value : null,
          error: textOf(thrown),
        }))
      }
      if (everyMs > 0) timer = setTimeout(() => void look(), everyMs)
    }
    void look()
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [key, everyMs, turn])
  const isCurrent = state.key === key
  return {
    value: isCurrent ? state.value : null,
    error: isCurrent ? state.error : null,
    again: () => setTurn((last) => last + 1),
  }
}
