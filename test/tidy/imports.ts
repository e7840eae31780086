/**
 * Who may import whom. An arrow is added here, on a line of its own with its reason, and nowhere
 * else.
 */
import { posix } from 'node:path'
import { isTest } from './tree.ts'
import type { CodeFile, Import, Tree, Violation } from './tree.ts'

/** What an engine neighbour may know of the log: the contract, not an implementation. */
const logContract = ['log/log.ts', 'log/batch.ts', 'log/partitioner.ts']
/** The engine's public files. */
const enginePublic = ['engine/task.ts', 'engine/operators/operator.ts']
/** What runs the tasks of sources and deliveries as it runs those of pipelines. */
const engineTasks = [
  'engine/bell.ts',
  'engine/letters.ts',
  'engine/outputs.ts',
  'engine/owned-tasks.ts',
  'engine/retries.ts',
  'engine/task-event.ts',
  'engine/topics.ts',
  'engine/trim-repartition.ts',
]
const allBelow = ['core/', 'pipeline/', 'log/', 'engine/', 'connect/', 'observe/']

/** Folder of src/ → what it may import beside itself: folders end with a slash, files do not. */
export const importTable: Record<string, readonly string[]> = {
  core: [],
  pipeline: ['core/'],
  log: ['core/'],
  engine: ['core/', 'pipeline/', ...logContract],
  formats: ['core/'],
  connect: ['core/', 'pipeline/', ...logContract, ...enginePublic, ...engineTasks],
  observe: ['core/', 'pipeline/', ...logContract, ...enginePublic],
  server: allBelow,
  // Puts a run together for a process: opens the log that was chosen, starts the engine on it, and
  // the HTTP server beside it, loaded where one is asked for.
  host: [...allBelow, 'server/'],
  // Commands start what the host, the server and the test driver are made of.
  cli: [...allBelow, 'host/', 'server/', 'testing/', 'examples/'],
  testing: [...allBelow, 'host/'],
  // The bundled pipelines, written as a user writes one: on the door, and the sources they ship.
  examples: ['index.ts', 'core/', 'connect/'],
}

/**
 * Node's modules that reach the disk, the network, another process or thread. core and pipeline do
 * without.
 */
const ioModules =
  /^node:(?:fs|net|https?|http2|dgram|dns|tls|child_process|cluster|worker_threads|sqlite)\b/
const withoutIo = ['core', 'pipeline']

/** Folders of src/ that hold implementations side by side; one does not see the other. */
const siblings = ['log', 'connect/sources', 'connect/sinks']

/** Packages and the only folder that imports them. Reached by users through its own door. */
const packageHomes: Record<string, readonly string[]> = {
  msgpackr: ['msgpack.ts', 'core/'],
  commander: ['cli/'],
  '@platformatic/kafka': ['log/kafka/'],
  '@node-rs/crc32': ['log/kafka/'],
  // The types of it, also in the sink; loaded by connect-mqtt.ts alone.
  mqtt: ['connect/mqtt/', 'connect/sinks/mqtt.ts'],
  // The types of it; loaded by connect-postgres.ts alone.
  pg: ['connect/postgres/'],
  avsc: ['formats/'],
  '@bufbuild/protobuf': ['formats/'],
  '@bufbuild/protobuf/wkt': ['formats/'],
  // Optional, loaded when a sink writes Parquet.
  'hyparquet-writer': ['connect/parquet/'],
  // Optional, loaded when an arbitrary is asked for; for development, the suites of operators.
  'fast-check': ['engine/conformance/', 'testing/generate/'],
  // Optional: the recording of the bundled example is read with it, and only when it is there.
  hyparquet: ['examples/'],
  'hyparquet-compressors': ['examples/'],
}

export function checkImports(tree: Tree): Violation[] {
  return tree.code.flatMap((file) => file.imports.flatMap((one) => judge(file, one, tree)))
}

function judge(file: CodeFile, one: Import, tree: Tree): Violation[] {
  const say = (text: string): Violation[] => [{ path: file.path, line: one.line, text }]
  if (one.path !== undefined && one.path.endsWith('.test.ts')) {
    return say(`imports the test ${one.specifier}: move what is shared into a file of its own`)
  }
  const from = inSrc(file.path)
  if (from === undefined || isTest(file.path)) return []
  if (one.path === undefined) return judgePackage(from, one).flatMap(say)
  if (!tree.code.some(({ path }) => path === one.path)) {
    return say(`imports ${one.specifier}, which does not exist: write the path with its .ts suffix`)
  }
  const to = inSrc(one.path)
  if (to === undefined)
    return say(`imports ${one.specifier} from outside src/: what is published lies in src/`)
  return judgeInside(from, to).flatMap(say)
}

function judgePackage(from: string, one: Import): string[] {
  const folder = folderOf(from)
  if (one.specifier.startsWith('node:')) {
    return withoutIo.includes(folder ?? '') && ioModules.test(one.specifier)
      ? [`${folder} does no I/O: take what ${one.specifier} gives as an argument`]
      : []
  }
  if (/^millrace(?:\/|$)/.test(one.specifier)) {
    return [`imports its own door ${one.specifier}: import the file that has it`]
  }
  const name = one.specifier.split('/', one.specifier.startsWith('@') ? 2 : 1).join('/')
  const homes = packageHomes[name]
  if (homes === undefined) {
    return [`imports the package ${name}, which has no home: add it to packageHomes here`]
  }
  return homes.some((home) => within(from, home))
    ? []
    : [`imports the package ${name}, which only ${homes.join(', ')} may: go through that`]
}

function judgeInside(from: string, to: string): string[] {
  const folder = folderOf(from)
  const target = folderOf(to)
  if (folder === undefined && target !== undefined) return [] // a door may import anything
  if (folder !== undefined && folder === target) return judgeSiblings(from, to)
  const allowed = importTable[folder ?? '']
  if (target === undefined && allowed?.includes(to) !== true) {
    return [`imports the door ${to}: nobody inside imports a door`]
  }
  if (allowed === undefined) {
    return [`lies in src/${folder}/, which is not in the import table: add it to importTable`]
  }
  return allowed.some((entry) => within(to, entry))
    ? []
    : [`${folder} may not import ${to}; it may import: ${allowed.join(', ') || 'nothing'}`]
}

function judgeSiblings(from: string, to: string): string[] {
  for (const parent of siblings) {
    const mine = childOf(parent, from)
    const other = childOf(parent, to)
    if (mine !== undefined && other !== undefined && mine !== other) {
      return [`${mine} may not import its sibling ${other}: share through a file in ${parent}/`]
    }
  }
  return []
}

/** `log/embedded` for a file below it; undefined for a file right in the parent. */
function childOf(parent: string, path: string): string | undefined {
  const rest = path.startsWith(`${parent}/`) ? path.slice(parent.length + 1).split('/') : []
  return rest.length > 1 ? `${parent}/${rest[0]}` : undefined
}

function within(path: string, entry: string): boolean {
  return entry.endsWith('/') ? path.startsWith(entry) : path === entry
}

function inSrc(path: string): string | undefined {
  return path.startsWith('src/') ? path.slice('src/'.length) : undefined
}

/** The top folder of src/ a file lies in; undefined for a door. */
function folderOf(path: string): string | undefined {
  return path.includes('/') ? path.split('/')[0] : undefined
}

/** No circle between files: each is shown once, from its first file round to it again. */
export function checkCircles(tree: Tree): Violation[] {
  const targets = new Map(
    tree.code.map(({ path, imports }) => [
      path,
      imports.flatMap((one) => (one.path === undefined ? [] : [one.path])),
    ]),
  )
  const done = new Set<string>()
  const found: Violation[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start !== -1) {
      const circle = [...trail.slice(start), path].join(' → ')
      found.push({
        path,
        line: 1,
        text: `is in a circle: ${circle}. Move what both need into a third file`,
      })
      return
    }
    if (done.has(path)) return
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of targets.keys()) visit(path, [])
  return found
}

/** `index.ts` only as the root door; file names say what is in them. */
export function checkFileNames(tree: Tree): Violation[] {
  return tree.code.flatMap(({ path }) => {
    const name = posix.basename(path).split('.')[0] ?? ''
    if (!path.startsWith('src/')) return []
    if (name === 'index' && path !== 'src/index.ts') {
      return [{ path, line: 1, text: 'is an index file in a folder: import the file that has it' }]
    }
    const vague = ['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'manager']
    const word = [...path.split('/').slice(1, -1), name].find((part) => vague.includes(part))
    if (word === undefined) return []
    return [{ path, line: 1, text: `'${word}' says nothing: name it by the concept it holds` }]
  })
}

/** A door names what it gives, so that nothing becomes public by accident. */
export function checkDoors(tree: Tree): Violation[] {
  const manifest = tree.files.find(({ path }) => path === 'package.json')
  if (manifest === undefined) return []
  const { exports } = JSON.parse(manifest.text) as { exports: Record<string, unknown> }
  return Object.keys(exports).flatMap((name): Violation[] => {
    if (name === './package.json') return []
    const path = `src/${name === '.' ? 'index' : name.slice('./'.length)}.ts`
    const door = tree.code.find((file) => file.path === path)
    if (door === undefined) {
      return [
        { path: 'package.json', line: 1, text: `exports ${name}, but ${path} does not exist` },
      ]
    }
    return /\bexport\s*\*/.test(door.code)
      ? [{ path, line: 1, text: "uses export *: name each export, 'export { a } from …'" }]
      : []
  })
}
