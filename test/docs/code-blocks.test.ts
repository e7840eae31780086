/** Every `ts` block of the documents and every `@example` of a doc comment compiles and runs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as door from '../../src/index.ts'
import * as msgpackDoor from '../../src/msgpack.ts'
import * as testingDoor from '../../src/testing.ts'
import { blocksOf, documents, examplesOf, readText, root, sources } from './blocks.ts'
import type { Block } from './blocks.ts'
import * as prelude from './prelude.ts'
import { programOf, runPrograms, typeErrors, writePrograms } from './programs.ts'
import type { Program, RunResult } from './programs.ts'

/** Examples that are type-checked only, and why. */
const notRun: Readonly<Record<string, string>> = {
  'src/core/error.ts': 'it throws, which is its point',
}

const givers: readonly (readonly [string, object])[] = [
  ['millrace', door],
  ['millrace/testing', testingDoor],
  ['millrace/msgpack', msgpackDoor],
  [join(root, 'test/docs/prelude.ts'), prelude],
]

/** Imports of the names that an example uses and does not declare. */
function importsFor({ text }: Block): string[] {
  const declared = new Set(
    [...text.matchAll(/\b(?:const|let|function) (\w+)/g)].map(([, name]) => name),
  )
  return givers.map(([from, module]) => {
    const names = Object.keys(module).filter(
      (name) => !declared.has(name) && new RegExp(`(?<![.\\w'])${name}\\b(?!:)`).test(text),
    )
    return `import { ${names.join(', ')} } from '${from}'`
  })
}

const inDocuments = documents()
  .flatMap((path) => blocksOf(path, readText(path)))
  .filter(({ language }) => language === 'ts')
const inComments = sources().flatMap((path) => examplesOf(path, readText(path)))
const programs: readonly Program[] = [
  ...inDocuments.map((block, i) => programOf(block, i)),
  ...inComments.map((block, i) => programOf(block, i, importsFor(block))),
]
const runnable = programs.filter(({ block }) => notRun[block.path] === undefined)

let folder: string
let errors: Map<Program, string[]>
let result: RunResult

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-docs-'))
  writePrograms(folder, programs)
  errors = typeErrors(folder, programs)
  result = runPrograms(folder, runnable)
}, 90_000)

afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

test('there are blocks, examples and comparisons', () => {
  expect(inDocuments.length).toBeGreaterThanOrEqual(4)
  expect(inComments.length).toBeGreaterThanOrEqual(30)
  expect(result.checks).toBeGreaterThanOrEqual(4)
  const files = inComments.map(({ path }) => path)
  expect(Object.keys(notRun).filter((path) => !files.includes(path))).toEqual([])
})

test.for(programs.map((program) => [program.place, program] as const))('%s', ([, program]) => {
  expect(errors.get(program) ?? []).toEqual([])
  expect(result.failures[program.file] ?? '').toBe('')
})

test('a block that does not compile, or compares wrongly, is noticed', () => {
  const block = (line: number, text: string): Block => ({
    path: 'sample.md',
    line,
    language: 'ts',
    text,
    directive: '',
    section: '',
  })
  const wrong = [
    programOf(block(7, 'const a = 1\nconst b: string = a'), 0),
    programOf(block(20, '1 + 1 // => 3'), 1),
    programOf(block(30, 'const two = 2 // => 2'), 2),
    programOf(block(40, "throw new Error('on purpose')"), 3),
  ]
  const there = mkdtempSync(join(tmpdir(), 'millrace-docs-wrong-'))
  try {
    writePrograms(there, wrong)
    const found = typeErrors(there, wrong)
    expect([...found.values()].flat()).toEqual([
      expect.stringContaining('sample.md:8: error TS2322'),
    ])
    const { failures, checks } = runPrograms(there, wrong)
    expect(Object.keys(failures)).toEqual([wrong[1]?.file, wrong[3]?.file])
    expect(failures[wrong[1]?.file ?? '']).toContain('line 20:')
    expect(checks).toBe(2)
  } finally {
    rmSync(there, { recursive: true, force: true })
  }
}, 60_000)
