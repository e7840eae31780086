/** Single letters: raw bytes, and what was said of them. */
import { ask, topicPath } from '../lib/api.ts'
import { bytes, time } from '../lib/format.ts'
import { usePolled } from '../lib/hooks.ts'
import { Empty, Facts, Fault } from '../lib/parts.tsx'
import type { Letter, LetterGroup, RecordPage } from '../lib/shapes.ts'
import { hexLines } from './hex.ts'
import type { Kind } from './kind.ts'

const shownMax = 50

export function LetterList(props: {
  readonly topic: string
  readonly kind: Kind
  readonly group: LetterGroup | null
}) {
  const { topic, kind, group } = props
  const { reason = null, step = null, pipeline = null } = group ?? {}
  const query = { kind, reason, step: step === '' ? null : step, pipeline, limit: shownMax }
  const { value, error } = usePolled(
    (signal) =>
      ask<Omit<RecordPage, 'records'> & { records: Letter[] }>(`${topicPath(topic)}/letters`, {
        query: { ...query, values: 'base64' },
        signal,
      }),
    `${topic} ${JSON.stringify(query)}`,
    3_000,
  )
  const letters = value?.records ?? []
  return (
    <>
      <h3>{group === null ? 'Letters' : `Letters: ${group.reason}`}</h3>
      <Fault text={error} />
      {value !== null && letters.length === 0 ? <Empty>None.</Empty> : null}
      <ul class="records">
        {letters.map((letter) => (
          <LetterLine key={`${letter.partition}/${letter.offset}`} letter={letter} />
        ))}
      </ul>
      {value?.isComplete === false ? <p class="muted">The first {shownMax} are shown.</p> : null}
    </>
  )
}

function LetterLine({ letter }: { readonly letter: Letter }) {
  const { letter: facts, key, state } = letter
  const raw = rawBytes(letter.value)
  return (
    <li>
      <details>
        <summary>
          <span class="where">
            {letter.partition}/{letter.offset}
          </span>
          <span class={`badge ${state}`}>{state}</span>
          <span class="key">{key ?? '(no key)'}</span>
          <span class="value">{String(facts['message'] ?? facts['reason'] ?? '')}</span>
        </summary>
        <div class="record-whole">
          <Facts
            of={[
              ...Object.entries(facts)
                .filter(([name]) => name !== 'stack')
                .map(([name, value]) => [name, shown(name, value)] as const),
              ...(letter.settled === null
                ? []
                : [['settled', settledText(letter.settled)] as const]),
            ]}
          />
          <p class="muted">
            {bytes(letter.bytes)}
            {letter.cut === true ? ', the beginning' : ''}
          </p>
          <pre tabIndex={0}>{raw === null ? 'a tombstone: no value' : hexLines(raw)}</pre>
          {facts['stack'] === undefined ? null : <pre tabIndex={0}>{String(facts['stack'])}</pre>}
        </div>
      </details>
    </li>
  )
}

const timeFacts = new Set(['time', 'watermark', 'windowEnd'])

function shown(name: string, value: string | number): string {
  return timeFacts.has(name) && typeof value === 'number' ? time(value) : String(value)
}

function settledText({ at, to }: NonNullable<Letter['settled']>): string {
  return to === null
    ? `discarded ${time(at)}`
    : `replayed ${time(at)} to ${to.topic}, partition ${to.partition}`
}

function rawBytes(base64: string | null): Uint8Array | null {
  if (base64 === null) return null
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
