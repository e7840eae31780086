/** Why has my window not fired? What holds event time, and what each step waits for. */
import { ask } from '../lib/api.ts'
import { time } from '../lib/format.ts'
import { usePolled } from '../lib/hooks.ts'
import { Empty, Fault } from '../lib/parts.tsx'
import type { InputTime, TaskTime } from '../lib/shapes.ts'

const stateWords: Readonly<Record<InputTime['state'], string>> = {
  holds: 'holds event time',
  ahead: 'ahead of others',
  idle: 'idle: not waited for',
  global: 'global: never waited for',
}

export function Why() {
  const { value, error } = usePolled(
    (signal) => ask<{ tasks: TaskTime[] }>('/explain', { signal }),
    'explain',
    1_000,
  )
  return (
    <div class="stack">
      <div>
        <h1>Why has my window not fired?</h1>
        <p class="muted">
          A window gives its result when event time passes its end. Event time is as far as the
          slowest input that is not idle.
        </p>
      </div>
      <Fault text={error} />
      {value === null && error === null ? <Empty>Asking…</Empty> : null}
      {value?.tasks.length === 0 ? <Empty>No pipeline runs in this process.</Empty> : null}
      {(value?.tasks ?? []).map((task) => (
        <TaskCard key={`${task.pipeline} ${task.task}`} task={task} />
      ))}
    </div>
  )
}

function TaskCard({ task }: { readonly task: TaskTime }) {
  const { text, remedy } = task
  return (
    <section class="card why" aria-label={`task ${task.task}`}>
      <h2>
        {task.pipeline} <span class="muted">task {task.task}</span>
      </h2>
      <p class="sentence">{text}</p>
      {remedy === '' ? null : <p class="remedy">{remedy}</p>}
      {task.steps.length === 0 ? null : (
        <dl class="waits">
          {task.steps.map((step) => (
            <div key={step.step}>
              <dt>{step.step}</dt>
              <dd>{step.text}</dd>
            </div>
          ))}
        </dl>
      )}
      <details>
        <summary>Inputs ({task.inputs.length})</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={`inputs of ${task.task}`}>
          <table>
            <thead>
              <tr>
                <th>topic</th>
                <th class="number">partition</th>
                <th>event time</th>
                <th>last moved</th>
                <th>state</th>
              </tr>
            </thead>
            <tbody>
              {task.inputs.map((input) => (
                <tr key={`${input.topic} ${input.partition}`}>
                  <td>{input.topic}</td>
                  <td class="number">{input.partition}</td>
                  <td>{time(input.reachedMs)}</td>
                  <td>{time(input.sinceMs)}</td>
                  <td>{stateWords[input.state]}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  )
}
