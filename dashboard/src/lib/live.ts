/** How everything is, once a second, and how fast it changes. */
import { computed, signal } from '@preact/signals'
import { ask, needsToken, send, token } from './api.ts'
import type { Live, Plan } from './shapes.ts'

export type Connection = 'connecting' | 'live' | 'away'

export const connection = signal<Connection>('connecting')
export const live = signal<Live | null>(null)
export const plans = signal<readonly Plan[]>([])
/** The last minutes, oldest first: for small charts and for rates. */
export const past = signal<readonly Live[]>([])

const pastMax = 120
const againMs = 1_000
/** Over how many snapshots a rate is taken: a slow beat must not show as 0. */
const rateSpan = 3

export const before = computed<Live | null>(() => {
  const list = past.value
  return list[Math.max(0, list.length - 1 - rateSpan)] ?? null
})

/** Change a second of a count between the snapshots; null: not known yet. */
export function perSecond(read: (snapshot: Live) => number | undefined): number | null {
  const [now, then] = [live.value, before.value]
  if (now === null || then === null || now.atMs <= then.atMs) return null
  const [last, first] = [read(now), read(then)]
  if (last === undefined || first === undefined) return null
  return Math.max(0, ((last - first) * 1_000) / (now.atMs - then.atMs))
}

/** Listens for ever; comes back after an interruption. */
export function listen(): void {
  void (async () => {
    for (;;) {
      try {
        await follow()
      } catch {
        // Told by the state of the connection.
      }
      connection.value = 'away'
      await waitForToken()
      await new Promise((resolve) => setTimeout(resolve, againMs))
    }
  })()
}

/** Reads events by `fetch`: an `EventSource` cannot send a token. */
async function follow(): Promise<void> {
  const response = await send('/live')
  plans.value = (await ask<{ plans: Plan[] }>('/plan')).plans
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    rest += decoder.decode(value, { stream: true })
    const events = rest.split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) take(event)
  }
}

function take(event: string): void {
  if (!event.startsWith('data: ')) return
  const snapshot = JSON.parse(event.slice('data: '.length)) as Partial<Live>
  if (snapshot.atMs === undefined) return
  const whole = snapshot as Live
  connection.value = 'live'
  if (live.value !== null && live.value.state !== whole.state) void plansAgain()
  past.value = [...past.value.slice(1 - pastMax), whole]
  live.value = whole
}

/** What runs may be known better once it has started. */
async function plansAgain(): Promise<void> {
  try {
    plans.value = (await ask<{ plans: Plan[] }>('/plan')).plans
  } catch {
    // The next connection asks again.
  }
}

function waitForToken(): Promise<void> {
  if (!needsToken.value) return Promise.resolve()
  return new Promise((resolve) => {
    const stop = token.subscribe(() => {
      if (needsToken.value) return
      queueMicrotask(() => stop())
      resolve()
    })
  })
}
