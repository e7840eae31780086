/** Words that do not stand in the code, each with what to write instead. */
import { asserts, matches } from './tree.ts'
import type { Tree, Violation } from './tree.ts'

interface Ban {
  pattern: RegExp
  instead: string
  /** Where in src/ it is the right thing, with the reason beside it. */
  allowed: readonly string[]
}

const clock = 'core/clock.ts'
const random = 'core/random.ts'
const calls: readonly Ban[] = [
  { pattern: /\bDate\.now\b/g, instead: 'take a Clock and ask now()', allowed: [clock, 'cli/'] },
  {
    pattern: /\bnew\s+Date\s*\(\s*\)|\bnew\s+Date\b(?!\s*[(\w])/g,
    instead: 'take a Clock and write new Date(clock.now())',
    allowed: [clock, 'cli/'],
  },
  {
    pattern: /\bperformance\b/g,
    instead: 'take a Clock and ask monotonic()',
    allowed: [clock, 'cli/'],
  },
  { pattern: /\bhrtime\b/g, instead: 'take a Clock and ask monotonic()', allowed: [clock, 'cli/'] },
  { pattern: /\bMath\.random\b/g, instead: 'take a Random of core/random.ts', allowed: [random] },
  {
    pattern: /\brandomUUID\b|\bgetRandomValues\b/g,
    instead: 'take a Random of core/random.ts',
    allowed: [random],
  },
  {
    pattern: /\bset(?:Timeout|Interval)\b/g,
    instead: 'take a Clock and call after()',
    allowed: [clock, 'cli/'],
  },
  {
    pattern: /\bprocess\.env\b/g,
    instead: 'take it as an option; only host/ and cli/ read it',
    // Secrets of sources and sinks are read where they are used, not kept in options.
    allowed: ['host/', 'cli/', 'connect/secret.ts'],
  },
  {
    pattern: /\bconsole\./g,
    instead: 'return it, or write to the stream handed in',
    allowed: ['cli/'],
  },
]

/** The world outside is asked for the time, for chance and for settings at a few doors only. */
export function checkBannedCalls(tree: Tree): Violation[] {
  return tree.code.flatMap((file) => {
    if (!file.path.startsWith('src/') || asserts(file.path)) return []
    const path = file.path.slice('src/'.length)
    return calls.flatMap(({ pattern, instead, allowed }) => {
      if (allowed.some((place) => path.startsWith(place))) return []
      return matches(file, pattern, (found) => `${found}: ${instead}`)
    })
  })
}

/**
 * Published types name those of an optional package: a program without it must compile all the
 * same.
 */
const optionalTypes = 'src/testing/generate/fast-check.ts'

/**
 * The type checker is not switched off. The linter says so too, with types; this one holds without
 * it.
 */
export function checkTypesKept(tree: Tree): Violation[] {
  const escapes = /(?:[:<|&,]\s*|\bas\s+|\bextends\s+)any\b(?!\s*[:(.])|\bany\s*\[\]/g
  return tree.code.flatMap((file) => [
    ...matches(file, escapes, 'any switches the type checker off: write unknown and narrow it'),
    ...inComments(file, /@ts-(?:ignore|nocheck|expect-error)/g, (found) =>
      // A type test expects an error on purpose; that is what it tests.
      (found === '@ts-expect-error' && asserts(file.path)) ||
      (found === '@ts-ignore' && file.path === optionalTypes)
        ? undefined
        : `${found} hides an error: repair the types`,
    ),
  ])
}

/**
 * What is left for later has a number somebody can look up; nothing is left switched off or on
 * alone.
 */
export function checkLeftovers(tree: Tree): Violation[] {
  return tree.code.flatMap((file) => [
    ...inComments(file, /\b(?:TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))/g, (found) => {
      return `${found} without a number: write ${found}(#12), or do it now`
    }),
    ...matches(
      file,
      /\b(?:test|it|describe|bench)\.only\b/g,
      '.only leaves every other test out: remove it',
    ),
    ...matches(file, /\bdebugger\b/g, 'debugger stops whoever runs this: remove it'),
  ])
}

function inComments(
  file: { path: string; comments: string },
  pattern: RegExp,
  say: (found: string) => string | undefined,
): Violation[] {
  return file.comments.split('\n').flatMap((line, index) =>
    [...line.matchAll(pattern)].flatMap(([found]) => {
      const text = say(found)
      return text === undefined ? [] : [{ path: file.path, line: index + 1, text }]
    }),
  )
}

/** Names of our field; the left one has a right one. `docs/glossary.md` defines them. */
const synonyms: Readonly<Record<string, string>> = {
  message: 'record',
  tuple: 'record',
  channel: 'topic',
  job: 'pipeline',
  checkpoint: 'commit',
  frontier: 'watermark',
}

/** Exported names that hold such a word in its common meaning. */
const otherMeaning: readonly string[] = [
  'src/core/error.ts#messageOf', // the message of an Error
]

export function checkNames(tree: Tree): Violation[] {
  return tree.code.flatMap((file) => {
    if (!file.path.startsWith('src/') || asserts(file.path)) return []
    return exportedNames(file.code).flatMap(({ name, line }) => {
      if (otherMeaning.includes(`${file.path}#${name}`)) return []
      const word = wordsOf(name).find((one) => Object.hasOwn(synonyms, one))
      if (word === undefined) return []
      const text = `${name}: '${word}' is '${synonyms[word]}' here (docs/glossary.md)`
      return [{ path: file.path, line, text }]
    })
  })
}

export function exportedNames(code: string): { name: string; line: number }[] {
  const declared =
    /\bexport\s+(?:(?:default|declare|abstract|async)\s+)*(?:function\s*\*?|\w+)\s+([\w$]+)/
  const listed = /\bexport\s+(?:type\s+)?\{([^}]*)\}/
  const lineOf = (position: number): number => code.slice(0, position).split('\n').length
  const names: { name: string; line: number }[] = []
  for (const match of code.matchAll(new RegExp(declared, 'g'))) {
    names.push({ name: match[1] ?? '', line: lineOf(match.index) })
  }
  for (const match of code.matchAll(new RegExp(listed, 'g'))) {
    for (const part of (match[1] ?? '').split(',')) {
      const name = part.trim().split(/\s+/).at(-1) ?? ''
      if (name !== '') names.push({ name, line: lineOf(match.index) })
    }
  }
  return names
}

/** `HTTPMessages` → http, message: in lower case, without a plural s. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .map((word) => word.replace(/s$/, ''))
}

/** The tree reads the same on every machine. */
export function checkMachines(tree: Tree): Violation[] {
  const patterns: readonly [RegExp, string][] = [
    [
      /(?<![\w.~:/-])\/(?:work|tmp|home|Users|root|private|var\/folders)\/[\w.-]+/,
      'a path of one machine: write it relative to the tree, or ask os.tmpdir()',
    ],
    [
      /https?:\/\/[\w.-]*(?:registry[\w.-]*|npmjs\.org|verdaccio[\w.-]*)(?=[:/'"\s]|$)/,
      'a registry host: whoever installs has their own',
    ],
    [
      /\bhttps?:\/\/[\w-]+(?::\d+)?\/[\w@/.-]+\.tgz\b/,
      'a registry host: whoever installs has their own',
    ],
  ]
  return tree.files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) =>
      patterns.flatMap(([pattern, say]) => {
        const found = pattern.exec(line)
        return found === null ? [] : [{ path, line: index + 1, text: `${found[0]}: ${say}` }]
      }),
    ),
  )
}
