/** The pages of docs/reference/ say what the code says, and links lead somewhere. */
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { documents, readText, root } from './blocks.ts'
import { commandsIn, pages } from './reference.ts'

test.for(Object.entries(pages))('%s is current', { timeout: 60_000 }, async ([page, make]) => {
  const text = existsSync(join(root, page)) ? readText(page) : ''
  expect(text, 'run: npx node test/docs/update.ts').toBe(await make())
})

test('the commands of a help text are found', () => {
  const listed = ['Commands:', '  start [options]  runs', '                   on', '  help  x', '']
  const help = ['Usage: a', '', ...listed, 'Exit'].join('\n')
  expect(commandsIn(help)).toEqual(['start'])
})

const pagesWithLinks = [...documents(), 'CONTRIBUTING.md', 'CHANGELOG.md']

/** Targets of `[text](target)` that are files, and paths of the tree written as code. */
function targetsOf(page: string): string[] {
  const text = readText(page).replaceAll(/^```[^]*?^```/gm, '')
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => join(dirname(page), target))
  const paths = [...text.matchAll(/`((?:src|test|bench|docs|scripts|bin)\/[\w./-]*)`/g)]
  return [...links, ...paths.map(([, path]) => path ?? '')]
}

test.for(pagesWithLinks)('what %s points to is there', (page) => {
  const missing = targetsOf(page).filter((target) => !existsSync(join(root, target)))
  expect(missing).toEqual([])
})

test('a page that points to nothing is noticed', () => {
  expect(targetsOf('docs/ARCHITECTURE.md').length).toBeGreaterThan(30)
  expect(statSync(join(root, 'docs'), { throwIfNoEntry: false })?.isDirectory()).toBe(true)
})
