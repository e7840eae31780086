/**
 * What is kept of a key, as it is written to the changelog: `[taken, partials, kept, lookAt]`, all
 * flat lists of numbers. An event taken is five numbers: part, count, time, index, and the place in
 * the list of the one before it (−1: none), which comes first; so beginnings that are shared are
 * written once. A partial match is two: the place of its last event, and what is closed. Values
 * stand with the events.
 */
import { push } from './kept-events.ts'
import type { KeptTimes, KeyMatches } from './kept-events.ts'
import { firstOf } from './partial-match.ts'
import type { PartialMatch, Taken } from './partial-match.ts'

type MatchesState = readonly [number[], number[], number[], number]

type TakenState = [part: number, count: number, timeMs: number, index: number, before: number]

const takenNumbers = 5

export function toMatchesState({ partials, kept, lookAt }: KeyMatches): MatchesState {
  const flat: number[] = []
  const places = new Map<Taken, number>()
  const written: number[] = []
  for (const { taken, closed } of partials) written.push(write(taken, flat, places), closed)
  const times: number[] = []
  for (let at = kept; at !== null; at = at.before) times.push(at.timeMs)
  return [flat, written, times, lookAt]
}

/** Values of events are to be set by `eachTaken`. */
export function fromMatchesState(state: unknown): KeyMatches {
  const [flat, written, times, lookAt] = state as MatchesState
  const all: Taken[] = []
  for (let at = 0; at < flat.length; at += takenNumbers) {
    const [part, count, timeMs, index, place] = flat.slice(at, at + takenNumbers) as TakenState
    const before = all[place] ?? null
    const first = before === null ? null : firstOf(before)
    all.push({ part, count, timeMs, index, value: undefined, before, first })
  }
  const partials: PartialMatch[] = []
  for (let at = 0; at < written.length; at += 2) {
    partials.push({ taken: all[written[at] as number] as Taken, closed: written[at + 1] as number })
  }
  const kept = times.reduceRight<KeptTimes | null>(push, null)
  return { partials, kept, lookAt }
}

/** @returns the place of the event */
function write(last: Taken, flat: number[], places: Map<Taken, number>): number {
  const pending: Taken[] = []
  let at: Taken | null = last
  for (; at !== null && !places.has(at); at = at.before) pending.push(at)
  let place = at === null ? -1 : (places.get(at) as number)
  for (const taken of pending.reverse()) {
    flat.push(taken.part, taken.count, taken.timeMs, taken.index, place)
    place = flat.length / takenNumbers - 1
    places.set(taken, place)
  }
  return place
}
