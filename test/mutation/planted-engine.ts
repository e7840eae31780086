/** Bugs in the task itself: what is committed together, event time, state that is kept. */
import type { Planted } from './planted-bug.ts'

export const engineBugs: readonly Planted[] = [
  {
    name: 'offsets are committed before the outputs',
    file: 'src/engine/task-run.ts',
    find: 'this.#session.commit(commit).then(',
    replace: `this.#session
      .commit({ ...commit, appends: [] })
      .then(() => {
        const offsets = commit.offsets.map(() => -1)
        return this.#session.commit({ offsets, appends: commit.appends, changelog: null })
      })
      .then(`,
  },
  {
    name: 'outputs are committed before the offsets',
    file: 'src/engine/task-run.ts',
    find: 'this.#session.commit(commit).then(',
    replace: `this.#session
      .commit({
        offsets: commit.offsets.map(() => -1),
        appends: commit.appends,
        changelog: null,
      })
      .then(() => this.#session.commit({ ...commit, appends: [] }))
      .then(`,
  },
  {
    name: 'the state of a commit is left out once in a while',
    file: 'src/engine/task.ts',
    find: 'appends: this.#outputs.take(), changelog: this.#state.pack() }',
    replace: `appends: this.#outputs.take(), changelog:
      this.counters.commits % 7 === 6 ? (this.#state.pack(), null) : this.#state.pack() }`,
  },
  {
    name: 'where an input begins at the end is not committed',
    file: 'src/engine/task.ts',
    find: "startAt[i] === 'latest' ? -1 : cursor.position",
    replace: 'cursor.position',
  },
  {
    name: 'what a task may produce before it waits is not bounded',
    file: 'src/engine/task-run.ts',
    find: 'if (this.#inFlight !== null && this.#task.pendingBytes >= pendingBytesMax()) {',
    replace: 'if (this.#inFlight !== null && this.#task.pendingBytes < 0) {',
  },
  {
    name: 'an orderly stop does not commit what is in hand',
    file: 'src/engine/task-run.ts',
    find: `    this.#task.stop()
    if (!hasAll) return
    this.#commit()`,
    replace: `    this.#task.stop()
    if (!hasAll) return`,
  },
  {
    name: 'records of several inputs are taken in any order',
    file: 'src/engine/input-order.ts',
    find: 'if (least === null || cursor.timeMs < least.timeMs) least = cursor',
    replace: 'least ??= cursor',
  },
  {
    name: 'the state of a record that failed stands',
    file: 'src/engine/atomic-record.ts',
    find: 'this.#journal.undo()',
    replace: 'this.#journal.begin()',
  },
  {
    name: 'the outputs of a record that failed stand',
    file: 'src/engine/atomic-record.ts',
    find: '    this.#outputs.undo()\n',
    replace: '',
  },
  {
    name: 'a journal is undone in the wrong order',
    file: 'src/engine/state/store.ts',
    find: 'for (let i = this.#length - 1; i >= 0; i--)',
    replace: 'for (let i = 0; i < this.#length; i++)',
  },
  {
    name: 'the watermark is forgotten at a restart',
    file: 'src/engine/kept-time.ts',
    find: "if (typeof saved === 'number') this.#watermark.currentMs = saved",
    replace: 'void saved',
  },
  {
    name: 'how far an input has come is forgotten at a restart',
    file: 'src/engine/kept-time.ts',
    find: "if (typeof reached === 'number') cursor.clock.reachedMs = reached",
    replace: 'void reached',
  },
  {
    name: "an input's event time goes back",
    file: 'src/engine/watermark.ts',
    find: 'if (timeMs <= this.reachedMs) return',
    replace: 'if (timeMs === this.reachedMs) return',
  },
  {
    name: 'an input with a backlog falls idle',
    file: 'src/engine/watermark.ts',
    find: 'if (!input.caughtUp) input.idle = false\n      else if',
    replace: 'if',
  },
  {
    name: 'event time goes on by itself where an input says wait',
    file: 'src/engine/watermark.ts',
    find: `    if (this.inputs.some((input) => input.spec.idle === 'wait'))
      return Math.max(this.currentMs, this.#standingMs)
`,
    replace: '',
  },
  {
    name: 'event time behind an asynchronous step does not wait for its results',
    file: 'src/engine/time-domains.ts',
    find: 'asynchronous === null ? Number.POSITIVE_INFINITY : asynchronous.holdMs()',
    replace: 'asynchronous === null ? Number.POSITIVE_INFINITY : Number.POSITIVE_INFINITY',
  },
  {
    name: 'a task that has not spoken does not hold those behind it back',
    file: 'src/engine/repartition-cursor.ts',
    find: 'if (each === null) return //',
    replace: 'if (each === null) continue //',
  },
  {
    name: 'marks of other tasks are forgotten at a restart',
    file: 'src/engine/kept-time.ts',
    find: 'if (saved === undefined) continue',
    replace: 'if (saved !== null) continue',
  },
  {
    name: 'a task with windows yet to close says that it is idle',
    file: 'src/engine/marker.ts',
    find: 'idle: isQuiet && eventDueMs() === Number.POSITIVE_INFINITY',
    replace: 'idle: isQuiet && eventDueMs() > 0',
  },
  {
    name: 'a record late for two steps makes two letters',
    file: 'src/engine/task.ts',
    find: "if (first === 'again') return",
    replace: "if (first === 'again' && step === '') return",
  },
  {
    name: 'a snapshot skips what the round before has written',
    file: 'src/engine/state/state-set.ts',
    find: 'if (entry.dirtyIn >= this.#roundStartedIn) continue',
    replace: 'if (entry.dirtyIn >= this.#roundStartedIn - 1) continue',
  },
  {
    name: 'a round of the snapshot ends too early',
    file: 'src/engine/state/state-set.ts',
    find: 'let complete = false',
    replace: 'let complete = this.journal.commitNumber - this.#roundStartedIn > 5',
  },
  {
    name: 'a key that was deleted is there again after a restart',
    file: 'src/engine/state/store.ts',
    find: 'if (entries?.get(stateKey(key)) !== undefined) entries.remove(stateKey(key))',
    replace: 'void entries',
  },
  {
    name: 'a window that was dropped is there again after a restart',
    file: 'src/engine/state/state-set.ts',
    find: 'store?.namespaces.delete(id)',
    replace: 'void id',
  },
  {
    name: 'results of calls are given on as they come',
    file: 'src/engine/calls/ordered-results.ts',
    find: "if (outcome === null) return 'waiting'",
    replace: `if (outcome === null) {
      const other = this.#records.findIndex(
        ({ answer: given }, i) =>
          i > this.#first && (given instanceof Call ? given.outcome : given) !== null,
      )
      if (other < 0) return 'waiting'
      const [record] = this.#records.splice(other, 1) as [Pending]
      const given = record.answer instanceof Call ? record.answer.outcome : record.answer
      this.#options.give(record, given as Outcome)
      return 'delivered'
    }`,
  },
  {
    name: 'a call of a record that was undone is waited for',
    file: 'src/engine/calls/ordered-results.ts',
    find: '(records.at(-1) as Pending).number > count',
    replace: '(records.at(-1) as Pending).number > count + 1',
  },
]
