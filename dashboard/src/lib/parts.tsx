/** Small parts that several views have. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>
}

export function Fault({ text }: { readonly text: string | null }) {
  return text === null ? null : (
    <p class="fault" role="alert">
      {text}
    </p>
  )
}

/** Names and values in two columns. */
export function Facts({ of }: { readonly of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** A button for what cannot be undone: it has to be pressed twice. */
export function Twice(props: {
  readonly text: string
  readonly sure: string
  readonly disabled?: boolean
  onPress(): void
}) {
  const [asks, setAsks] = useState(false)
  useEffect(() => {
    if (!asks) return undefined
    const timer = setTimeout(() => setAsks(false), 4_000)
    return () => clearTimeout(timer)
  }, [asks])
  return (
    <button
      type="button"
      class={asks ? 'danger' : ''}
      disabled={props.disabled ?? false}
      onClick={() => {
        setAsks(!asks)
        if (asks) props.onPress()
      }}
    >
      {asks ? props.sure : props.text}
    </button>
  )
}

/** A small line without axes; what it says stands beside it in words. */
export function Spark({ values }: { readonly values: readonly number[] }) {
  const [width, height] = [96, 22]
  const top = Math.max(...values, 1e-9)
  const step = width / Math.max(values.length - 1, 1)
  const points = values.map(
    (value, i) =>
      `${(i * step).toFixed(1)},${(height - 1 - (value / top) * (height - 2)).toFixed(1)}`,
  )
  return (
    <svg class="spark" width={width} height={height} aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  )
}
