/** Appends a record by hand. */
import { useState } from 'preact/hooks'
import { ask, textOf, topicPath } from '../lib/api.ts'
import { Fault } from '../lib/parts.tsx'

interface Appended {
  readonly appended: readonly { readonly partition: number; readonly first: number | null }[]
}

export function Produce({ topic }: { readonly topic: string }) {
  const [value, setValue] = useState('')
  const [key, setKey] = useState('')
  const [told, setTold] = useState('')
  const [error, setError] = useState<string | null>(null)
  const append = async (): Promise<void> => {
    setTold('')
    setError(null)
    try {
      const { appended } = await ask<Appended>(topicPath(topic), {
        method: 'POST',
        body: value,
        headers: {
          'Content-Type': 'application/json',
          ...(key === '' ? {} : { 'Millrace-Key': key }),
        },
      })
      const [at] = appended
      setTold(at === undefined ? 'Appended.' : `On disk at ${at.partition}/${at.first ?? '?'}.`)
    } catch (thrown) {
      setError(textOf(thrown))
    }
  }
  return (
    <details class="produce">
      <summary>Append a record</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void append()
        }}
      >
        <label>
          Key
          <input
            placeholder="none: by the topic's own rule"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <label>
          Value, as JSON
          <textarea
            rows={3}
            required
            value={value}
            onInput={(event) => setValue(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Append</button>
        <span role="status">{told}</span>
        <Fault text={error} />
      </form>
    </details>
  )
}
