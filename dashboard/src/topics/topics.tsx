/** Which topics there are, and what is in them. */
import { useState } from 'preact/hooks'
import { bytes, count } from '../lib/format.ts'
import { live } from '../lib/live.ts'
import { Empty } from '../lib/parts.tsx'
import { linkTo, place } from '../lib/place.ts'
import { Browse } from './browse.tsx'

export function Topics() {
  const [search, setSearch] = useState('')
  const topics = live.value?.topics ?? null
  const chosen = place.value.item
  if (live.value === null) return <Empty>Connecting…</Empty>
  if (topics === null) return <Empty>The log does not answer.</Empty>
  const shown = topics.filter(({ topic }) => topic.includes(search))
  const leftOut = (live.value?.topicCount ?? 0) - topics.length
  return (
    <div class={chosen === '' ? 'topics' : 'topics with-one'}>
      <section class="card topic-list" aria-label="Topics">
        <h1>Topics</h1>
        <label>
          <span class="hidden">Search topics</span>
          <input
            type="search"
            placeholder="Search"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        {shown.length === 0 ? <Empty>There is none.</Empty> : null}
        <ul>
          {shown.map(({ topic, start, end, bytes: size }) => (
            <li key={topic}>
              <a
                href={linkTo('topics', topic)}
                aria-current={topic === chosen ? 'true' : undefined}
              >
                <span class="topic-name">{topic}</span>
                <span class="muted">
                  {count(end - start)} · {bytes(size)}
                </span>
              </a>
            </li>
          ))}
        </ul>
        {leftOut > 0 ? <p class="muted">{count(leftOut)} more are not listed.</p> : null}
      </section>
      {chosen === '' ? (
        <section class="card wide-only">
          <Empty>Choose a topic to see its records.</Empty>
        </section>
      ) : (
        <Browse key={chosen} topic={chosen} />
      )}
    </div>
  )
}
