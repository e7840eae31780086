/** Bugs in what comes in and goes out by HTTP. */
import type { Planted } from './planted-bug.ts'

export const serverBugs: readonly Planted[] = [
  {
    name: 'what begins with a zero and goes on is taken for JSON',
    file: 'src/core/json-scan.ts',
    find: 'if (at < end && bytes[at] === 0x30) at += 1\n    else if',
    replace: 'if',
  },
  {
    name: 'a request is answered before its records are on disk',
    file: 'src/server/ingest.ts',
    find: 'else runs = records.count === 0 ? [] : await append(null)',
    replace: 'else {\n        void append(null)\n        runs = []\n      }',
  },
  {
    name: 'an idempotency key is kept in memory alone',
    file: 'src/server/appends.ts',
    find: 'if (options.note !== null) this.#keep(options.note, pieces)',
    replace: 'if (options.note === null) void this.#keep',
  },
  {
    name: 'another request under a known idempotency key has the answer of the first',
    file: 'src/server/request-keys.ts',
    find: 'if (known.fingerprint !== request.fingerprint) {',
    replace: 'if (known.fingerprint === null) {',
  },
  {
    name: 'a name that begins like an address of this machine is let in',
    file: 'src/server/guard.ts',
    find: 'if (isIP(name) === 0) return false',
    replace: "if (isIP(name) === 0) return name.startsWith('127.')",
  },
  {
    name: 'bodies that were answered count as in memory for ever',
    file: 'src/server/body.ts',
    find: 'this.#bounds.budget.release(this.#taken)',
    replace: 'void this.#bounds',
  },
  {
    name: 'a value is shown as JSON that is none',
    file: 'src/server/record-view.ts',
    find: "if (form === 'json' && !isCut && isJson(value)) {",
    replace: "if (form === 'json' && !isCut && isUtf8(value)) {",
  },
]
