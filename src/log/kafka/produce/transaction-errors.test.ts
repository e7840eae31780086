import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode, MillraceError } from '../../../core/error.ts'
import type { Appended } from '../../log.ts'
import type { MemberIdentity, Ownership, TransactionalProducer } from '../contracts.ts'
import { codeName } from '../wire/error-codes.ts'
import { createAtLeastOnceCommitter } from './at-least-once.ts'
import { appendOf, TestCluster, testOptions } from './test-cluster.ts'
import { errorOf, verdictOf, verdictRows } from './transaction-errors.ts'
import type { ProducerRequest, Verdict } from './transaction-errors.ts'
import { openTransactionalProducer } from './transactional-producer.ts'

/** Kafka's numbers; what is not named is given up (EndTxn commit: asked again). */
const table = `
InitProducerId         wait 14 51 7 | moved 15 16 | fenced 47 90 49 | refused 50 RIGHTS
InitProducerId held    poll 51 | wait 14 7 | moved 15 16 | fenced 47 90 49
AddPartitionsToTxn     poll 51 | wait 14 | moved 15 16 | topic 3 | fenced 47 90 49 | refused RIGHTS
Produce                LEADER | wait 51 14 15 16 | fenced 47 90 49 | refused BATCH RIGHTS
Produce alone          LEADER | renew 47 90 49 45 59 | unknown 46 | refused BATCH RIGHTS
AddOffsetsToTxn        poll 51 | wait 14 | moved 15 16 | fenced 47 90 49 | refused 24 RIGHTS
TxnOffsetCommit        poll 51 | OFFSETS | fenced 47 90 49
OffsetCommit           OFFSETS
EndTxn commit          poll 51 | wait 14 | fenced 47 90 49 48 | refused RIGHTS | abort 120
EndTxn commit again    poll 51 | wait 14 | unknown 47 90 49 48 120 RIGHTS
EndTxn abort           poll 51 | wait 14 7 | moved 15 16 | fenced 47 90 49 | done 48
DescribeTransactions   wait 14 | moved 15 16 | done 105 | refused RIGHTS
`
  .replaceAll('LEADER', 'wait 19 | unsure 7 13 20 | moved 5 6 8 9 56 74 75 | topic 3')
  .replaceAll(
    'OFFSETS',
    `wait 14 | unsure 7 | moved 15 16 | topic 3 | settle 22 25 27 113 110 69 |
     not-owned 82 | refused 12 24 RIGHTS`.replaceAll(/\s+/g, ' '),
  )
  .replaceAll('BATCH', '10 18 87 32 44 76 17')
  .replaceAll('RIGHTS', '29 30 31 53')

test('the table says what it should for every code', () => {
  for (const line of table.trim().split('\n')) {
    const request = line.slice(0, 23).trim() as ProducerRequest
    const rows = new Map<number, string>()
    for (const part of line.slice(23).split('|')) {
      const [verdict = '', ...codes] = part.trim().split(/\s+/)
      for (const code of codes) rows.set(Number(code), verdict)
    }
    const other = request.startsWith('EndTxn commit') ? 'unsure' : 'abort'
    for (let code = -1; code <= 133; code++) {
      const wanted = code === 0 ? 'done' : (rows.get(code) ?? other)
      assert.equal(verdictOf(request, code), wanted, `${request} ${codeName(code)}`)
    }
  }
  assert.equal(table.trim().split('\n').length, new Set(verdictRows().map(([one]) => one)).size)
})

/** What came of one commit that met a code. */
interface Seen {
  readonly cluster: TestCluster
  readonly producer: TransactionalProducer
  readonly error: unknown
  readonly settledCount: number
  /** Requests up to the end of the commit. */
  readonly names: readonly string[]
}

const kafkaName = (name: string): string => name.replace(/ (held|alone|commit.*|abort)$/, '')

/** Where the code must come for its row; what was lost before it. */
async function meet(request: ProducerRequest, code: number): Promise<Seen> {
  const cluster = new TestCluster()
  const common = { ...testOptions(cluster), patienceMs: 30_000 }
  const isAlone = request === 'Produce alone' || request === 'OffsetCommit'
  const producer = isAlone
    ? createAtLeastOnceCommitter(common)
    : await openTransactionalProducer({ ...common, transactionalId: 'x' })
  let settledCount = 0
  let member: MemberIdentity = { generation: 1, memberId: 'm', instanceId: 'i' }
  const ownership: Ownership = {
    identity: () => member,
    settled: () => {
      settledCount += 1
      member = { ...member, generation: member.generation + 1 }
      return Promise.resolve(member)
    },
  }
  const commit = (): Promise<readonly Appended[]> =>
    producer.commit({
      appends: [appendOf('t', 0, 'a', 'b'), appendOf('u', 1, 'c')],
      offsets: () => [
        { group: 'g', ownership, offsets: [{ topic: 't', partition: 3, offset: 5, metadata: '' }] },
      ],
    })
  if (request === 'InitProducerId held') {
    cluster.script.set('EndTxn', ['lost'])
    await commit()
  }
  if (request === 'EndTxn abort') {
    cluster.script.set('Produce', [10])
    cluster.script.set('EndTxn', [code])
  } else if (request === 'EndTxn commit again') cluster.script.set('EndTxn', ['lost', code])
  else cluster.script.set(request === 'InitProducerId held' ? request : kafkaName(request), [code])
  if (verdictOf(request, code) === 'fenced') {
    cluster.script.set('InitProducerId held', [90, 90])
  }
  cluster.sent.length = 0
  const error = await commit().then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return { cluster, producer, error, settledCount, names: cluster.names() }
}

const userCodes: readonly string[] = [
  'record-too-large',
  'not-authorised',
  'invalid-argument',
  'log-unsupported',
  'unknown-topic',
]

type Expect = (seen: Seen, request: ProducerRequest, code: number) => void

function again({ error, producer, names }: Seen, request: ProducerRequest): void {
  if (request === 'EndTxn abort') {
    assert.ok(isCode(error, 'record-too-large'))
    assert.equal(names.filter((name) => name === request).length, 2)
  } else {
    assert.equal(error, null)
    const name = request.replace(/ (alone|again)$/, '')
    assert.ok(names.filter((one) => one === name).length >= 2, `${name} again: ${names.join()}`)
  }
  assert.equal(producer.isDead, false)
}

const expectations: Record<Exclude<Verdict, 'done'>, Expect> = {
  poll: again,
  wait: again,
  unsure: again,
  topic: again,
  moved(seen, request) {
    again(seen, request)
    assert.ok(seen.cluster.forgotten.length > 0, 'the old place is forgotten')
  },
  settle(seen, request) {
    again(seen, request)
    assert.equal(seen.settledCount, 1)
    const generations = seen.cluster.sent.flatMap(({ name, request: sent }) =>
      name === request
        ? [(sent['generation'] ?? (sent['member'] as MemberIdentity).generation) as number]
        : [],
    )
    assert.deepEqual(generations, [1, 2])
  },
  renew(seen, request) {
    again(seen, request)
    assert.equal(seen.names.filter((name) => name === 'InitProducerId').length, 2)
  },
  fenced({ error, producer, names }, request) {
    if (request === 'EndTxn abort') assert.ok(isCode(error, 'record-too-large'))
    else {
      assert.ok(isCode(error, 'task-fenced'), String(error))
      assert.equal(error.outcome, 'not-applied')
      assert.ok(!names.includes('EndTxn abort'), 'what an heir has is left alone')
    }
    assert.equal(producer.isDead, true)
  },
  'not-owned'({ error, producer, names }, request) {
    assert.ok(isCode(error, 'task-fenced'))
    if (request === 'TxnOffsetCommit') assert.equal(names.at(-1), 'EndTxn abort')
    assert.equal(producer.isDead, true)
  },
  refused({ error, producer, names }, request) {
    assert.ok(error instanceof MillraceError)
    if (request === 'Produce alone' || request === 'OffsetCommit') {
      // Other records of the commit are written.
      assert.ok(isCode(error, 'commit-unknown'))
      return
    }
    assert.ok(userCodes.includes(error.code), error.message)
    assert.equal(error.outcome, 'not-applied')
    assert.equal(names.at(-1), 'EndTxn abort')
    assert.equal(producer.isDead, false)
  },
  abort({ error, producer, names }, request) {
    assert.ok(isCode(error, 'log-failed'), String(error))
    assert.equal(error.outcome, 'not-applied')
    if (request !== 'InitProducerId held') assert.equal(names.at(-1), 'EndTxn abort')
    assert.equal(producer.isDead, true)
  },
  unknown({ error, producer, names }, request) {
    if (request === 'Produce alone') {
      // At least once: sent again under a new id.
      assert.equal(error, null)
      return
    }
    assert.ok(isCode(error, 'commit-unknown'))
    assert.equal(error.outcome, 'unknown')
    assert.ok(!names.includes('EndTxn abort'), 'what may be committed is not aborted')
    assert.equal(producer.isDead, true)
  },
}

const opening: readonly ProducerRequest[] = ['InitProducerId', 'DescribeTransactions']

for (const [request, code, verdict] of verdictRows()) {
  if (opening.includes(request) || verdict === 'done') continue
  test(`${request}, ${codeName(code)}: ${verdict}`, async () => {
    expectations[verdict](await meet(request, code), request, code)
  })
}

/** Any code that the table does not name. */
for (const request of new Set(verdictRows().map(([one]) => one))) {
  if (opening.includes(request) || request.startsWith('EndTxn commit')) continue
  test(`${request}, CORRUPT_MESSAGE (2): abort`, async () => {
    const seen = await meet(request, 2)
    assert.equal(seen.producer.isDead, true)
    if (request === 'EndTxn abort') assert.ok(isCode(seen.error, 'record-too-large'))
    else if (request === 'Produce alone' || request === 'OffsetCommit') {
      assert.ok(seen.error instanceof MillraceError)
    } else assert.ok(isCode(seen.error, 'log-failed'))
  })
}

for (const [request, code, verdict] of verdictRows()) {
  if (request !== 'InitProducerId') continue
  test(`opening, ${codeName(code)}: ${verdict}`, async () => {
    const cluster = new TestCluster()
    cluster.script.set('InitProducerId', [code])
    const opening = openTransactionalProducer({ ...testOptions(cluster), transactionalId: 'x' })
    if (verdict === 'fenced') await assert.rejects(opening, (error) => isCode(error, 'task-fenced'))
    else if (verdict === 'refused') {
      const wanted = code === 50 ? 'invalid-argument' : 'not-authorised'
      await assert.rejects(opening, (error) => isCode(error, wanted))
    } else {
      assert.equal((await opening).isDead, false)
      assert.deepEqual(cluster.names(), ['InitProducerId', 'InitProducerId'])
      assert.equal(cluster.forgotten.length, verdict === 'moved' ? 1 : 0)
    }
  })
}

for (const [request, code, verdict] of verdictRows()) {
  if (request !== 'DescribeTransactions') continue
  test(`isFenced, ${codeName(code)}: ${verdict}`, async () => {
    const cluster = new TestCluster()
    cluster.script.set('DescribeTransactions', [code])
    const options = { ...testOptions(cluster), transactionalId: 'x' }
    const isFenced = (await openTransactionalProducer(options)).isFenced()
    if (verdict === 'refused') {
      await assert.rejects(isFenced, (error) => isCode(error, 'not-authorised'))
    } else assert.equal(await isFenced, false)
  })
}

test('every refusal that is the user’s has a code of its own and a hint', () => {
  for (const [request, code, verdict] of verdictRows()) {
    if (verdict !== 'refused') continue
    const error = errorOf({ request, code, by: 'x' })
    assert.equal(error.blame, 'user', `${request} ${codeName(code)}`)
    assert.match(error.message, new RegExp(`\\(${code}\\)`))
  }
})
