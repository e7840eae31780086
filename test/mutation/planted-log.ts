/** Bugs in the logs: memory, embedded, Kafka. */
import type { Planted } from './planted-bug.ts'

export const logBugs: readonly Planted[] = [
  {
    name: 'the memory log does not check the fence',
    file: 'src/log/memory/memory-session.ts',
    find: 'if (!this.#cursor.isFenced) return',
    replace: 'if (this.epoch > 0) return',
  },
  {
    name: 'the memory log keeps a changelog from the wrong blob on',
    file: 'src/log/memory/memory-session.ts',
    find: 'all.findLastIndex((blob) => blob.startsRound),',
    replace: 'all.findLastIndex((blob) => blob.startsRound) + 1,',
  },
  {
    name: 'the embedded log does not check the epoch',
    file: 'src/log/embedded/tasks.ts',
    find: 'WHERE id = ? AND epoch = ?\n     RETURNING next_seq',
    replace: 'WHERE id = ? AND epoch >= ?\n     RETURNING next_seq',
  },
  {
    name: 'the embedded log deletes a blob too much',
    file: 'src/log/embedded/tasks.ts',
    find: 'const keepSeq = roundEnds ? roundSeq : row.keep_seq',
    replace: 'const keepSeq = roundEnds ? roundSeq + 1 : row.keep_seq',
  },
  {
    name: 'a run that takes over does not fence tasks of others',
    file: 'src/log/embedded/tasks.ts',
    find: 'if (ask.fence) store.run(',
    replace: 'if (ask.fence && ask.generation < 0) store.run(',
  },
  {
    name: 'what retention took is skipped in silence',
    file: 'src/log/embedded/reader.ts',
    find: 'if (from > cursor.fetchOffset) this.#onSkip(input, from - cursor.fetchOffset)',
    replace: 'void input',
  },
  {
    name: 'the embedded log commits without waiting for the disk',
    file: 'src/log/embedded/db.ts',
    find: "this.exec('PRAGMA synchronous = FULL')",
    replace: "this.exec('PRAGMA synchronous = NORMAL')",
  },
  {
    name: 'a failed commit is taken for one that did not happen',
    file: 'src/log/embedded/db.ts',
    find: "if (during === 'commit' && known?.code",
    replace: "if (during === 'never' && known?.code",
  },
]
