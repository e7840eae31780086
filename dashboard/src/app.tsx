/** The frame: what the process is, where one is, and the view. */
import type { ComponentType } from 'preact'
import { useState } from 'preact/hooks'
import { Flow } from './flow/flow.tsx'
import { Letters } from './letters/letters.tsx'
import { needsToken, setToken } from './lib/api.ts'
import { connection, live } from './lib/live.ts'
import { linkTo, place } from './lib/place.ts'
import { nextTheme, theme } from './lib/theme.ts'
import { Outputs } from './outputs/outputs.tsx'
import { Topics } from './topics/topics.tsx'
import { Why } from './why/why.tsx'

const views: readonly { name: string; title: string; view: ComponentType }[] = [
  { name: 'flow', title: 'Flow', view: Flow },
  { name: 'why', title: 'Event time', view: Why },
  { name: 'topics', title: 'Topics', view: Topics },
  { name: 'letters', title: 'Dead and late', view: Letters },
  { name: 'outputs', title: 'Outputs', view: Outputs },
]

export function App() {
  const here = views.find(({ name }) => name === place.value.view) ?? views[0]
  const View = here?.view ?? Flow
  return (
    <>
      <a class="skip" href="#content" onClick={toContent}>
        Skip to the content
      </a>
      <header class="top">
        <span class="brand">Millrace</span>
        <nav aria-label="Views">
          {views.map(({ name, title }) => (
            <a
              key={name}
              href={linkTo(name)}
              aria-current={name === here?.name ? 'page' : undefined}
            >
              {title}
            </a>
          ))}
        </nav>
        <div class="top-end">
          <ProcessState />
          <button class="quiet" type="button" onClick={nextTheme}>
            Theme: {theme.value}
          </button>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {needsToken.value ? <TokenForm /> : <View />}
      </main>
    </>
  )
}

/** The address stays: it says which view is shown. */
function toContent(event: Event): void {
  event.preventDefault()
  document.getElementById('content')?.focus()
}

function ProcessState() {
  const now = live.value
  if (connection.value === 'away') return <span class="state bad">● connection lost</span>
  if (now === null) return <span class="state">● connecting</span>
  const waits = now.waitsFor[0]
  if (waits !== undefined) {
    return (
      <span class="state bad" title={waits}>
        ● waits: {waits}
      </span>
    )
  }
  if (now.state === 'starting') return <span class="state warn">● starting</span>
  const log = `log: ${now.log}`
  const text = now.state === 'running' ? 'running' : 'no pipeline'
  return (
    <span class="state good" title={`${log}, ${now.place}`}>
      ● {text} <span class="muted">· {log}</span>
    </span>
  )
}

function TokenForm() {
  const [text, setText] = useState('')
  return (
    <form
      class="card token"
      onSubmit={(event) => {
        event.preventDefault()
        setToken(text)
      }}
    >
      <h1>A token is needed</h1>
      <p>This server shows its data to whoever has its token. It is kept in this tab alone.</p>
      <label>
        Token
        <input
          type="password"
          autocomplete="off"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Use it</button>
    </form>
  )
}
