/** Bugs in the steps: windows, joins, tables, timers. */
import type { Planted } from './planted-bug.ts'

export const stepBugs: readonly Planted[] = [
  {
    name: 'a slice is merged twice',
    file: 'src/engine/windows/gather.ts',
    find: 'known.value = fold.merge(known.value, value)',
    replace: 'known.value = fold.merge(fold.merge(known.value, value), value)',
  },
  {
    name: 'a record at the end of a window is late',
    file: 'src/engine/operators/sliced-fold.ts',
    find: 'if (slice.lastEndMs + this.#latenessMs <= reachedMs) {',
    replace: 'if (slice.lastEndMs + this.#latenessMs <= reachedMs + 1) {',
  },
  {
    name: 'a record late for a session is dropped in silence',
    file: 'src/engine/operators/session-fold.ts',
    find: 'task.late(this.#step, { windowEndMs: at + gapMs, watermarkMs: reachedMs })',
    replace: '',
  },
  {
    name: 'windows are forgotten before their lateness is over',
    file: 'src/engine/operators/sliced-fold.ts',
    find: 'if (first === undefined || first.lastEndMs + this.#latenessMs > toMs) break',
    replace: 'if (first === undefined || first.lastEndMs > toMs) break',
  },
  {
    name: 'revisions begin anew when event time moves on',
    file: 'src/engine/operators/sliced-fold.ts',
    find: 'while (this.#revised.least + this.#latenessMs <= toMs) {',
    replace: 'while (this.#revised.least <= toMs) {',
  },
  {
    name: 'of sessions that meet the earlier timer is forgotten',
    file: 'src/engine/windows/session.ts',
    find: 'timerMs: Math.min(first.timerMs, newest.timerMs)',
    replace: 'timerMs: Number.NEGATIVE_INFINITY',
  },
  {
    name: 'sessions that meet keep the later start',
    file: 'src/engine/windows/session.ts',
    find: 'firstMs: first.firstMs,',
    replace: 'firstMs: newest.firstMs,',
  },
  {
    name: 'timers of sessions are not restored',
    file: 'src/engine/operators/session-fold.ts',
    find: 'this.#setTimer(s, entry.key, this',
    replace: 'if (s.older !== null) this.#setTimer(s, entry.key, this',
  },
  {
    name: 'windows of the wall clock close again after a restart',
    file: 'src/engine/windows/window-clock.ts',
    find: "if (typeof kept === 'number') this.watermarkMs = kept",
    replace: 'void kept',
  },
  {
    name: 'named timers are not restored',
    file: 'src/engine/process/keyed-timers.ts',
    find: 'this.#queue.add(kept.timeMs, kept.key ?? entry.key, kept.name)',
    replace: "if (kept.name === '') this.#queue.add(kept.timeMs, entry.key, '')",
  },
  {
    name: 'a timer that was moved to a later time fires at the earlier one',
    file: 'src/engine/process/keyed-timers.ts',
    find: 'if (kept.timeMs === leastMs) return leastMs',
    replace: 'if (kept.timeMs >= leastMs) return leastMs',
  },
  {
    name: 'timers and expiries are not in order of time',
    file: 'src/engine/operators/process.ts',
    find: 'if (timerMs <= expiryMs) {',
    replace: 'if (timerMs <= watermarkMs) {',
  },
  {
    name: 'dedupe looks at one neighbouring bucket only',
    file: 'src/engine/operators/dedupe.ts',
    find: 'if (isKnown(bucket - 1, key, time) || isKnown(bucket + 1, key, time)) return',
    replace: 'if (isKnown(bucket - 1, key, time)) return',
  },
  {
    name: 'dedupe never frees what it knew before a restart',
    file: 'src/engine/operators/dedupe.ts',
    find: 'for (const bucket of store.namespaces.keys()) buckets.add(bucket)',
    replace: 'buckets.add(Number.POSITIVE_INFINITY)',
  },
  {
    name: 'a join forgets rows too early',
    file: 'src/engine/operators/interval-join.ts',
    find: 'return (side.buckets.least + 1) * this.#bucketMs + side.keptMs',
    replace: 'return side.buckets.least * this.#bucketMs + side.keptMs',
  },
  {
    name: 'a join gives rows without a partner although they had one',
    file: 'src/engine/operators/interval-join.ts',
    find: 'if (this.#found.count > 0) side.rows.markNewest(bucket, key)',
    replace: 'if (this.#found.count > 1) side.rows.markNewest(bucket, key)',
  },
  {
    name: 'a join forgets at a restart which rows wait for a partner',
    file: 'src/engine/operators/interval-join.ts',
    find: 'if (time + side.keptMs >= watermarkMs) side.unmatched.add(time, key)',
    replace: 'if (time > watermarkMs) side.unmatched.add(time, key)',
  },
  {
    name: 'a join takes records that are late',
    file: 'src/engine/operators/interval-join.ts',
    find: 'if (time + this.#latenessMs < watermarkMs) {',
    replace: 'if (time + 2 * this.#latenessMs + 1 < watermarkMs) {',
  },
  {
    name: 'a join as of a time meets versions of its own future',
    file: 'src/engine/operators/versioned-join.ts',
    find: 'if (time >= watermarkMs) {',
    replace: 'if (time > watermarkMs) {',
  },
  {
    name: 'records that wait for event time are forgotten at a restart',
    file: 'src/engine/operators/versioned-join.ts',
    find: 'for (const time of this.#waiting.namespaces.keys()) this.#times.add(time)',
    replace: 'this.#times.add(Number.POSITIVE_INFINITY)',
  },
  {
    name: "a row's old value is not taken back",
    file: 'src/engine/operators/table-fold.ts',
    find: 'if (others > 0 && before !== null && retract !== null) {',
    replace: 'if (others > 1 && before !== null && retract !== null) {',
  },
  {
    name: 'a row that changes its group stays in the old one',
    file: 'src/engine/operators/regroup.ts',
    find: '      emit({ before: old, after: null }, from, time)\n',
    replace: '',
  },
  {
    name: 'of equally good records the newer one comes first',
    file: 'src/engine/operators/top-n.ts',
    find: "return order === 'desc' ? isLess(b, a) : isLess(a, b)",
    replace: "return order === 'desc' ? !isLess(a, b) : !isLess(b, a)",
  },
  {
    name: 'a row lives on without a record',
    file: 'src/engine/operators/running-fold-ttl.ts',
    find: 'if (value !== absent) timers.add((value as Row).lastMs + ttlMs, key)',
    replace: 'if (value === absent) timers.add((value as Row).lastMs + ttlMs, key)',
  },
]
