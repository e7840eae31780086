/** Debian's Chromium, for tests of the page. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { programOf } from '../servers/programs.ts'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: programOf('chromium') ?? 'chromium', args: flags })
}

export interface Opened {
  readonly page: Page
  /** What the page has said went wrong: script errors, refused styles, failed requests. */
  readonly faults: string[]
}

export async function openPage(
  browser: Browser,
  url: string,
  look: { readonly width?: number; readonly scheme?: 'light' | 'dark' } = {},
): Promise<Opened> {
  const { width = 1_280, scheme = 'light' } = look
  const page = await browser.newPage({
    viewport: { width, height: 800 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  })
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(String(error)))
  await page.goto(url)
  return { page, faults }
}

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

/** What hinders people who use a screen reader, a keyboard, or weak eyes: axe's findings. */
export async function hindrances(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  return (await page.evaluate(`axe.run().then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 200))))
  `)) as string[]
}

/** Waits until an expression holds; the page's policy forbids what Playwright does for that. */
export async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate(expression))) await page.waitForTimeout(20)
}
