import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { FetchPartition } from '../wire/requests/fetch.ts'
import { FetchSession } from './fetch-session.ts'

function part(partition: number, offset: number): FetchPartition {
  const place = { topicId: 'id', partition, leaderEpoch: 0, lastEpoch: -1 }
  return { ...place, offset, bytesMax: 1 }
}

function wanted(...parts: readonly FetchPartition[]): Map<string, FetchPartition> {
  return new Map(parts.map((one) => [String(one.partition), one]))
}

/** `id/epoch +named -forgotten` */
function shown(session: FetchSession, ...parts: readonly FetchPartition[]): string {
  const { sessionId, sessionEpoch, partitions, forgotten } = session.request(wanted(...parts))
  const named = partitions.map((one) => `+${one.partition}@${one.offset}`)
  return [
    `${sessionId}/${sessionEpoch}`,
    ...named,
    ...forgotten.map((one) => `-${one.partition}`),
  ].join(' ')
}

test('a request names what has changed since the last one', () => {
  const session = new FetchSession()
  const [a, b, c] = [part(0, 5), part(1, 5), part(2, 5)]
  assert.equal(shown(session, a, b), '0/0 +0@5 +1@5')
  assert.equal(session.answered({ code: 0, sessionId: 9 }), 'taken')
  assert.equal(shown(session, a, b), '9/1')
  session.answered({ code: 0, sessionId: 9 })
  assert.equal(shown(session, a, part(1, 8), c), '9/2 +1@8 +2@5')
  session.answered({ code: 0, sessionId: 9 })
  assert.equal(shown(session, c), '9/3 -0 -1')
  session.answered({ code: 0, sessionId: 9 })
  assert.equal(shown(session, a, { ...c, leaderEpoch: 1 }), '9/4 +0@5 +2@5')
  session.answered({ code: 0, sessionId: 9 })
  assert.equal(shown(session, a, { ...c, leaderEpoch: 1, lastEpoch: 1 }), '9/5 +2@5')
  session.answered({ code: 0, sessionId: 9 })
  assert.equal(shown(session, a, { ...c, bytesMax: 2 }), '9/6 +2@5')
})

test.each([
  [70, '0/0'],
  [71, '9/0'],
  [106, '9/0'],
])(
  'after a refusal (%i) everything is named, and a session that may be there is closed',
  (code, head) => {
    const session = new FetchSession()
    shown(session, part(0, 1))
    session.answered({ code: 0, sessionId: 9 })
    shown(session, part(0, 2), part(1, 1))
    assert.equal(session.answered({ code, sessionId: 0 }), 'refused')
    assert.equal(shown(session, part(0, 2), part(1, 1)), `${head} +0@2 +1@1`)
  },
)

test('after an answer that was lost everything is named', () => {
  const session = new FetchSession()
  shown(session, part(0, 1))
  session.answered({ code: 0, sessionId: 9 })
  shown(session, part(0, 2))
  session.lost()
  assert.equal(shown(session, part(0, 2)), '9/0 +0@2')
  assert.equal(session.answered({ code: 56, sessionId: 0 }), 'taken', 'no fault of the session')
  assert.equal(shown(session, part(0, 2)), '9/0 +0@2')
})

test('a broker without room for a session is asked for everything each time', () => {
  const session = new FetchSession()
  for (let i = 0; i < 3; i++) {
    assert.equal(shown(session, part(0, 1)), '0/0 +0@1')
    session.answered({ code: 0, sessionId: 0 })
  }
})
