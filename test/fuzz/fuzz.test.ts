import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { foundInputs } from './found.ts'
import { fuzzTargets } from './fuzz-targets.ts'
import { judge } from './judge.ts'
import { minimise } from './minimise.ts'
import { mutate } from './mutate.ts'
import { must, reading } from './target.ts'
import type { Target } from './target.ts'
import { loadTarget, targetNames } from './targets.ts'

/** For each target, at most: the deep run is a command of its own. */
const ms = 100
const executions = 1000

test('no reader of bytes from outside fails on broken inputs', { timeout: 120_000 }, async () => {
  const targets = await targetNames('')
  const { failures, reports } = await fuzzTargets({
    targets,
    seed: 1,
    ms,
    executions,
    isGuided: false,
    inputPath: '',
  })
  assert.deepEqual(failures, [])
  assert.deepEqual(
    reports.map(({ target }) => target),
    targets,
  )
  // A target that refuses all, its seeds too, tests nothing.
  for (const { target, loop } of reports) assert.ok(loop.taken > 0, target)
})

test.each(foundInputs)('$target: $was', async ({ target: name, base64 }) => {
  const target = await loadTarget(name)
  const subject = await target.open()
  try {
    const verdict = await judge(target, subject, Buffer.from(base64, 'base64'))
    assert.notEqual(verdict.kind, 'fault', JSON.stringify(verdict))
  } finally {
    await subject.close?.()
  }
})

function wrong(run: (bytes: Buffer) => void): Target {
  return { name: 'wrong', seeds: [], codes: [], open: reading(run) }
}

async function kindOf(target: Target, input: string): Promise<string> {
  const verdict = await judge(target, await target.open(), Buffer.from(input))
  return verdict.kind === 'fault' ? verdict.fault.sign : verdict.kind
}

test('what a reader must not do is a fault', async () => {
  const overflow = (): number => overflow() + 1
  assert.match(
    await kindOf(
      wrong((bytes) => bytes.readInt32BE(90)),
      '',
    ),
    /RangeError/,
  )
  assert.equal(await kindOf(wrong(overflow), 'x'), 'stack overflow')
  assert.match(
    await kindOf(
      wrong(() => must(false, () => 'no')),
      'x',
    ),
    /Broken/,
  )
  // So much that what is collected meanwhile does not hide it. It is never touched.
  const kept: Buffer[] = []
  assert.equal(
    await kindOf(
      wrong(() => void kept.push(Buffer.alloc(512 << 20))),
      'x',
    ),
    'allocation',
  )
  const until = (): void => {
    const began = process.threadCpuUsage()
    const usedMs = (): number => {
      const { user, system } = process.threadCpuUsage(began)
      return (user + system) / 1000
    }
    while (usedMs() < 60);
  }
  assert.equal(await kindOf({ ...wrong(until), cpuMsMax: 50 }, 'x'), 'slow')
  assert.equal(
    await kindOf(
      wrong(() => {}),
      'x',
    ),
    'taken',
  )
})

test('one seed gives the same inputs; none changes what it began with', () => {
  const corpus = [Buffer.from('{"a":[1,2,3]}'), Buffer.from('abcdefghijkl')]
  const materials = { corpus, dictionary: [Buffer.from('[')], bytesMax: 64 }
  const inputs = (seed: number): string[] => {
    const random = seededRandom(seed)
    const all = Array.from({ length: 300 }, () => mutate(corpus[0] as Buffer, random, materials))
    assert.ok(all.every(({ length }) => length <= 64))
    return all.map((bytes) => bytes.toString('hex'))
  }
  assert.deepEqual(inputs(3), inputs(3))
  assert.notDeepEqual(inputs(3), inputs(4))
  assert.ok(new Set(inputs(3)).size > 250)
  assert.equal(corpus.join(), '{"a":[1,2,3]},abcdefghijkl')
})

test('a failing input becomes as small as it can be', async () => {
  const isSame = async (bytes: Buffer): Promise<boolean> => /a.*b.*c/s.test(bytes.toString())
  const found = await minimise(Buffer.from('xx a yyyyyyyyy b zzzzzzzzzzzzz c'), isSame)
  expect(found.toString()).toBe('abc')
})
