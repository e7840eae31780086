/** A topic's records as a chart or a table, as they come; windows are redrawn as they update. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ask, textOf, topicPath } from '../lib/api.ts'
import { count, time } from '../lib/format.ts'
import { live, plans } from '../lib/live.ts'
import { Empty, Fault } from '../lib/parts.tsx'
import { place } from '../lib/place.ts'
import type { RecordPage } from '../lib/shapes.ts'
import { Chart, type Form } from './chart.tsx'
import { type Row, Rows } from './rows.ts'
import { byKey, candles, keysMax, latestKeys } from './series.ts'

const everyMs = 1_000
const firstRecords = 500
const tableRows = 100

/** Topics that a plan writes come first. */
function topicNames(): string[] {
  const written = plans.value.flatMap(({ parts }) =>
    parts.flatMap(({ steps }) =>
      steps.flatMap(({ kind, settings }) =>
        kind === 'to' && settings['topic'] !== undefined ? [settings['topic']] : [],
      ),
    ),
  )
  const others = (live.value?.topics ?? []).map(({ topic }) => topic)
  return [...new Set([...written, ...others])]
}

export function Outputs() {
  const names = topicNames()
  const topic = place.value.item === '' ? (names[0] ?? '') : place.value.item
  return (
    <div class="stack">
      <h1>Outputs</h1>
      <label class="inline">
        Topic
        <select
          value={topic}
          onChange={(event) => {
            location.hash = `#/outputs/${encodeURIComponent(event.currentTarget.value)}`
          }}
        >
          {names.includes(topic) ? null : <option value={topic}>{topic}</option>}
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {topic === '' ? <Empty>There is no topic yet.</Empty> : <Output key={topic} topic={topic} />}
    </div>
  )
}

type View = Form | 'table'

function Output({ topic }: { readonly topic: string }) {
  const { rows, error, isRead } = useRows(topic)
  const [view, setView] = useState<View>('line')
  const [field, setField] = useState('')
  const [key, setKey] = useState('')
  const fields = useMemo(() => fieldsOf(rows), [rows])
  const keys = useMemo(() => latestKeys(rows), [rows])
  const chosen = fields.includes(field) ? field : (fields[0] ?? '')
  return (
    <section class="card" aria-label={`output ${topic}`}>
      <div class="choice">
        <label>
          Show
          <select value={view} onChange={(event) => setView(event.currentTarget.value as View)}>
            <option value="line">lines</option>
            <option value="bar">bars</option>
            <option value="candle">candlesticks</option>
            <option value="table">table</option>
          </select>
        </label>
        <label>
          Field
          <select value={chosen} onChange={(event) => setField(event.currentTarget.value)}>
            {fields.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Key
          <select value={key} onChange={(event) => setKey(event.currentTarget.value)}>
            <option value="">{keys.length > keysMax ? `the last ${keysMax}` : 'all'}</option>
            {keys.slice(0, 500).map((one) => (
              <option key={one} value={one}>
                {one === '' ? '(none)' : one}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Fault text={error} />
      {rows.length === 0 ? (
        <Empty>{isRead ? 'No record with JSON in it yet.' : 'Reading…'}</Empty>
      ) : view === 'table' || chosen === '' ? (
        <RowTable rows={key === '' ? rows : rows.filter((row) => row.key === key)} />
      ) : (
        <Drawn topic={topic} rows={rows} form={view} field={chosen} keys={keys} only={key} />
      )}
    </section>
  )
}

function Drawn(props: {
  readonly topic: string
  readonly rows: readonly Row[]
  readonly form: Form
  readonly field: string
  readonly keys: readonly string[]
  /** '': all. */
  readonly only: string
}) {
  const { topic, rows, form, field, keys, only } = props
  // Bars and candlesticks of several keys would cover each other.
  const single = form === 'line' ? only : only === '' ? (keys[0] ?? '') : only
  const isAll = form === 'line' && only === ''
  const data = useMemo(() => {
    const own = isAll ? rows : rows.filter((row) => row.key === single)
    if (form === 'candle') return candles(own, field)
    return byKey(own, field, isAll ? keys.slice(0, keysMax) : [single])
  }, [rows, form, field, single, isAll])
  const whose = isAll || single === '' ? '' : ` of ${single}`
  return <Chart form={form} data={data} label={`${field}${whose} in ${topic}`} />
}

function fieldsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.slice(-200).flatMap(({ figures }) => Object.keys(figures)))]
}

/** What came last, and from then on what comes. */
function useRows(topic: string): { rows: readonly Row[]; error: string | null; isRead: boolean } {
  const [state, setState] = useState<{ rows: readonly Row[]; isRead: boolean }>({
    rows: [],
    isRead: false,
  })
  const [error, setError] = useState<string | null>(null)
  const kept = useRef(new Rows())
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    const path = `${topicPath(topic)}/records`
    let next: RecordPage['next'] = []
    const look = async (): Promise<void> => {
      try {
        const queries =
          next.length === 0
            ? [{ last: firstRecords, limit: 1_000 }]
            : next.map((at) => ({ ...at, limit: 1_000 }))
        const pages = await Promise.all(
          queries.map((query) =>
            ask<RecordPage>(path, { query: { ...query, values: 'json' }, signal }),
          ),
        )
        next =
          next.length === 0
            ? (pages[0]?.next ?? [])
            : pages.flatMap((page, i) => page.next[0] ?? next[i] ?? [])
        const isChanged = kept.current.add(pages.flatMap(({ records }) => records))
        setError(null)
        if (isChanged) setState({ rows: kept.current.all, isRead: true })
        else setState((last) => (last.isRead ? last : { ...last, isRead: true }))
      } catch (thrown) {
        if (!signal.aborted) setError(textOf(thrown))
      }
      if (!signal.aborted) timer = setTimeout(() => void look(), everyMs)
    }
    let timer = setTimeout(() => void look(), 0)
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [topic])
  return { ...state, error }
}

function RowTable({ rows }: { readonly rows: readonly Row[] }) {
  const shown = rows.slice(-tableRows).toReversed()
  const fields = fieldsOf(shown)
  const hasWindows = shown.some(({ isWindow }) => isWindow)
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Rows">
      <table>
        <caption>
          The last {count(shown.length)} of {count(rows.length)}
        </caption>
        <thead>
          <tr>
            <th>key</th>
            <th>{hasWindows ? 'window from' : 'time'}</th>
            {hasWindows ? <th>to</th> : null}
            {fields.map((name) => (
              <th key={name} class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(({ id, key, atMs, endMs, figures }) => (
            <tr key={id}>
              <td>{key}</td>
              <td>{time(atMs)}</td>
              {hasWindows ? <td>{time(endMs)}</td> : null}
              {fields.map((name) => (
                <td key={name} class="number">
                  {figures[name] === undefined ? '' : String(Math.round(figures[name] * 1e4) / 1e4)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
