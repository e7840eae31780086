/** Requests to the server that the page came from. */
import { signal } from '@preact/signals'

const tokenName = 'millrace-token'

/** Kept for this tab alone. */
export const token = signal(sessionStorage.getItem(tokenName) ?? '')
/** The server wants a token that the page has not, or another one. */
export const needsToken = signal(false)

export function setToken(text: string): void {
  sessionStorage.setItem(tokenName, text)
  token.value = text
  needsToken.value = false
}

/** What the server refused, in its words. */
export class ApiError extends Error {
  readonly status: number
  readonly hint: string

  constructor(status: number, text: string, hint: string) {
    super(text)
    this.status = status
    this.hint = hint
  }
}

interface Wish {
  readonly method?: 'GET' | 'POST'
  readonly query?: Readonly<Record<string, string | number | null | undefined>>
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** @throws ApiError · TypeError where the server does not answer */
export async function ask<T>(path: string, wish: Wish = {}): Promise<T> {
  const response = await send(path, wish)
  return (await response.json()) as T
}

/** @throws ApiError · TypeError where the server does not answer */
export async function send(path: string, wish: Wish = {}): Promise<Response> {
  const { method = 'GET', query = {}, body, headers = {}, signal: ends } = wish
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined)
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  const response = await fetch(search === '' ? path : `${path}?${search}`, {
    method,
    headers: {
      ...headers,
      ...(token.value === '' ? {} : { Authorization: `Bearer ${token.value}` }),
    },
    ...(body === undefined ? {} : { body }),
    ...(ends === undefined ? {} : { signal: ends }),
  })
  if (response.ok) return response
  if (response.status === 401) needsToken.value = true
  throw await refusalOf(response)
}

async function refusalOf(response: Response): Promise<ApiError> {
  const { status } = response
  try {
    const { detail, hint, issues } = (await response.json()) as {
      detail?: string
      hint?: string
      issues?: { detail: string }[]
    }
    const more = issues?.[0]?.detail
    const text = detail ?? `the server answered with ${status}`
    return new ApiError(status, more === undefined ? text : `${text}: ${more}`, hint ?? '')
  } catch {
    return new ApiError(status, `the server answered with ${status}`, '')
  }
}

export const topicPath = (topic: string): string => `/topics/${encodeURIComponent(topic)}`

export function textOf(thrown: unknown): string {
  if (thrown instanceof ApiError) {
    return thrown.hint === '' ? thrown.message : `${thrown.message} (${thrown.hint})`
  }
  return thrown instanceof TypeError ? 'the server does not answer' : String(thrown)
}
