/** Bugs where records come in and go out: sources, codecs, letters, patterns, calls, hand-over. */
import type { Planted } from './planted-bug.ts'

export const edgeBugs: readonly Planted[] = [
  {
    name: "a source's records are committed before its position",
    file: 'src/connect/source-loop.ts',
    find: `    await session.commit({
      offsets: [],
      appends,`,
    replace: `    await session.commit({ offsets: [], appends, changelog: null })
    await session.commit({
      offsets: [],
      appends: [],`,
  },
  {
    name: 'failures of a source are counted over commits that went well',
    file: 'src/connect/source-loop.ts',
    find: '    this.#failureCount = 0\n',
    replace: '',
  },
  {
    name: 'ids of a source that are new are not kept with the commit',
    file: 'src/connect/known-ids.ts',
    find: 'this.#writePart(writer, newFrom, end)',
    replace: 'this.#writePart(writer, newFrom, newFrom)',
  },
  {
    name: 'a round of known ids ends before all of them were written again',
    file: 'src/connect/known-ids.ts',
    find: 'const endsRound = sliceEnd >= roundTo',
    replace: 'const endsRound = sliceEnd >= roundTo - 1',
  },
  {
    name: 'what a destination asks for by Retry-After is forgotten',
    file: 'src/connect/delivery/destination.ts',
    find: 'this.#breaker.leaveAlone(askedPauseMs(thrown))',
    replace: 'askedPauseMs(thrown)',
  },
  {
    name: 'a batch of a source that was refused is half in the next one',
    file: 'src/connect/source-blocks.ts',
    find: 'for (const builder of this.#builders) builder.undoTo(0) //',
    replace: 'for (const builder of this.#builders) builder.undoTo(builder.count) //',
  },
  {
    name: 'what cannot be read is dropped in silence',
    file: 'src/engine/task.ts',
    find: `    this.counters.recordsIn += 1
    this.counters.dead += 1
    this.#letters.dead(origin, step, thrown)`,
    replace: `    this.counters.recordsIn += 1
    this.counters.dead += 1`,
  },
  {
    name: 'a result that fails takes the one before with it',
    file: 'src/engine/task.ts',
    find: '    this.#atomic.begin()\n    const result: Result',
    replace: '    const result: Result',
  },
  {
    name: 'what a record that failed printed is shown',
    file: 'src/engine/atomic-record.ts',
    find: '    this.#prints.length = this.#printMark\n',
    replace: '',
  },
  {
    name: 'a record that failed is counted as late',
    file: 'src/engine/atomic-record.ts',
    find: `    this.#outputs.undo()
    this.#lateCount = 0
    this.#lateSteps = []`,
    replace: '    this.#outputs.undo()',
  },
  {
    name: 'a value that fails to decode fails those before it',
    file: 'src/engine/decode-ahead.ts',
    find: 'if (i === from) throw thrown',
    replace: 'throw thrown',
  },
  {
    name: 'text cut inside of a character is taken',
    file: 'src/core/codec.ts',
    find: 'if (cutAtStart || (to < end && (block[to]! & 0xc0) === 0x80))',
    replace: 'if (cutAtStart)',
  },
  {
    name: 'minus zero is zero after a restart',
    file: 'src/core/value-writer.ts',
    find: 'if (!Number.isSafeInteger(value) || Object.is(value, -0)) {',
    replace: 'if (!Number.isSafeInteger(value)) {',
  },
  {
    name: 'keys with a negative hash go to another partition than with Kafka',
    file: 'src/log/partitioner.ts',
    find: 'return (murmur2(key) & 0x7fff_ffff) % partitions',
    replace: 'return Math.abs(murmur2(key)) % partitions',
  },
  {
    name: 'an event at the deadline belongs to the match',
    file: 'src/engine/patterns/matcher.ts',
    find: 'firstOf(taken).timeMs + withinMs <= nowMs',
    replace: 'firstOf(taken).timeMs + withinMs < nowMs',
  },
  {
    name: 'after a match, matches that overlap it are found all the same',
    file: 'src/engine/patterns/matcher.ts',
    find: 'if (next !== null && (from === null || comparePlaces(next, from) > 0)) from = next',
    replace: 'if (next !== null && from === null) from = next',
  },
  {
    name: 'deadlines of patterns are not restored',
    file: 'src/engine/operators/match.ts',
    find: '      if (withinMs === null) continue\n      for (',
    replace: '      if (withinMs !== null) continue\n      for (',
  },
  {
    name: 'events that no match needs are kept, and looked at again after a restart',
    file: 'src/engine/operators/match.ts',
    find: '      else this.#events.delete(key, time)\n',
    replace: '',
  },
  {
    name: 'more calls are under way than allowed',
    file: 'src/engine/calls/call-pool.ts',
    find: 'if (this.isFull || this.#closed) return',
    replace: 'if ((this.isFull && this.#underWay > 0) || this.#closed) return',
  },
  {
    name: 'an answer that comes after its time limit is taken',
    file: 'src/engine/calls/call-pool.ts',
    find: '        if (call.info !== info) return\n        this.#endAttempt(call)',
    replace: '        this.#endAttempt(call)',
  },
  {
    name: 'a passage is trimmed up to what was read, not what was committed',
    file: 'src/engine/trim-repartition.ts',
    find: '      this.#bytes += batch.bytes.length\n',
    replace: `      this.#bytes += batch.bytes.length
      for (const passage of this.#passages) {
        if (passage.input === input) passage.committed = batch.nextOffset
      }
`,
  },
  {
    name: 'a passage is emptied although a task has committed',
    file: 'src/engine/trim-repartition.ts',
    find: 'if (known !== undefined && known.offsets.length > 0) return',
    replace: 'if (known !== undefined && known.offsets.length > 1) return',
  },
  {
    name: 'a task is given away before it has ended',
    file: 'src/engine/owned-tasks.ts',
    find: '    await Promise.all(ending.map(({ ended }) => ended))\n',
    replace: '',
  },
  {
    name: 'state of another shape is taken as it is',
    file: 'src/engine/plan-guard.ts',
    find: 'if (was === undefined || was === shape) continue',
    replace: 'if (was !== undefined) continue',
  },
  {
    name: 'one blob of many is left out at a restore',
    file: 'src/engine/restore-task.ts',
    find: '      task.restore(blob)\n',
    replace: '      if (blobs % 8 !== 5) task.restore(blob)\n',
  },
]
