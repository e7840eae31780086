/** Settings of V8's garbage collector that suit a process that moves records. */
import { setFlagsFromString } from 'node:v8'

/** Whoever sets it for the process knows better. */
const flag = '--incremental-marking-soft-trigger'
/** Of the room up to the heap's limit. */
const percent = 50

/**
 * By default V8 begins to mark the whole heap as soon as the room left in it is smaller than the
 * young generation. That is always so for a small heap with much traffic: with a backlog it marked
 * six times a second, 12 % of all processor time, to free nothing. Now it begins when most of the
 * room is used. The flag is one that V8 looks at each time, and the limit of the heap stays what it
 * was.
 */
export function markLater(): void {
  const given = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ')
  if (!given.includes(flag)) setFlagsFromString(`${flag}=${percent}`)
}
