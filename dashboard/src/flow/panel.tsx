/** What is known about the chosen node. */
import { useLayoutEffect, useRef } from 'preact/hooks'
import { ask, topicPath } from '../lib/api.ts'
import { bytes, count, rate, span, time } from '../lib/format.ts'
import { usePolled } from '../lib/hooks.ts'
import { live, perSecond } from '../lib/live.ts'
import { Facts, Fault } from '../lib/parts.tsx'
import { linkTo } from '../lib/place.ts'
import { RecordLines } from '../topics/record-lines.tsx'
import type { RecordPage } from '../lib/shapes.ts'
import { lagOf, topicOf } from './figures.ts'
import type { FlowNode } from './graph.ts'
import { StepPanel } from './step-panel.tsx'

export function Panel({ node, close }: { readonly node: FlowNode; close(): void }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useLayoutEffect(() => heading.current?.focus(), [])
  return (
    <aside
      class="card panel"
      aria-label={`${node.what} ${node.name}`}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close()
      }}
    >
      <div class="panel-head">
        <h2 ref={heading} tabIndex={-1}>
          {node.label}
        </h2>
        <button type="button" class="quiet" onClick={close}>
          Close
        </button>
      </div>
      <p class="muted">
        {node.what}
        {node.pipeline === null ? '' : ` · pipeline ${node.pipeline}`}
      </p>
      {node.kind === 'source' ? <SourcePanel name={node.name} /> : null}
      {node.kind === 'topic' ? <TopicPanel name={node.name} /> : null}
      {node.outbox === null ? null : <SinkPanel node={node} />}
      {node.step === null ? null : <StepPanel node={node} />}
    </aside>
  )
}

function SourcePanel({ name }: { readonly name: string }) {
  const source = live.value?.sources.find((one) => one.source === name)
  if (source === undefined) return null
  return (
    <Facts
      of={[
        ['state', source.state],
        ['into', <a href={linkTo('topics', source.topic)}>{source.topic}</a>],
        ['records', count(source.recordCount)],
        ['commits', count(source.commitCount)],
        ['refused', count(source.refusedCount)],
        ['position', <code>{JSON.stringify(source.position)}</code>],
      ]}
    />
  )
}

function TopicPanel({ name }: { readonly name: string }) {
  const topic = topicOf(name)
  const inputs = (live.value?.tasks ?? []).flatMap(({ task, inputs: list }) =>
    list.filter((one) => one.topic === name).map((one) => ({ ...one, task })),
  )
  return (
    <>
      <Facts
        of={[
          ['records kept', topic === undefined ? '–' : count(topic.end - topic.start)],
          ['size', topic === undefined ? '–' : bytes(topic.bytes)],
          ['partitions', topic === undefined ? '–' : count(topic.partitions)],
          ['written', rate(perSecond((at) => at.topics?.find((t) => t.topic === name)?.end) ?? 0)],
          ['lag', count(lagOf(name))],
        ]}
      />
      {inputs.length === 0 ? null : (
        <table>
          <caption>Read by</caption>
          <thead>
            <tr>
              <th>task</th>
              <th class="number">partition</th>
              <th class="number">lag</th>
            </tr>
          </thead>
          <tbody>
            {inputs.slice(0, 64).map(({ task, partition, lag, idle }) => (
              <tr key={`${task} ${partition}`}>
                <td>
                  {task}
                  {idle ? <span class="muted"> idle</span> : null}
                </td>
                <td class="number">{partition}</td>
                <td class="number">{count(lag)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <LastRecords topic={name} />
    </>
  )
}

function LastRecords({ topic }: { readonly topic: string }) {
  const { value, error } = usePolled(
    (signal) => ask<RecordPage>(`${topicPath(topic)}/records`, { query: { last: 3 }, signal }),
    topic,
    2_000,
  )
  return (
    <>
      <h3>Last records</h3>
      <Fault text={error} />
      <RecordLines records={(value?.records ?? []).slice(-5).toReversed()} />
      <p>
        <a href={linkTo('topics', topic)}>Browse the topic</a> ·{' '}
        <a href={linkTo('outputs', topic)}>Draw it</a>
      </p>
    </>
  )
}

function SinkPanel({ node }: { readonly node: FlowNode }) {
  const sink = live.value?.deliveries.find(
    (one) => one.sink === node.name && one.pipeline === node.pipeline,
  )
  if (sink === undefined) return <p>Its deliveries have not started in this process.</p>
  const { lastError, tryMsP50, tryMsP99 } = sink
  const ms = (value: number | null): string => (value === null ? '–' : span(value))
  return (
    <>
      <Facts
        of={[
          ['state', sink.state === 'away' ? 'away: tried ever more rarely' : 'delivering'],
          ['delivered', count(sink.delivered)],
          ['backlog', count(sink.backlog)],
          ['in flight', count(sink.inFlight)],
          ['failed tries', count(sink.failures)],
          ['dead', count(sink.dead)],
          ['a try takes', `${ms(tryMsP50)} (p50), ${ms(tryMsP99)} (p99)`],
          ['outbox', <a href={linkTo('topics', sink.outbox)}>{sink.outbox}</a>],
        ]}
      />
      {lastError === null ? null : (
        <p class="fault">
          Last error, {time(lastError.atMs)}: {lastError.text} <code>{lastError.code}</code>
        </p>
      )}
      {sink.dead === 0 ? null : (
        <p>
          <a href={linkTo('letters', sink.outbox)}>Its dead letters</a>
        </p>
      )}
    </>
  )
}
