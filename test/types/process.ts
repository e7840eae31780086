/**
 * `process`, `mapAsync`, lookups and `split`: types flow without annotations but for what states
 * and outputs are declared to hold. Compiled by the type check, never run: each line below a mark
 * must be an error.
 */
import { from, json, listState, lookup, mapState, output, topic, valueState } from 'millrace'
import type { Stream, Timer } from 'millrace'
import type { Equal, Expect } from './equal.ts'

type Login = { user: string; ok: boolean; at: Date }
const logins = from(topic('logins', { codec: json<Login>(), key: (l) => l.user }))
const keyless = from(topic('keyless', { codec: json<Login>() }))

const plain = logins.process({
  state: {
    failures: valueState({ default: 0 }),
    last: valueState<Login>(),
    seen: mapState<string, Date>(),
    all: listState<Login>({ ttl: '1h' }),
  },
  emits: output<{ user: string; failures: number }>(),
  onRecord(login, ctx) {
    const failures: number = ctx.state.failures.get()
    const last: Login | undefined = ctx.state.last.get()
    const seen: Date | undefined = ctx.state.seen.get(login.user)
    const entries: [string, Date][] = ctx.state.seen.entries()
    const all: Login[] = [...ctx.state.all]
    type Shown = Expect<Equal<typeof ctx.key, string>>
    ctx.state.seen.set(login.user, login.at)
    ctx.timers.event(login.at)
    ctx.emit({ user: ctx.key, failures: failures + all.length + entries.length })
    // @ts-expect-error: of another type
    ctx.state.failures.set('one')
    // @ts-expect-error: its get may give undefined
    const sure: Login = ctx.state.last.get()
    // @ts-expect-error: no such state
    ctx.state.nothing.get()
    // @ts-expect-error: of another shape
    ctx.emit({ user: 5 })
    // @ts-expect-error: no such output
    ctx.output.alerts('x')
    return void [last, seen, sure] as Shown extends true ? undefined : never
  },
  onTimer(timer, ctx) {
    type Shown = Expect<Equal<typeof timer, Timer>>
    const failures: number = ctx.state.failures.get()
    return void failures as Shown extends true ? undefined : never
  },
})
const several = logins.process({
  emits: output<number>(),
  outputs: { alerts: output<string>(), audit: output<Login>() },
  onRecord(login, ctx) {
    ctx.emit(1)
    ctx.output.alerts(login.user)
    ctx.output.audit(login)
    // @ts-expect-error: of another type
    ctx.output.alerts(1)
  },
})
const named = several.named('checked')
const silent = logins.process({
  onRecord(login, ctx) {
    // @ts-expect-error: nothing says what it emits
    ctx.emit(login)
  },
})
export type Processes = [
  Expect<Equal<typeof plain, Stream<{ user: string; failures: number }, string>>>,
  Expect<Equal<typeof several.main, Stream<number, string>>>,
  Expect<Equal<typeof several.alerts, Stream<string, string>>>,
  Expect<Equal<typeof named.audit, Stream<Login, string>>>,
  Expect<Equal<typeof silent, Stream<never, string>>>,
]
// @ts-expect-error: there is no such output
export const nothing = several.nothing
// @ts-expect-error: a stream without key
keyless.process({ onRecord() {} })
// @ts-expect-error: nobody waits for a promise
logins.process({ async onRecord() {} })
// @ts-expect-error: ttl is a duration
logins.process({ ttl: 5, onRecord() {} })

const called = logins.mapAsync(async (login, { signal, attempt, key, time }) => {
  const aborted: boolean = signal.aborted
  return { aborted, sum: attempt + time, key }
})
const direct = keyless.mapAsync((login) => login.ok, { concurrency: 4, timeout: '1s' })
export type Calls = [
  Expect<Equal<typeof called, Stream<{ aborted: boolean; sum: number; key: string }, string>>>,
  Expect<Equal<typeof direct, Stream<boolean, null>>>,
]
// @ts-expect-error: results come in the order of the records alone
logins.mapAsync(async (login) => login, { order: 'any' })

const find = async (user: string): Promise<{ name: string } | null> => ({ name: user })
const inner = logins.join(lookup(find, { by: (login) => login.user }))
const left = keyless.join(
  lookup(find, { by: (login: Login) => (login.ok ? login.user : null), cache: { ttl: '1m' } }),
  { type: 'left' },
)
export type Lookups = [
  Expect<Equal<typeof inner, Stream<{ left: Login; right: { name: string } }, string>>>,
  Expect<Equal<typeof left, Stream<{ left: Login; right: { name: string } | null }, null>>>,
]
// @ts-expect-error: a key of another type
logins.join(lookup(find, { by: (login) => login.at.getTime() }))
// @ts-expect-error: rows are found for records alone
logins.join(lookup(find, { by: (login) => login.user }), { type: 'full' })

const [first, second] = logins.split(2)
declare const many: number
const several2 = logins.split(many)
export type Splits = [
  Expect<Equal<typeof first, Stream<Login, string>>>,
  Expect<Equal<typeof second, Stream<Login, string>>>,
  Expect<Equal<typeof several2, readonly Stream<Login, string>[]>>,
]
// @ts-expect-error: there are two
export const third = logins.split(2)[2]
// @ts-expect-error: a stream without key
keyless.split(2)
