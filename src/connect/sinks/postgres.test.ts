import { expect, test } from 'vitest'
import { isCode, MillraceError } from '../../core/error.ts'
import { loaded } from '../postgres/connect-postgres.ts'
import { asDatabaseError } from '../postgres/database-error.ts'
import { databaseOf } from '../postgres/postgres-options.ts'
import { rowsOf } from '../postgres/rows.ts'
import { rowStatement } from '../postgres/table.ts'
import type { SinkRecord } from '../sink.ts'
import { postgres, type PostgresSinkOptions } from './postgres.ts'

const right = { url: 'postgres://me:sesame@127.0.0.1/plant', table: 'rows' }

test.each([
  ['an address of another kind', { url: 'mysql://me@host/plant' }],
  ['an address without a database', { url: 'postgres://me@host' }],
  ['an address with settings', { url: 'postgres://me:sesame@host/plant?sslmode=disable' }],
  ['no user', { url: 'postgres://host/plant' }],
  ['no table', { table: '' }],
  ['a table of another database', { table: 'a.b.c' }],
  ['a mode that there is not', { mode: 'merge' }],
  ['upsert without a key', { mode: 'upsert' }],
  ['upsert with an empty key', { mode: 'upsert', key: [] }],
  ['a key where rows are only added', { key: 'device' }],
  ['a row that is no function', { row: { device: 1 } }],
  ['connections without end', { connections: 1_000 }],
  ['a connection in no time', { connectTimeout: '1ms' }],
  ['TLS by a word', { tls: 'yes' }],
  ['an option that there is not', { tabel: 'rows' }],
  ['an order, which is the partition’s', { order: 'key' }],
])('refuses %s', (_, wrong) => {
  expect.hasAssertions()
  try {
    postgres('s', { ...right, ...wrong } as unknown as PostgresSinkOptions<unknown, unknown>)
  } catch (thrown) {
    expect(isCode(thrown, 'invalid-argument')).toBe(true)
    expect((thrown as MillraceError).hint).toMatch(/^(use|write it like|give|its options are) /)
    expect(`${String(thrown)} ${(thrown as MillraceError).hint}`).not.toContain('sesame')
  }
})

test('an address is taken apart; options go before it', () => {
  expect(databaseOf('s', { url: 'postgres://me:a%40b@[::1]:7000/my%20plant' })).toMatchObject({
    host: '::1',
    port: 7_000,
    database: 'my plant',
    user: 'me',
    password: 'a@b',
  })
  const other = databaseOf('s', { ...right, user: 'you', password: { env: 'PW' } })
  expect(other).toMatchObject({ port: 5_432, user: 'you', password: { env: 'PW' }, tls: false })
})

test.each([
  ['22P02', 'sink-refused'],
  ['23505', 'sink-refused'],
  ['08006', 'sink-unavailable'],
  ['40001', 'sink-unavailable'],
  ['42P01', 'sink-unavailable'],
  ['42501', 'sink-unavailable'],
  ['53100', 'sink-unavailable'],
  ['57P01', 'sink-unavailable'],
  ['28P01', 'sink-unavailable'],
  ['XX000', 'sink-failed'],
  ['0A000', 'sink-failed'],
  ['ECONNREFUSED', 'sink-unavailable'],
  ['EPIPE', 'sink-unavailable'],
  [undefined, 'sink-unavailable'],
])('an error with the code %s is %s', (code, wanted) => {
  const error = Object.assign(new Error('so it is'), { code })
  const said = asDatabaseError(error, 'nothing was written')
  expect(said.code).toBe(wanted)
  expect(said.message).toMatch(/^nothing was written: so it is/)
  expect(asDatabaseError(said, 'again')).toBe(said)
})

const record = (offset: number, key: unknown, value: unknown): SinkRecord => {
  return { id: `o/0/${offset}`, topic: 'o', partition: 0, offset, key, value, time: 0 }
}
const options = {
  sink: 's',
  row: (value: unknown) => value as Record<string, unknown>,
  columns: ['device', 'site', 'n'],
}

test('rows are added as they are, in order, with the columns that any has', () => {
  const rows = rowsOf([record(0, 'a', { n: 1 }), record(1, 'a', { device: 'a', n: 2 })], {
    ...options,
    key: null,
  })
  expect(rows).toEqual({
    columns: ['device', 'n'],
    rows: '[{"n":1},{"device":"a","n":2}]',
    deleted: null,
  })
})

test('of one key only the last is written, or it is deleted', () => {
  const key = ['device', 'site']
  const rows = rowsOf(
    [
      record(0, ['a', 1], { device: 'a', site: 1, n: 1 }),
      record(1, ['b', 1], { device: 'b', site: 1, n: 2 }),
      record(2, ['a', 1], { device: 'a', site: 1, n: 3 }),
      record(3, ['b', 1], null),
      record(4, ['c', 1], null),
      record(5, ['c', 1], { device: 'c', site: 1, n: 4 }),
    ],
    { ...options, key },
  )
  expect(JSON.parse(rows.rows)).toEqual([
    { device: 'a', site: 1, n: 3 },
    { device: 'c', site: 1, n: 4 },
  ])
  expect(rows.deleted).toBe('[{"device":"b","site":1}]')
})

test.each([
  ['a row that throws', { key: null, row: () => JSON.parse('{') as never }, {}],
  ['a row that is a list', { key: null }, [1]],
  ['a column that there is not', { key: null }, { colour: 'red' }],
  ['no column', { key: null }, {}],
  ['nothing to add', { key: null }, null],
  ['a row without its key', { key: ['device'] }, { n: 1 }],
  ['a key of another width', { key: ['device', 'site'] }, null],
  ['a circle', { key: null }, circle()],
])('refuses %s', (_, more, value) => {
  expect.hasAssertions()
  try {
    rowsOf([record(7, 'k', value)], { ...options, ...more })
  } catch (thrown) {
    expect(isCode(thrown, 'sink-refused')).toBe(true)
    expect(String(thrown)).toContain('o/0/7')
  }
})

function circle(): object {
  const one: Record<string, unknown> = {}
  one['n'] = one
  return one
}

test('names are quoted in the statement', () => {
  const table = { name: '"a""b"', columns: ['x"y', 'z'] }
  const wish = { positions: '"p"', table, columns: table.columns, deletes: true }
  const text = rowStatement({ ...wish, key: ['x"y'] })
  expect(text).toContain('ON CONFLICT ("x""y") DO UPDATE SET "z" = EXCLUDED."z"')
  expect(text).toContain('$6::jsonb')
  expect(rowStatement({ ...wish, columns: [], key: ['x"y'] })).toContain('$5::jsonb')
  expect(rowStatement({ ...wish, columns: ['x"y'], key: ['x"y'] })).toContain('DO NOTHING')
})

test('a package that is not there is said, with how to get it', async () => {
  const missing = async (): Promise<never> => {
    throw new Error("Cannot find package 'pg' imported from connect-postgres.js")
  }
  const hint = 'install it: npm install pg'
  await expect(loaded(missing)).rejects.toMatchObject({ code: 'missing-dependency', hint })
  const broken = new Error('it does not parse')
  await expect(loaded(() => Promise.reject(broken))).rejects.toBe(broken)
  expect(await loaded(async () => 5)).toBe(5)
})
