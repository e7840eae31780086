/** The records of one topic: from a place on, by key, or as they come. */
import { useEffect, useState } from 'preact/hooks'
import { ask, textOf, topicPath } from '../lib/api.ts'
import { count, plural, span } from '../lib/format.ts'
import { usePolled } from '../lib/hooks.ts'
import { Empty, Fault } from '../lib/parts.tsx'
import type { RecordPage, ShownRecord, TopicInfo } from '../lib/shapes.ts'
import { Produce } from './produce.tsx'
import { RecordLines } from './record-lines.tsx'

type From = 'last' | 'offset' | 'time'

interface Wanted {
  readonly from: From
  readonly at: string
  readonly partition: string
  readonly key: string
}

const pageRecords = 50
/** Records kept on the page while they come. */
const tailMax = 200
const tailEveryMs = 1_000

export function Browse({ topic }: { readonly topic: string }) {
  const [wanted, setWanted] = useState<Wanted>({ from: 'last', at: '', partition: '', key: '' })
  const [isFollowing, setFollowing] = useState(false)
  const info = usePolled((signal) => ask<TopicInfo>(topicPath(topic), { signal }), topic, 2_000)
  return (
    <section class="card browse" aria-label={`topic ${topic}`}>
      <div class="panel-head">
        <h2>{topic}</h2>
        <label class="check">
          <input
            type="checkbox"
            checked={isFollowing}
            onChange={(event) => setFollowing(event.currentTarget.checked)}
          />
          Follow
        </label>
      </div>
      {info.value === null ? null : <Partitions info={info.value} />}
      <Fault text={info.error} />
      <Choice
        wanted={wanted}
        partitions={info.value?.partitions.length ?? 1}
        isFollowing={isFollowing}
        choose={setWanted}
      />
      {isFollowing ? (
        <Tail topic={topic} wanted={wanted} />
      ) : (
        <Page key={JSON.stringify(wanted)} topic={topic} wanted={wanted} />
      )}
      <Produce topic={topic} />
    </section>
  )
}

function Partitions({ info }: { readonly info: TopicInfo }) {
  const { partitions, config } = info
  const kept = config['retentionMs']
  return (
    <details>
      <summary>
        {plural(partitions.length, 'partition')}, cleanup {String(config['cleanup'])}
        {typeof kept === 'number' ? `, kept for ${span(kept)}` : ''}
      </summary>
      <table>
        <thead>
          <tr>
            <th class="number">partition</th>
            <th class="number">first offset</th>
            <th class="number">next offset</th>
          </tr>
        </thead>
        <tbody>
          {partitions.map(({ partition, startOffset, endOffset }) => (
            <tr key={partition}>
              <td class="number">{partition}</td>
              <td class="number">{count(startOffset)}</td>
              <td class="number">{count(endOffset)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

function Choice(props: {
  readonly wanted: Wanted
  readonly partitions: number
  readonly isFollowing: boolean
  choose(wanted: Wanted): void
}) {
  const { partitions, isFollowing, choose } = props
  const [draft, setDraft] = useState(props.wanted)
  const set = (change: Partial<Wanted>): void => setDraft({ ...draft, ...change })
  return (
    <form
      class="choice"
      onSubmit={(event) => {
        event.preventDefault()
        choose(draft)
      }}
    >
      <label>
        From
        <select
          value={draft.from}
          disabled={isFollowing}
          onChange={(event) => set({ from: event.currentTarget.value as From, at: '' })}
        >
          <option value="last">the last {pageRecords}</option>
          <option value="offset">an offset</option>
          <option value="time">a time</option>
        </select>
      </label>
      {draft.from === 'last' ? null : (
        <label>
          {draft.from === 'offset' ? 'Offset' : 'Time (UTC)'}
          <input
            required
            placeholder={draft.from === 'offset' ? '0' : '2024-05-06T07:08:09Z'}
            inputMode={draft.from === 'offset' ? 'numeric' : 'text'}
            value={draft.at}
            onInput={(event) => set({ at: event.currentTarget.value.trim() })}
          />
        </label>
      )}
      <label>
        Partition
        <select
          value={draft.partition}
          onChange={(event) => set({ partition: event.currentTarget.value })}
        >
          {draft.from === 'offset' ? null : <option value="">all</option>}
          {Array.from({ length: partitions }, (_, i) => (
            <option key={i} value={String(i)}>
              {i}
            </option>
          ))}
        </select>
      </label>
      <label>
        Key
        <input
          placeholder="any"
          value={draft.key}
          onInput={(event) => set({ key: event.currentTarget.value })}
        />
      </label>
      <button type="submit">Show</button>
    </form>
  )
}

function queryOf({ from, at, partition, key }: Wanted): Record<string, string | number | null> {
  const part = partition === '' ? (from === 'offset' ? '0' : null) : partition
  return {
    partition: part,
    key: key === '' ? null : key,
    last: from === 'last' && key === '' ? pageRecords : null,
    offset: from === 'offset' ? at : null,
    time: from === 'time' ? at : null,
  }
}

function Page({ topic, wanted }: { readonly topic: string; readonly wanted: Wanted }) {
  const [pages, setPages] = useState<readonly RecordPage[]>([])
  const [error, setError] = useState<string | null>(null)
  const load = async (query: Record<string, string | number | null>): Promise<void> => {
    try {
      const limit = wanted.from === 'last' ? 1_000 : pageRecords
      const page = await ask<RecordPage>(`${topicPath(topic)}/records`, {
        query: { ...query, limit },
      })
      setPages((before) => [...before, page])
      setError(null)
    } catch (thrown) {
      setError(textOf(thrown))
    }
  }
  useEffect(() => void load(queryOf(wanted)), [])
  const records = pages.flatMap((page) => page.records)
  const last = pages.at(-1)
  const next = last?.next[0]
  const canGoOn = last?.isComplete === false && last.next.length === 1 && wanted.from !== 'last'
  const isNewestFirst = wanted.from === 'last'
  return (
    <>
      <Fault text={error} />
      {pages.length === 0 && error === null ? <Empty>Reading…</Empty> : null}
      {pages.length === 0 ? null : (
        <RecordLines
          records={isNewestFirst ? records.toReversed().slice(0, pageRecords) : records}
        />
      )}
      {canGoOn && next !== undefined ? (
        <button
          type="button"
          onClick={() =>
            void load({
              partition: next.partition,
              offset: next.offset,
              key: wanted.key === '' ? null : wanted.key,
            })
          }
        >
          More
        </button>
      ) : null}
    </>
  )
}

/** New records on top, as they come. */
function Tail({ topic, wanted }: { readonly topic: string; readonly wanted: Wanted }) {
  const [records, setRecords] = useState<readonly ShownRecord[]>([])
  const [error, setError] = useState<string | null>(null)
  const { partition, key } = wanted
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    let next: RecordPage['next'] = []
    const look = async (): Promise<void> => {
      try {
        const { pages, ends } = await newRecords(topic, { next, partition, key, signal })
        next = ends
        if (signal.aborted) return
        setError(null)
        if (pages.length > 0)
          setRecords((last) => [...pages.toReversed(), ...last].slice(0, tailMax))
      } catch (thrown) {
        if (!signal.aborted) setError(textOf(thrown))
      }
      if (!signal.aborted) timer = setTimeout(() => void look(), tailEveryMs)
    }
    let timer = setTimeout(() => void look(), 0)
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [topic, partition, key])
  return (
    <div aria-live="off">
      <Fault text={error} />
      {records.length === 0 ? (
        <Empty>Waiting for new records…</Empty>
      ) : (
        <RecordLines records={records} />
      )}
    </div>
  )
}

async function newRecords(
  topic: string,
  wish: {
    readonly next: RecordPage['next']
    readonly partition: string
    readonly key: string
    readonly signal: AbortSignal
  },
): Promise<{ pages: ShownRecord[]; ends: RecordPage['next'] }> {
  const { next, partition, key, signal } = wish
  const path = `${topicPath(topic)}/records`
  const only = key === '' ? null : key
  if (next.length === 0) {
    const query = { last: 5, partition: partition === '' ? null : partition, limit: 1_000 }
    const page = await ask<RecordPage>(path, { query, signal })
    return {
      pages: page.records.filter((one) => only === null || one.key === only),
      ends: page.next,
    }
  }
  const found = await Promise.all(
    next.map((at) => ask<RecordPage>(path, { query: { ...at, key: only, limit: 200 }, signal })),
  )
  const pages = found.flatMap((page) => page.records).sort((a, b) => a.time - b.time)
  return { pages, ends: found.flatMap((page, i) => page.next[0] ?? next[i] ?? []) }
}
