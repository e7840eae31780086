/**
 * The package as a user gets it: packed, installed in an empty folder, run, imported, type-checked.
 * Packs a copy of the tree, because packing replaces dist/, which the other tests use meanwhile.
 */
import { spawn, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const notOurs = new Set(['node_modules', 'dist', '.git', '.millrace', 'coverage'])

let folder: string
let installed: string
let packedFiles: string[]

interface Manifest {
  version: string
  exports: Record<string, unknown>
  dependencies: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const readManifest = (path: string): Manifest =>
  JSON.parse(fs.readFileSync(join(path, 'package.json'), 'utf8')) as Manifest
const manifest = readManifest(root)
const doors = Object.keys(manifest.exports)
  .filter((name) => name !== './package.json')
  .map((name) => `millrace${name.slice(1)}`)

/** Runs a program in the user's folder; fails with all it said. */
function run(program: string, args: string[], cwd = folder): string {
  const { PATH, ...others } = process.env
  // npm hands its settings to what it starts; a user's shell has none of them.
  const env = Object.fromEntries(
    Object.entries(others).filter(
      ([name]) => !/^npm_(?!config_)|^NODE_OPTIONS$|^VITEST/.test(name),
    ),
  )
  const path = `${dirname(process.execPath)}:${PATH}`
  const result = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { ...env, PATH: path },
    timeout: 120_000,
  })
  if (result.status !== 0) {
    const said = `${result.stdout}${result.stderr}${result.error?.message ?? ''}`
    throw new Error(`${program} ${args.join(' ')} exited with ${result.status}:\n${said}`)
  }
  return result.stdout
}

function write(name: string, text: string): void {
  fs.writeFileSync(join(folder, name), text)
}

beforeAll(() => {
  const temp = fs.mkdtempSync(join(tmpdir(), 'millrace-package-'))
  const copy = join(temp, 'tree')
  folder = join(temp, 'user')
  fs.cpSync(root, copy, {
    recursive: true,
    filter: (source) => !notOurs.has(basename(source)) || source === root,
  })
  fs.symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  fs.mkdirSync(folder)
  const said = run('npm', ['pack', '--json', '--pack-destination', temp], copy)
  // The build's own output stands before the report.
  const report = JSON.parse(said.slice(said.search(/^[[{]$/m))) as unknown
  const [packed] = Object.values(report as object) as [
    { filename: string; files: { path: string }[] },
  ]
  packedFiles = packed.files.map(({ path }) => path)
  write('package.json', '{ "name": "user", "private": true, "type": "module" }')
  const tarball = join(temp, packed.filename)
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball])
  installed = join(folder, 'node_modules', 'millrace')
  // As whoever uses these doors has installed them.
  for (const name of ['avsc', '@bufbuild', '@platformatic', 'mqtt', 'pg']) {
    fs.symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
}, 180_000)

afterAll(() => {
  if (folder !== undefined) fs.rmSync(dirname(folder), { recursive: true, force: true })
})

test('holds what is run and read, and nothing else', () => {
  const strange = packedFiles.filter(
    (path) =>
      !/^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/millrace\.js)$/.test(path) &&
      !/^dist\/.*\.(?:js|js\.map|d\.ts|html|css|svg)$/.test(path),
  )
  expect(strange).toEqual([])
  expect(packedFiles.filter((path) => /\.test\.|\.sim\./.test(path))).toEqual([])
  const needed = ['README.md', 'LICENSE', 'CHANGELOG.md', 'bin/millrace.js', 'dist/cli/main.js']
  expect(packedFiles).toEqual(expect.arrayContaining(needed))
})

test('brings its dependencies and no second Node', () => {
  const { dependencies, optionalDependencies } = readManifest(installed)
  expect(dependencies).toEqual(manifest.dependencies)
  expect(optionalDependencies).toBeUndefined()
  expect(
    fs.readdirSync(join(folder, 'node_modules')).filter((name) => name.startsWith('node-linux')),
  ).toEqual([])
})

test('npx millrace --version and --help', () => {
  expect(run('npx', ['--no-install', 'millrace', '--version']).trim()).toBe(manifest.version)
  expect(run('npx', ['--no-install', 'millrace', '--help'])).toContain('millrace')
})

test('every door opens from JavaScript', () => {
  const lines = doors.map((name) => `print('${name}', await import('${name}'))`)
  const print = 'const print = (name, door) => console.log(name, Object.keys(door).length > 0)'
  write('doors.js', [print, ...lines].join('\n'))
  expect(run('node', ['doors.js']).trim().split('\n')).toEqual(doors.map((name) => `${name} true`))
})

test.for(['millrace', 'millrace/testing'])('%s loads no other package', (name) => {
  write(
    'loaded.js',
    `import { registerHooks } from 'node:module'
     const loaded = []
     registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
     await import('${name}')
     console.log(JSON.stringify(loaded))`,
  )
  const loaded = JSON.parse(run('node', ['loaded.js'])) as string[]
  const strange = loaded
    .filter((url) => !url.startsWith('node:'))
    .map((url) => relative(folder, fileURLToPath(url)))
    .filter((path) => !path.startsWith('node_modules/millrace/dist/'))
  expect(strange).toEqual([])
  expect(loaded.some((url) => url.endsWith('/dist/core/error.js'))).toBe(true)
})

/** Doors whose types are Millrace's own: those of other packages are not checked here. */
const plainDoors = doors.filter((name) => !/\/(?:avro|kafka|mqtt|postgres|protobuf)$/.test(name))

test('a TypeScript program checks against the published types', () => {
  const imports = plainDoors.map((name, index) => `import * as door${index} from '${name}'`)
  const uses = plainDoors.map((_, index) => `console.log(Object.keys(door${index}))`)
  write(
    'program.ts',
    [
      ...imports,
      "import { topic } from 'millrace'",
      '// @ts-expect-error a topic has a name: the types are there, and are not any',
      'topic()',
      ...uses,
    ].join('\n'),
  )
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  }
  write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['program.ts'] }))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  expect(run(process.execPath, [tsc, '-p', '.'])).toBe('')
}, 60_000)

/** For `node --test`: what docs/testing.md shows, in a runner that gives nothing by itself. */
const runnerTest = `
import assert from 'node:assert'
import { test } from 'node:test'
import { count, from, json, topic, tumbling } from 'millrace'
import { arbitrary, disorder, inputOf, simulate, testPipeline } from 'millrace/testing'

const clicks = topic('clicks', {
  codec: json(), key: (click) => click.user, time: (click) => click.at, outOfOrder: '1s',
})
const counts = from(clicks).window(tumbling('10s')).aggregate({ n: count() }).to(topic('counts'))
const isThere = await import('fast-check').then(() => true, () => false)
const values = Array.from({ length: 40 }, (_, i) => ({ user: 'u' + (i % 3), at: i * 700 }))

test('driven', () => {
  const run = testPipeline(counts)
  for (const value of values) run.push(clicks, value)
  assert.equal(run.outputs('counts').length, 6)
})
test('simulated', async () => {
  const input = disorder(inputOf(clicks, values), '1s')
  assert.equal((await simulate(counts, { input, seeds: 10 })).runs, 10)
})
test('generated', { skip: !isThere }, async () => {
  const { default: fc } = await import('fast-check')
  const users = arbitrary({ type: 'string', minLength: 2, maxLength: 3 })
  fc.assert(fc.property(fc.array(users), (all) => all.every((user) => user.length >= 2)))
})
test('without fast-check', { skip: isThere }, () => {
  assert.throws(() => arbitrary({ type: 'string' }), { code: 'missing-dependency' })
})
`

test('millrace/testing under node:test, without fast-check and with it', () => {
  write('clicks.test.js', runnerTest)
  const asked = ['--test', 'clicks.test.js']
  expect(run('node', asked)).toMatch(/pass 3\n.*fail 0\n/s)
  const fastCheck = join(folder, 'node_modules', 'fast-check')
  fs.symlinkSync(join(root, 'node_modules', 'fast-check'), fastCheck)
  expect(run('node', asked)).toMatch(/pass 3\n.*fail 0\n/s)
})

test('publint finds nothing to improve', async () => {
  const { messages } = await publint({ pkgDir: installed, pack: false, strict: true })
  expect(messages.map(({ code, path }) => `${code} at ${path.join('.')}`)).toEqual([])
})

test('the page is in it, and says nothing of where it was built', async () => {
  const page = packedFiles.filter((path) => path.startsWith('dist/dashboard/'))
  expect(page).toContain('dist/dashboard/index.html')
  for (const path of page) {
    const text = fs.readFileSync(join(installed, path), 'utf8')
    expect(text, path).not.toMatch(/fileName:|\/dashboard\/src|\.tsx/)
    expect(text.includes(tmpdir()), path).toBe(false)
  }
  const address = '127.0.0.1:0'
  const bin = join(installed, 'bin', 'millrace.js')
  const serving = spawn(process.execPath, [bin, 'serve', '--ui', '--http', address], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  try {
    let said = ''
    for await (const piece of serving.stderr) {
      said += String(piece)
      if (/on http:\S+/.test(said)) break
    }
    const url = /on (http:\S+)/.exec(said)?.[1] ?? said
    expect(await (await fetch(url)).text()).toContain('<title>Millrace</title>')
  } finally {
    serving.kill('SIGKILL')
  }
})

test('every source map leads to its source', () => {
  const built = packedFiles.filter((path) => /^dist\/(?!dashboard\/).*\.js$/.test(path))
  expect(built.length).toBeGreaterThan(20)
  for (const path of built) {
    const text = fs.readFileSync(join(installed, path), 'utf8')
    expect(text, path).toContain(`//# sourceMappingURL=${basename(path)}.map`)
    const map = JSON.parse(fs.readFileSync(join(installed, `${path}.map`), 'utf8')) as {
      sources: string[]
      sourcesContent?: string[]
    }
    expect(map.sources.map((source) => basename(source))).toEqual([
      basename(path).replace(/\.js$/, '.ts'),
    ])
    const source = fs.readFileSync(join(root, 'src', path.slice(5).replace(/\.js$/, '.ts')), 'utf8')
    expect(map.sourcesContent, path).toEqual([source])
  }
})
