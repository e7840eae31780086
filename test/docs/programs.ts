/**
 * Blocks of TypeScript as files that are type-checked together and run one after the other.
 *
 * A line that ends with `// => value` is compared: `test.outputs(hot) // => []`. What stands before
 * the arrow is an expression or `const name = expression`; the value is an expression, too.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './blocks.ts'
import type { Block } from './blocks.ts'

export interface Program {
  /** `README.md:30`. */
  readonly place: string
  /** Name of its file in the folder. */
  readonly file: string
  readonly block: Block
  /** Lines of `code` before the block's first. */
  readonly headLines: number
  readonly code: string
}

/** @param head put on top: imports that the block leaves out */
export function programOf(block: Block, index: number, head: readonly string[] = []): Program {
  const top = ["import { check } from './check.ts'", ...head]
  const body = block.text.split('\n').map((line, i) => compared(line, block.line + i))
  const place = `${block.path}:${block.line}`
  const file = `${block.path.replaceAll(/[^a-zA-Z0-9]+/g, '-')}-${index}.ts`
  const code = [...top, ...body, 'export {}', 'void check', ''].join('\n')
  return { place, file, block, headLines: top.length, code }
}

function compared(line: string, number: number): string {
  const found = /^(\s*)(.*?)\s*\/\/ => (.+)$/.exec(line)
  if (found === null) return line
  const [, indent = '', left = '', value = ''] = found
  const constant = /^const (\w+) = /.exec(left)
  if (constant !== null) return `${indent}${left}; check(${number}, ${constant[1]}, ${value})`
  return `${indent}check(${number}, ${left}, ${value})`
}

const checkFile = `import { deepStrictEqual } from 'node:assert'
export let checks = 0
/** @param line of the page */
export function check(line: number, actual: unknown, expected: unknown): void {
  checks += 1
  try {
    deepStrictEqual(actual, expected)
  } catch (error) {
    throw new Error('line ' + line + ': ' + (error as Error).message)
  }
}
`

/** Imports each file; `await` at its top has a limit. Topics that examples read are made before. */
const runFile = `import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
const [root, ...files] = process.argv.slice(2)
registerHooks({
  resolve: (specifier, context, next) => {
    const door = /^millrace(?:\\/(\\w+))?$/.exec(specifier)
    if (door === null) return next(specifier, context)
    const path = join(root as string, 'src', (door[1] ?? 'index') + '.ts')
    return { url: pathToFileURL(path).href, shortCircuit: true }
  },
})
const door = 'millrace'
const { openLog } = await import(door)
const log = await openLog({})
await log.createTopic('words')
await log.close()
const failures: Record<string, string> = {}
for (const file of files) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error('did not end within 10 s')), 10_000).unref()
  })
  try {
    await Promise.race([import(pathToFileURL(join(process.cwd(), file)).href), late])
  } catch (error) {
    failures[file] = String((error as Error).stack ?? error)
  }
}
const { checks } = await import(pathToFileURL(join(process.cwd(), 'check.ts')).href)
process.stdout.write('\\n' + JSON.stringify({ failures, checks }) + '\\n')
process.exit(0)
`

/** Writes the programs into a folder, with what they need around them. */
export function writePrograms(folder: string, programs: readonly Program[]): void {
  mkdirSync(folder, { recursive: true })
  const modules = join(folder, 'node_modules')
  if (!existsSync(modules)) symlinkSync(join(root, 'node_modules'), modules)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  writeFileSync(join(folder, 'check.ts'), checkFile)
  writeFileSync(join(folder, 'run.ts'), runFile)
  for (const { file, code, block } of programs) {
    writeFileSync(join(folder, file), code)
    // Under the name that the page gives it, so that other blocks can import it.
    const name = /^file (\S+\.ts)$/.exec(block.directive)?.[1]
    if (name !== undefined) writeFileSync(join(folder, name), block.text)
  }
  const door = (name: string): string[] => [join(root, 'src', `${name}.ts`)]
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      rootDir: '/',
      typeRoots: [join(root, 'node_modules', '@types')],
      paths: {
        millrace: door('index'),
        'millrace/testing': door('testing'),
        'millrace/kafka': door('kafka'),
        'millrace/mqtt': door('mqtt'),
        'millrace/postgres': door('postgres'),
        'millrace/msgpack': door('msgpack'),
      },
    },
    include: [],
    files: programs.map(({ file }) => file),
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
}

/** Type errors by program, each with its line in the document. */
export function typeErrors(folder: string, programs: readonly Program[]): Map<Program, string[]> {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const errors = new Map<Program, string[]>()
  let found = 0
  for (const line of stdout.split('\n')) {
    const [, file, at, text] = /^([^\s(]+)\((\d+),\d+\): (error .*)$/.exec(line) ?? []
    const program = programs.find((each) => each.file === file)
    if (program === undefined) continue // of the sources themselves: another test's business
    found += 1
    const { path, line: first } = program.block
    const lineThere = first + Number(at) - 1 - program.headLines
    errors.set(program, [...(errors.get(program) ?? []), `${path}:${lineThere}: ${text}`])
  }
  if (status !== 0 && found === 0 && !stdout.includes('error TS')) {
    throw new Error(`the type check did not run: ${stdout}`)
  }
  return errors
}

export interface RunResult {
  /** File → what it threw. */
  readonly failures: Readonly<Record<string, string>>
  /** Comparisons made in all. */
  readonly checks: number
}

/** Runs the programs in one process, in a folder of its own. */
export function runPrograms(folder: string, programs: readonly Program[]): RunResult {
  const files = programs.map(({ file }) => file)
  const { PATH } = process.env
  const result = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(folder, 'run.ts'), root, ...files],
    { cwd: folder, encoding: 'utf8', timeout: 60_000, env: { PATH } },
  )
  const last = result.stdout.trimEnd().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(last) as RunResult
  } catch {
    throw new Error(`the blocks did not run:\n${result.stdout}${result.stderr}`)
  }
}
