/** Sources → stream → engine → outputs, as a graph with live figures. */
import { computed } from '@preact/signals'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Empty } from '../lib/parts.tsx'
import { rate } from '../lib/format.ts'
import { live, plans } from '../lib/live.ts'
import { edgeRate, figuresOf } from './figures.ts'
import { flowGraph, type FlowNode, type Laid, laidOut, nodeHeight, nodeWidth } from './graph.ts'
import { Panel } from './panel.tsx'
import { Summary } from './summary.tsx'

const narrowWidth = 720
const zooms = [0.4, 0.5, 0.65, 0.8, 1, 1.25] as const

/** Changes only with what there is, not with every snapshot. */
const shape = computed(() =>
  JSON.stringify([
    plans.value,
    live.value?.sources.map(({ source, topic }) => ({ source, topic })) ?? [],
  ]),
)

export function Flow() {
  const isNarrow = useNarrow()
  const graph = useMemo(() => flowGraph(plans.value, live.value?.sources ?? []), [shape.value])
  const laid = useMemo(() => laidOut(graph, isNarrow ? 'TB' : 'LR'), [graph, isNarrow])
  const [chosen, setChosen] = useState<string | null>(null)
  const [zoom, setZoom] = useState<number | null>(null)
  const holder = useRef<HTMLDivElement>(null)
  const node = graph.nodes.find(({ id }) => id === chosen) ?? null
  const scale = zoom ?? fitting(holder.current?.clientWidth ?? 0, laid.width)
  const close = (): void => {
    setChosen(null)
    if (chosen !== null) document.getElementById(domId(chosen))?.focus()
  }
  if (live.value === null) return <Empty>Connecting…</Empty>
  return (
    <div class="flow">
      <h1 class="hidden">Flow</h1>
      <Summary />
      {graph.nodes.length === 0 ? (
        <Empty>
          No pipeline runs in this process. Start one with <code>millrace run FILE --ui</code>;
          topics can be looked at all the same.
        </Empty>
      ) : (
        <div class={node === null ? 'flow-body' : 'flow-body with-panel'}>
          <div class="card graph-card">
            <div class="graph-tools">
              <Legend />
              <ZoomButtons scale={scale} setZoom={setZoom} />
            </div>
            <div class="graph-holder" ref={holder} tabIndex={0} role="region" aria-label="Graph">
              <div
                class="graph"
                style={{ width: `${laid.width * scale}px`, height: `${laid.height * scale}px` }}
              >
                <div class="graph-scaled" style={{ transform: `scale(${scale})` }}>
                  <Edges laid={laid} />
                  {graph.nodes.map((one) => (
                    <NodeButton
                      key={one.id}
                      node={one}
                      at={laid.places.get(one.id) ?? { x: 0, y: 0 }}
                      isChosen={one.id === chosen}
                      choose={() => setChosen(one.id === chosen ? null : one.id)}
                    />
                  ))}
                </div>
              </div>
            </div>
          </div>
          {node === null ? null : <Panel key={node.id} node={node} close={close} />}
        </div>
      )}
    </div>
  )
}

function Legend() {
  return (
    <ul class="legend" aria-label="What is what">
      {(['source', 'topic', 'step', 'output'] as const).map((kind) => (
        <li key={kind}>
          <span class={`swatch ${kind}`} aria-hidden="true" />
          {kind}
        </li>
      ))}
    </ul>
  )
}

function ZoomButtons(props: { readonly scale: number; setZoom(zoom: number | null): void }) {
  const { scale, setZoom } = props
  const smaller = zooms.findLast((one) => one < scale - 0.01) ?? zooms[0]
  const larger = zooms.find((one) => one > scale + 0.01) ?? zooms.at(-1) ?? 1
  return (
    <div class="zoom">
      <button type="button" aria-label="Smaller" onClick={() => setZoom(smaller)}>
        −
      </button>
      <button type="button" aria-label="Larger" onClick={() => setZoom(larger)}>
        +
      </button>
      <button type="button" onClick={() => setZoom(null)}>
        Fit
      </button>
    </div>
  )
}

function Edges({ laid }: { readonly laid: Laid }) {
  return (
    <svg class="edges" width={laid.width} height={laid.height} aria-hidden="true">
      <defs>
        <marker
          id="tip"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" />
        </marker>
      </defs>
      {laid.paths.map(({ edge, d, x, y }) => {
        const speed = edgeRate(edge)
        return (
          <g key={`${edge.from} → ${edge.to}`} class={speed === null || speed > 0 ? '' : 'still'}>
            <path d={d} marker-end="url(#tip)" />
            {speed === null || speed === 0 ? null : (
              <text x={x} y={y - 6} text-anchor="middle">
                {rate(speed)}
              </text>
            )}
          </g>
        )
      })}
    </svg>
  )
}

function NodeButton(props: {
  readonly node: FlowNode
  readonly at: { readonly x: number; readonly y: number }
  readonly isChosen: boolean
  choose(): void
}) {
  const { node, at, isChosen, choose } = props
  const { text, health, trouble } = figuresOf(node)
  return (
    <button
      id={domId(node.id)}
      type="button"
      class={`node ${node.kind} ${health}`}
      aria-pressed={isChosen}
      title={trouble === '' ? node.name : `${node.name}: ${trouble}`}
      style={{
        left: `${at.x}px`,
        top: `${at.y}px`,
        width: `${nodeWidth}px`,
        height: `${nodeHeight}px`,
      }}
      onClick={choose}
    >
      <span class="node-name">{node.label}</span>
      <span class="node-what">{trouble === '' ? node.what : <b>{trouble}</b>}</span>
      <span class="node-figures">{text}</span>
    </button>
  )
}

const domId = (id: string): string => `node-${encodeURIComponent(id)}`

function fitting(holder: number, width: number): number {
  if (holder === 0 || width === 0) return 1
  return Math.min(1, Math.max(0.4, (holder - 4) / width))
}

function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(innerWidth < narrowWidth)
  useEffect(() => {
    const look = (): void => setNarrow(innerWidth < narrowWidth)
    addEventListener('resize', look)
    return () => removeEventListener('resize', look)
  }, [])
  return isNarrow
}
