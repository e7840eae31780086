/**
 * Tests of the checks: each small tree breaks one rule and must be refused, with the place and a
 * remedy.
 */
import { describe, expect, test } from 'vitest'
import { mismatch } from '../../scripts/install.mjs'
import { summaryText, tally } from '../reporter.ts'
import * as bans from './bans.ts'
import * as imports from './imports.ts'
import * as promises from './promises.ts'
import { scan } from './scan.ts'
import * as sizes from './sizes.ts'
import { report, treeOf } from './tree.ts'
import type { Tree, Violation } from './tree.ts'

type Files = Record<string, string>
type Check = (tree: Tree) => Violation[]

/** What the check says about the files, one line each. */
function said(check: Check, files: Files): string {
  return report(check(treeOf(files)))
}

/** Title → the check, the files, and what the report must hold; an empty text = accepted. */
const cases: Record<string, [Check, Files, string]> = {
  'an import against the direction': [
    imports.checkImports,
    { 'src/core/a.ts': "\nimport { b } from '../engine/b.ts'\n", 'src/engine/b.ts': '' },
    'src/core/a.ts:2  core may not import engine/b.ts',
  ],
  'a type import against the direction': [
    imports.checkImports,
    { 'src/log/a.ts': "import type { B } from '../pipeline/b.ts'", 'src/pipeline/b.ts': '' },
    'src/log/a.ts:1  log may not import pipeline/b.ts',
  ],
  'an import over several lines against the direction': [
    imports.checkImports,
    { 'src/core/a.ts': "import {\n  b,\n  type C,\n} from '../log/b.ts'", 'src/log/b.ts': '' },
    'src/core/a.ts:4  core may not import log/b.ts',
  ],
  'a re-export against the direction': [
    imports.checkImports,
    { 'src/core/a.ts': "export { b } from '../log/b.ts'", 'src/log/b.ts': '' },
    'core may not import log/b.ts',
  ],
  'a dynamic import against the direction': [
    imports.checkImports,
    { 'src/engine/a.ts': "const b = await import('../cli/b.ts')", 'src/cli/b.ts': '' },
    'engine may not import cli/b.ts',
  ],
  'a worker started against the direction': [
    imports.checkImports,
    {
      'src/log/a.ts': "new Worker(new URL('../cli/b.ts', import.meta.url))",
      'src/cli/b.ts': '',
    },
    'log may not import cli/b.ts',
  ],
  'the engine on a log implementation': [
    imports.checkImports,
    { 'src/engine/a.ts': "import '../log/memory/b.ts'", 'src/log/memory/b.ts': '' },
    'engine may not import log/memory/b.ts',
  ],
  'the engine on the log contract': [
    imports.checkImports,
    { 'src/engine/a.ts': "import '../log/log.ts'", 'src/log/log.ts': '' },
    '',
  ],
  'one log on another': [
    imports.checkImports,
    { 'src/log/memory/a.ts': "import '../embedded/b.ts'", 'src/log/embedded/b.ts': '' },
    'log/memory may not import its sibling log/embedded',
  ],
  'an import of a door': [
    imports.checkImports,
    { 'src/engine/a.ts': "import '../index.ts'", 'src/index.ts': '' },
    'nobody inside imports a door',
  ],
  'a bundled example on the door': [
    imports.checkImports,
    { 'src/examples/a.ts': "import '../index.ts'", 'src/index.ts': '' },
    '',
  ],
  'a door on a door': [
    imports.checkImports,
    { 'src/testing.ts': "import './index.ts'", 'src/index.ts': '' },
    'nobody inside imports a door',
  ],
  'an import of its own package': [
    imports.checkImports,
    { 'src/cli/a.ts': "import { run } from 'millrace'" },
    'imports its own door millrace',
  ],
  'an import of a test': [
    imports.checkImports,
    { 'src/core/a.test.ts': "import './b.test.ts'", 'src/core/b.test.ts': '' },
    'imports the test ./b.test.ts',
  ],
  'an import of what is not published': [
    imports.checkImports,
    { 'src/cli/a.ts': "import '../../examples/b.ts'", 'examples/b.ts': '' },
    'from outside src/',
  ],
  'an import of a file that is not there': [
    imports.checkImports,
    { 'src/core/a.ts': "import './b.js'", 'src/core/b.ts': '' },
    'imports ./b.js, which does not exist',
  ],
  'an import from a folder without a row in the table': [
    imports.checkImports,
    { 'src/extra/a.ts': "import '../core/b.ts'", 'src/core/b.ts': '' },
    'src/extra/, which is not in the import table',
  ],
  'I/O in core': [
    imports.checkImports,
    { 'src/core/a.ts': "import { readFileSync } from 'node:fs'" },
    'core does no I/O',
  ],
  'a package away from its home': [
    imports.checkImports,
    { 'src/engine/a.ts': "import { Packr } from 'msgpackr'" },
    'imports the package msgpackr, which only',
  ],
  'a package nobody decided on': [
    imports.checkImports,
    { 'src/engine/a.ts': "import x from '@scope/left-pad/x.js'" },
    'imports the package @scope/left-pad, which has no home',
  ],
  'an import in a comment or a text': [
    imports.checkImports,
    { 'src/core/a.ts': "// import '../cli/b.ts'\nconst s = \"import '../cli/b.ts'\"" },
    '',
  ],
  'a circle': [
    imports.checkCircles,
    {
      'src/core/a.ts': "import './b.ts'",
      'src/core/b.ts': "import './c.ts'",
      'src/core/c.ts': "import './a.ts'",
    },
    'src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts',
  ],
  'two ways to one file, which is no circle': [
    imports.checkCircles,
    {
      'src/core/a.ts': "import './b.ts'\nimport './c.ts'",
      'src/core/b.ts': "import './c.ts'",
      'src/core/c.ts': '',
    },
    '',
  ],
  'an index file in a folder': [
    imports.checkFileNames,
    { 'src/core/index.ts': '', 'src/index.ts': '' },
    'src/core/index.ts:1  is an index file',
  ],
  'a folder named utils': [
    imports.checkFileNames,
    { 'src/core/utils/a.ts': '' },
    "'utils' says nothing",
  ],
  'a door without a source': [
    imports.checkDoors,
    { 'package.json': '{"exports":{"./x":{}}}' },
    'src/x.ts does not exist',
  ],
  'a door that gives everything': [
    imports.checkDoors,
    { 'package.json': '{"exports":{".":{}}}', 'src/index.ts': "export * from './core/a.ts'" },
    'src/index.ts:1  uses export *',
  ],
  'a file that is too long': [
    (tree) => sizes.checkSizes(tree, {}),
    { 'src/core/a.ts': 'let a\n'.repeat(301) },
    'src/core/a.ts:1  has 301 lines of code',
  ],
  'a file that is long by comments and blank lines only': [
    (tree) => sizes.checkSizes(tree, {}),
    { 'src/core/a.ts': 'let a\n\n// why\n/* and\nhow */\n'.repeat(200) },
    '',
  ],
  'a test file that is too long': [
    (tree) => sizes.checkSizes(tree, {}),
    { 'src/core/a.test.ts': 'let a\n'.repeat(501) },
    'has 501 lines of code, more than 500',
  ],
  'a function that is too long': [
    (tree) => sizes.checkSizes(tree, {}),
    { 'src/core/a.ts': `\nfunction f(): { a: 1 } {\n${'a()\n'.repeat(59)}}` },
    'src/core/a.ts:2  f has 61 lines',
  ],
  'an allowance that is too high': [
    (tree) => sizes.checkSizes(tree, { 'src/core/a.ts': 320 }),
    { 'src/core/a.ts': 'let a\n'.repeat(312) },
    'src/core/a.ts: lower it to 312',
  ],
  'an allowance that is no longer needed': [
    (tree) => sizes.checkSizes(tree, { 'src/core/a.ts': 320 }),
    { 'src/core/a.ts': 'let a\n' },
    'which is within 300 now: remove it',
  ],
  'an allowance for nothing': [
    (tree) => sizes.checkSizes(tree, { 'src/core/b.ts': 320 }),
    { 'src/core/a.ts': '' },
    'src/core/b.ts, which does not exist',
  ],
  'more than the allowance': [
    (tree) => sizes.checkSizes(tree, { 'src/core/a.ts': 310 }),
    { 'src/core/a.ts': 'let a\n'.repeat(311) },
    '(310 are allowed by allowances.json)',
  ],
  'a size that is allowed exactly': [
    (tree) => sizes.checkSizes(tree, { 'src/core/a.ts': 311 }),
    { 'src/core/a.ts': 'let a\n'.repeat(311) },
    '',
  ],
  'a line that is too wide': [
    sizes.checkColumns,
    { 'src/core/a.ts': `\n${'x'.repeat(101)}` },
    'src/core/a.ts:2  has 101 columns',
  ],
  'the clock inside the engine': [
    bans.checkBannedCalls,
    { 'src/engine/a.ts': '\nconst now = Date.now()' },
    'src/engine/a.ts:2  Date.now: take a Clock',
  ],
  'the date of today': [
    bans.checkBannedCalls,
    { 'src/engine/a.ts': 'const a = new Date()\nconst b = new Date(0)' },
    'src/engine/a.ts:1  new Date(): take a Clock',
  ],
  'a date of something else': [
    bans.checkBannedCalls,
    { 'src/engine/a.ts': 'const b: Date = new Date(clock.now())' },
    '',
  ],
  'a timer, chance, the environment and the console': [
    bans.checkBannedCalls,
    {
      'src/engine/a.ts': [
        'setTimeout(f, 1)',
        'Math.random()',
        'process.env.A',
        'console.log()',
        'performance.now()',
        'randomUUID()',
      ].join('\n'),
    },
    [
      'src/engine/a.ts:5  performance: take a Clock and ask monotonic()',
      'src/engine/a.ts:2  Math.random: take a Random of core/random.ts',
      'src/engine/a.ts:6  randomUUID: take a Random of core/random.ts',
      'src/engine/a.ts:1  setTimeout: take a Clock and call after()',
      'src/engine/a.ts:3  process.env: take it as an option; only host/ and cli/ read it',
      'src/engine/a.ts:4  console.: return it, or write to the stream handed in',
    ].join('\n'),
  ],
  'the clock where it belongs, and in a comment': [
    bans.checkBannedCalls,
    {
      'src/core/clock.ts': 'Date.now()',
      'src/engine/a.ts': "// Date.now()\nconst s = 'Date.now()'",
    },
    '',
  ],
  'any in four places': [
    bans.checkTypesKept,
    { 'src/core/a.ts': 'let a: any\nlet b = x as any\nlet c: Map<string, any>\nlet d: any[]' },
    'src/core/a.ts:4  any switches the type checker off',
  ],
  'the word any elsewhere': [
    bans.checkTypesKept,
    { 'src/core/a.ts': '// any\nconst any = 1\nconst t = { any: 1, many: [] }\nPromise.any(x)' },
    '',
  ],
  'an ignored type error': [
    bans.checkTypesKept,
    { 'src/core/a.ts': '// @ts-ignore\n' },
    'src/core/a.ts:1  @ts-ignore hides an error',
  ],
  'an expected type error in a test': [
    bans.checkTypesKept,
    { 'test/types/a.test.ts': '// @ts-expect-error a number is no key\n' },
    '',
  ],
  'an expected type error in the sources': [
    bans.checkTypesKept,
    { 'src/core/a.ts': '// @ts-expect-error later\n' },
    '@ts-expect-error hides an error',
  ],
  'work left for nobody': [
    bans.checkLeftovers,
    { 'src/core/a.ts': '// TODO(#3) fine\n// TODO later\n' },
    'src/core/a.ts:2  TODO without a number',
  ],
  'a test that runs alone': [
    bans.checkLeftovers,
    { 'src/core/a.test.ts': "test.only('a', f)" },
    '.only leaves every other test out',
  ],
  'a name with a synonym': [
    bans.checkNames,
    { 'src/core/a.ts': '\nexport interface InputMessages {}' },
    "src/core/a.ts:2  InputMessages: 'message' is 'record' here",
  ],
  'a synonym exported under another name': [
    bans.checkNames,
    { 'src/core/a.ts': 'export { a as checkpointEvery }' },
    "'checkpoint' is 'commit' here",
  ],
  'a synonym that stays inside': [
    bans.checkNames,
    { 'src/core/a.ts': 'const message = 1\nexport const job2 = message' },
    "job2: 'job' is 'pipeline' here",
  ],
  'a path of one machine': [
    bans.checkMachines,
    { 'docs/a.md': `\nsee ${'/home'}/someone/file` },
    'docs/a.md:2  ',
  ],
  'a registry host': [
    bans.checkMachines,
    { 'package-lock.json': `"resolved": "https://registry.${'npmjs'}.org/x/-/x.tgz"` },
    'a registry host',
  ],
  'a registry on the network at hand': [
    bans.checkMachines,
    { 'package-lock.json': `"resolved": "http://cache:4873/x/-/x-1.0.0.${'tgz'}"` },
    'a registry host',
  ],
  'an invariant without a test': [
    promises.checkInvariants,
    {
      'src/log/a.test.ts': promises.invariants
        .filter((id) => id !== 'L6' && id !== 'L7')
        .map((id) => `test('${id} L7 hold', f)`)
        .join('\n'),
    },
    "src:1  invariant L6 has no test: start a test's title with 'L6 '",
  ],
  'a title that only mentions an invariant': [
    promises.checkInvariants,
    { 'src/log/a.test.ts': "test('as L1 says', f)\ntest('L10 x', f)" },
    'invariant L1 has no test',
  ],
  'no glossary': [promises.checkGlossary, {}, 'docs/glossary.md:1  does not exist'],
  'a word defined twice': [
    promises.checkGlossary,
    { 'docs/glossary.md': '- **record** one\n- **record** two\n' },
    "defines 'record' 2 times",
  ],
}

describe('a check', () => {
  test.for(Object.entries(cases))('refuses or accepts: %s', ([, [check, files, expected]]) => {
    if (expected === '') expect(said(check, files)).toBe('')
    else expect(said(check, files)).toContain(expected)
  })
})

describe('the error check', () => {
  const table =
    "export const errorTable = {\n  'disk-full': { a: 1 },\n  'log-closed': { a: 1 },\n}"
  const thrower = "throw new MillraceError('disk-full', 'x')\nfail('log-closed')"
  const files = { 'src/core/error.ts': table, 'src/log/a.ts': thrower }

  test('refuses a code that no test asserts', () => {
    const all = { ...files, 'src/log/a.test.ts': "codeIs('disk-full')" }
    const check: Check = (tree) => promises.checkErrors(tree, {})
    expect(said(check, all)).toBe("src/core/error.ts:3  'log-closed' is never asserted in a test")
  })

  test('refuses a code that nothing throws, and a gap that has closed', () => {
    const all = {
      'src/core/error.ts': table,
      'src/log/a.ts': "fail('log-closed')",
      'src/log/a.test.ts': "['disk-full', 'log-closed']",
    }
    const check: Check = (tree) =>
      promises.checkErrors(tree, { 'log-closed': { thrown: 'no' }, 'no-such': {} })
    expect(said(check, all).split('\n')).toEqual([
      "src/core/error.ts:2  'disk-full' is never thrown in src/",
      "src/core/error.ts:3  'log-closed' is thrown in src/ now: remove its line in errorGaps",
      "src/core/error.ts:1  errorGaps names 'no-such', which is no error code: remove it",
    ])
  })
})

describe('the reader of code', () => {
  test('keeps code and blanks comments, texts, templates and regular expressions', () => {
    const text = "a(`x${b('}')}y`) // c\nconst r = /['\"`/]/g.test('d') / 2 /* e */ + `f`"
    const { code, strings } = scan(text)
    expect(code).toBe("a(` ${b(' ')} `)     \nconst r = /      /g.test(' ') / 2         + ` `")
    expect(strings.map(({ line, value }) => `${line}:${value}`)).toEqual([
      '1:}',
      "1:x${b('}')}y",
      '2:d',
      '2:f',
    ])
  })

  test('finds functions, methods and arrows, and nothing else', () => {
    const code = [
      'export function plain(a: (b: number) => void): Map<string, () => void> {',
      '}',
      'const arrow = async (a: string): Promise<{ b: 1 }> => {',
      '}',
      'class C { #private(): void {',
      '} }',
      'if (a) {',
      '}',
      'const o = f(x) ? { a: 1 } : (b)',
      'interface I { m(a: string): void',
      ' n: { a: 1 } }',
      'list.map((x) => {',
      '})',
    ].join('\n')
    const names = sizes
      .functionsOf({ code })
      .map(({ name, line, size }) => `${name}:${line}:${size}`)
    expect(names.sort()).toEqual(['#private:5:2', '(callback):12:2', 'arrow:3:2', 'plain:1:2'])
  })
})

describe('set-up', () => {
  const here = { os: 'linux', cpu: 'x64' }
  const locked = {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/mac': { version: '1.0.0', os: ['darwin'], optional: true },
    'node_modules/not-linux': { version: '1.0.0', os: '!linux', optional: true },
    'node_modules/wasm': { version: '1.0.0', optional: true },
    'node_modules/a/node_modules/@s/b': {
      version: '2.0.0',
      optional: true,
      os: ['linux'],
      cpu: ['x64'],
    },
  }
  const installed = {
    'node_modules/a': { version: '1.0.0' },
    'node_modules/a/node_modules/@s/b': { version: '2.0.0' },
  }

  test('accepts what fits this system', () => {
    expect(mismatch(locked, installed, here, false)).toBeUndefined()
  })

  test('says what is missing or of another version', () => {
    expect(mismatch(locked, {}, here, false)).toBe('a 1.0.0 is missing')
    const older = { ...installed, 'node_modules/a': { version: '0.9.0' } }
    expect(mismatch(locked, older, here, true)).toBe('a is 0.9.0 and should be 1.0.0')
  })

  test('does not ask again for what cannot be installed here', () => {
    const without = { 'node_modules/a': { version: '1.0.0' } }
    expect(mismatch(locked, without, here, false)).toBe('@s/b 2.0.0 is missing')
    expect(mismatch(locked, without, here, true)).toBeUndefined()
  })
})

describe('the last line of a run', () => {
  const test1 = (state: string, note?: string): object => ({
    fullName: `t ${state}`,
    result: () => ({ state, note }),
  })
  const module = (state: string, ...tests: object[]): never =>
    ({
      moduleId: 'root/a.test.ts',
      state: () => state,
      children: { allTests: () => tests },
    }) as never

  test('counts, and gives the reason of a skip', () => {
    const skipped = test1('skipped', 'no broker')
    const modules = [module('failed', test1('passed'), test1('failed'), skipped)]
    expect(summaryText(tally(modules, 0, 'root'))).toBe(
      'skipped  a.test.ts: t skipped: no broker\n1 passed, 1 failed, 1 skipped\n',
    )
  })

  test('counts a file that did not load, and an error nobody caught', () => {
    expect(summaryText(tally([module('failed')], 1, 'root'))).toBe('0 passed, 2 failed\n')
  })
})
