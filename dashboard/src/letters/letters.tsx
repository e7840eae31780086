/** Dead and late letters: why, how many, what was in them, and what becomes of them. */
import { useState } from 'preact/hooks'
import { ask, textOf, topicPath } from '../lib/api.ts'
import { count, plural, time } from '../lib/format.ts'
import { usePolled } from '../lib/hooks.ts'
import { live } from '../lib/live.ts'
import { Empty, Fault, Twice } from '../lib/parts.tsx'
import { linkTo, place } from '../lib/place.ts'
import type { LetterGroup, LetterGroups, Settled } from '../lib/shapes.ts'
import type { Kind } from './kind.ts'
import { LetterList } from './letter-list.tsx'

interface Boxes {
  readonly topic: string
  readonly kind: Kind
  readonly letters: number
}

/** Topics with letters, those with the most first. */
function boxes(): Boxes[] {
  return (live.value?.topics ?? [])
    .flatMap(({ topic, start, end }) => {
      const kind = (['dead', 'late'] as const).find((one) => topic.endsWith(`.${one}`))
      if (kind === undefined) return []
      return [{ topic: topic.slice(0, -kind.length - 1), kind, letters: end - start }]
    })
    .filter(({ letters }) => letters > 0)
    .sort((a, b) => b.letters - a.letters)
}

export function Letters() {
  const all = boxes()
  const [kind, setKind] = useState<Kind | null>(null)
  const { item } = place.value
  const chosen =
    all.find((one) => one.topic === item && (kind === null || one.kind === kind)) ??
    (item === '' ? all[0] : undefined)
  if (live.value === null) return <Empty>Connecting…</Empty>
  return (
    <div class="stack">
      <div>
        <h1>Dead and late letters</h1>
        <p class="muted">
          What a step, a sink or the topic's schema refused is a dead letter; what came after its
          window was closed is a late one. Nothing is dropped.
        </p>
      </div>
      {all.length === 0 ? <Empty>There are none.</Empty> : null}
      {all.length === 0 ? null : (
        <nav class="chips" aria-label="Topics with letters">
          {all.map((one) => (
            <a
              key={`${one.topic} ${one.kind}`}
              href={linkTo('letters', one.topic)}
              aria-current={one === chosen ? 'true' : undefined}
              onClick={() => setKind(one.kind)}
            >
              {one.topic} <span class={`badge ${one.kind}`}>{one.kind}</span> {count(one.letters)}
            </a>
          ))}
        </nav>
      )}
      {chosen === undefined ? null : (
        <Box key={`${chosen.topic} ${chosen.kind}`} topic={chosen.topic} kind={chosen.kind} />
      )}
    </div>
  )
}

function Box({ topic, kind }: { readonly topic: string; readonly kind: Kind }) {
  const [chosen, setChosen] = useState<LetterGroup | null>(null)
  const groups = usePolled(
    (signal) =>
      ask<LetterGroups>(`${topicPath(topic)}/letters/groups`, {
        query: { kind, state: 'open' },
        signal,
      }),
    `${topic} ${kind}`,
    2_000,
  )
  const { value, error } = groups
  return (
    <section class="card" aria-label={`letters of ${topic}`}>
      <h2>
        {topic} <span class={`badge ${kind}`}>{kind}</span>
      </h2>
      <Fault text={error} />
      {value === null ? null : (
        <p class="muted">
          {count(value.counts.open)} open, {count(value.counts.replayed)} replayed,{' '}
          {count(value.counts.discarded)} discarded
          {value.isComplete ? '' : ' (of those that were looked at)'}
        </p>
      )}
      {value === null || value.groups.length === 0 ? (
        <Empty>{value === null ? 'Reading…' : 'No letter is open.'}</Empty>
      ) : (
        <GroupTable groups={value.groups} chosen={chosen} choose={setChosen} />
      )}
      {value === null ? null : (
        <Settle
          topic={topic}
          kind={kind}
          group={chosen}
          hasOpen={value.counts.open > 0}
          done={groups.again}
        />
      )}
      <LetterList topic={topic} kind={kind} group={chosen} />
    </section>
  )
}

function GroupTable(props: {
  readonly groups: readonly LetterGroup[]
  readonly chosen: LetterGroup | null
  choose(group: LetterGroup | null): void
}) {
  const { groups, chosen, choose } = props
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Groups of letters">
      <table class="groups">
        <thead>
          <tr>
            <th>reason</th>
            <th>step</th>
            <th>pipeline</th>
            <th class="number">open</th>
            <th>last</th>
            <th>what it said</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => {
            const isChosen = chosen !== null && sameGroup(group, chosen)
            return (
              <tr
                key={`${group.reason} ${group.step} ${group.pipeline}`}
                class={isChosen ? 'on' : ''}
              >
                <td>
                  <button
                    type="button"
                    class="link"
                    aria-pressed={isChosen}
                    onClick={() => choose(isChosen ? null : group)}
                  >
                    {group.reason}
                  </button>
                </td>
                <td>{group.step}</td>
                <td>{group.pipeline ?? '–'}</td>
                <td class="number">{count(group.count)}</td>
                <td>{time(group.lastMs)}</td>
                <td class="words">{group.message}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function sameGroup(a: LetterGroup, b: LetterGroup): boolean {
  return a.reason === b.reason && a.step === b.step && a.pipeline === b.pipeline
}

function Settle(props: {
  readonly topic: string
  readonly kind: Kind
  readonly group: LetterGroup | null
  readonly hasOpen: boolean
  done(): void
}) {
  const { topic, kind, group, hasOpen, done } = props
  const [told, setTold] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const settle = async (action: 'replay' | 'discard'): Promise<void> => {
    setBusy(true)
    setError(null)
    try {
      const { reason = null, step = null, pipeline = null } = group ?? {}
      const answer = await ask<Settled>(`${topicPath(topic)}/letters/${action}`, {
        method: 'POST',
        query: { kind, reason, step: step === '' ? null : step, pipeline },
      })
      setTold(settledText(action, answer))
    } catch (thrown) {
      setError(textOf(thrown))
    }
    setBusy(false)
    done()
  }
  const which = group === null ? 'all open ones' : `those of ${group.reason}`
  return (
    <div class="settle">
      <Twice
        text={`Replay ${which}`}
        sure={`Really replay ${which}?`}
        disabled={isBusy || !hasOpen}
        onPress={() => void settle('replay')}
      />
      <Twice
        text={`Discard ${which}`}
        sure={`Really discard ${which}?`}
        disabled={isBusy || !hasOpen}
        onPress={() => void settle('discard')}
      />
      <span role="status">{told}</span>
      <Fault text={error} />
    </div>
  )
}

function settledText(action: 'replay' | 'discard', answer: Settled): string {
  const { settled, skipped, isComplete } = answer
  const done = action === 'replay' ? 'replayed' : 'discarded'
  const left = Object.entries(skipped).filter(([, many]) => many > 0)
  const why = left.map(([name, many]) => `${count(many)} ${name}`).join(', ')
  return [
    `${plural(settled, 'letter')} ${done}.`,
    ...(why === '' ? [] : [`Left: ${why}.`]),
    ...(isComplete ? [] : ['There are more: press again.']),
  ].join(' ')
}
