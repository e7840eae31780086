/** The page in a real browser, beside a pipeline that really runs. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { BatchBuilder } from '../../src/log/batch.ts'
import { testWith } from '../servers/server-test.ts'
import { whyNoServer } from '../servers/programs.ts'
import { hindrances, openBrowser, openPage, until } from './browser.ts'
import { type Plant, startPlant } from './plant.ts'

const browserTest = testWith('chromium')
let browser: Browser
let plant: Plant

beforeAll(async () => {
  if (whyNoServer('chromium') !== null) return
  plant = await startPlant()
  browser = await openBrowser()
})

afterAll(async () => {
  await browser?.close()
  await plant?.running.stop()
})

const views = ['flow', 'why', 'topics/readings', 'letters', 'outputs/per-second'] as const

/** What has to be there before a view shows what it is for. */
const shownIn: Readonly<Record<(typeof views)[number], string>> = {
  flow: '.node.step',
  why: '.sentence',
  'topics/readings': '.records li',
  letters: '.groups tbody tr',
  'outputs/per-second': '.chart canvas',
}

async function go(page: Page, view: (typeof views)[number]): Promise<void> {
  await page.goto(`${plant.url}/#/${view}`)
  await page.waitForSelector(shownIn[view])
}

browserTest('the page is small, and built of nothing but its own files', () => {
  const folder = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url))
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => /\.(?:html|js|css|svg)$/.test(name))
  const packed = files.map((name) => gzipSync(readFileSync(folder + name)).length)
  const bytes = packed.reduce((sum, size) => sum + size, 0)
  expect(bytes).toBeGreaterThan(10_000)
  expect(bytes).toBeLessThan(100_000)
  const html = readFileSync(`${folder}index.html`, 'utf8')
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bon\w+=|https?:/)
})

browserTest('flow: what runs, with live figures, and a panel for each part', async () => {
  const { page, faults } = await openPage(browser, plant.url)
  await until(page, `/[1-9]\\S*\\/s/.test(document.querySelector('.edges')?.textContent)`)
  const names = await page.locator('.node-name').allTextContents()
  expect(names.sort()).toEqual([
    'checked',
    'hot',
    'per-second',
    'per-second',
    'plant',
    'readings',
    'warn',
  ])
  const bad = page.locator('.node.bad', { hasText: 'readings' })
  await bad.waitFor()
  expect(await bad.textContent()).toMatch(/dead/)
  await page.getByRole('button', { name: /^per-second tumbling/ }).click()
  const panel = page.getByRole('complementary', { name: 'tumbling 1s per-second' })
  await panel.getByText('open windows').waitFor()
  expect(await panel.textContent()).toContain('samples = count, celsius = mean')
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  await until(page, `document.activeElement?.textContent.startsWith('per-second')`)
  expect(faults).toEqual([])
  await page.close()
})

browserTest('flow: a destination that is away is seen, and why', async () => {
  const { page } = await openPage(browser, plant.url)
  plant.away = true
  const node = page.locator('.node.output.bad', { hasText: 'warn' })
  await node.waitFor()
  await node.click()
  await page.getByText('the pager is off').waitFor()
  plant.away = false
  await page.locator('.node.output.good', { hasText: 'warn' }).waitFor()
  await page.close()
})

browserTest('why: which partition holds event time, in words', async () => {
  const { page } = await openPage(browser, plant.url)
  await go(page, 'why')
  const card = page.getByRole('region', { name: 'task main/all' })
  await card
    .getByText(/partition [01] of readings/)
    .first()
    .waitFor()
  expect(await card.textContent()).toMatch(/per-second.*Its next result comes when event time/)
  await page.close()
})

browserTest('topics: records by place and key, new ones as they come, one by hand', async () => {
  const { page, faults } = await openPage(browser, plant.url)
  await go(page, 'topics/readings')
  await page.getByLabel('From').selectOption('offset')
  await page.getByRole('textbox', { name: 'Offset' }).fill('3')
  await page.getByRole('button', { name: 'Show' }).click()
  await page.locator('.records .where', { hasText: /^0\/3$/ }).waitFor()
  await page.getByRole('button', { name: 'More' }).click()
  await page.locator('.records .where', { hasText: /^0\/60$/ }).waitFor()
  await page.getByLabel('From').selectOption('last')
  await page.getByLabel('Key', { exact: true }).first().fill('kiln')
  await page.getByRole('button', { name: 'Show' }).click()
  await until(
    page,
    `(() => {
    const keys = [...document.querySelectorAll('.records .key')].map((one) => one.textContent)
    return keys.length > 5 && keys.every((key) => key === 'kiln')
  })()`,
  )
  await page.getByLabel('Follow').check()
  const first = await page.locator('.records .where').first().textContent()
  await until(page, `document.querySelector('.records .where')?.textContent !== '${first}'`)
  await page.goto(`${plant.url}/#/topics/per-second`)
  await page.getByText('Append a record').click()
  await page.getByLabel('Value, as JSON').fill('{"by": "hand"}')
  await page.getByRole('button', { name: 'Append', exact: true }).click()
  await page.getByText(/^On disk at 0\/\d+\.$/).waitFor()
  await page.getByLabel('Value, as JSON').fill('{"by": ')
  await page.getByRole('button', { name: 'Append', exact: true }).click()
  await page.getByRole('alert').waitFor()
  // The browser tells of each request that was refused.
  expect(faults.filter((fault) => !fault.includes('status of 4'))).toEqual([])
  await page.close()
})

browserTest('letters: grouped, with their bytes; replayed and discarded', async () => {
  const { page, faults } = await openPage(browser, plant.url)
  await go(page, 'letters')
  await page.getByRole('link', { name: /^readings dead/ }).click()
  await page.getByRole('button', { name: 'step-failed' }).click()
  await page.locator('.records summary').first().click()
  expect(await page.locator('.records pre').first().textContent()).toMatch(/^0000 {2}7b 22/)
  await page.getByRole('button', { name: 'Replay those of step-failed' }).click()
  await page.getByRole('button', { name: 'Really replay those of step-failed?' }).click()
  await page.getByText(/^\d+ letters? replayed\./).waitFor()
  await page.getByRole('button', { name: /^Discard/ }).click()
  await page.getByRole('button', { name: /^Really discard/ }).click()
  await page.getByText(/^\d+ letters? discarded\./).waitFor()
  await page.locator('.badge.replayed').first().waitFor()
  expect(faults).toEqual([])
  await page.close()
})

browserTest('outputs: lines, bars, candlesticks and a table of a topic', async () => {
  const { page, faults } = await openPage(browser, plant.url)
  await go(page, 'outputs/per-second')
  await page.getByLabel('Field').selectOption('celsius')
  const chart = page.getByRole('img', { name: /^celsius/ })
  for (const form of ['bar', 'candle', 'line']) {
    await page.getByLabel('Show').selectOption(form)
    await chart.locator('canvas').waitFor()
    expect(await isPainted(page)).toBe(true)
  }
  const before = await chart.getAttribute('aria-label')
  expect(before).toMatch(/Last, at 2024-01-01 .*kiln \d/)
  await until(
    page,
    `document.querySelector('.chart')?.getAttribute('aria-label') !== ${JSON.stringify(before)}`,
  )
  await page.getByLabel('Show').selectOption('table')
  const headings = await page.locator('thead th').allTextContents()
  expect(headings).toEqual(['key', 'window from', 'to', 'samples', 'celsius'])
  expect(faults).toEqual([])
  await page.close()
})

/** Whether the canvas has more than its ground. */
async function isPainted(page: Page): Promise<boolean> {
  return (await page.evaluate(`(() => {
    const canvas = document.querySelector('.chart canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    return data.some((byte) => byte > 0)
  })()`)) as boolean
}

browserTest(
  'axe finds nothing, in light and dark, wide and narrow',
  async () => {
    for (const look of [
      { scheme: 'light', width: 1_280 },
      { scheme: 'dark', width: 1_280 },
      { scheme: 'light', width: 390 },
    ] as const) {
      const { page, faults } = await openPage(browser, plant.url, look)
      for (const view of views) {
        await go(page, view)
        const name = `${view}, ${look.scheme}, ${look.width}`
        expect(await hindrances(page), name).toEqual([])
        const tooWide = 'document.documentElement.scrollWidth - innerWidth'
        expect(await page.evaluate(tooWide), `${name}: wider than the screen`).toBeLessThanOrEqual(
          0,
        )
      }
      await go(page, 'flow')
      await page.locator('.node.topic').first().click()
      await page.getByText('Last records').waitFor()
      expect(await hindrances(page), `panel, ${look.scheme}, ${look.width}`).toEqual([])
      expect(faults).toEqual([])
      await page.close()
    }
  },
  180_000,
)

browserTest('axe is asked in a way that finds things', async () => {
  const { page } = await openPage(browser, plant.url)
  await page.waitForSelector('.node.step')
  await page.evaluate(`document.querySelector('.brand').style.color = '#eee'`)
  await page.evaluate(`document.querySelector('main').append(new Image())`)
  const found = (await hindrances(page)).map((one) => one.split(':')[0])
  expect(new Set(found)).toEqual(new Set(['color-contrast', 'image-alt']))
  await page.close()
})

browserTest('by the keyboard alone: to a view, to a step, and back', async () => {
  const { page } = await openPage(browser, plant.url)
  await page.waitForSelector('.node.step')
  await page.keyboard.press('Tab')
  await until(page, `document.activeElement?.textContent === 'Skip to the content'`)
  await page.keyboard.press('Enter')
  await until(page, `document.activeElement?.id === 'content'`)
  const isNode = `document.activeElement?.matches('.node')`
  for (let presses = 0; presses < 30 && !(await page.evaluate(isNode)); presses++) {
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  await page.getByRole('complementary').waitFor()
  await until(page, `document.activeElement?.textContent === 'plant'`)
  await page.keyboard.press('Escape')
  await until(page, `document.activeElement?.textContent.startsWith('plantsource')`)
  await page.close()
})

browserTest('what a record holds is text, never a part of the page', async () => {
  const hostile = `"><img src=x onerror="window.hit=1"><script>window.hit=1</script>`
  const builder = new BatchBuilder()
  const value = JSON.stringify({ key: hostile, window: { start: 0, end: 1 }, n: 1, [hostile]: 2 })
  builder.add(hostile, value, 0, [{ name: hostile, value: Buffer.from(hostile) }])
  builder.add('\u202e\u0000\u001b[31m', Buffer.from([255, 254, 0, 1]), 1e15, [])
  await plant.log.createTopic('hostile')
  await plant.log.append([{ topic: 'hostile', partition: 0, bytes: builder.finish() }])
  await plant.log.createTopic('hostile.dead')
  const letter = new BatchBuilder()
  const header = (name: string) => ({ name, value: Buffer.from(hostile) })
  letter.add(
    hostile,
    hostile,
    0,
    ['reason', 'step', 'message'].map((n) => header(`millrace-${n}`)),
  )
  await plant.log.append([{ topic: 'hostile.dead', partition: 0, bytes: letter.finish() }])
  const { page, faults } = await openPage(browser, `${plant.url}/#/topics/hostile`)
  await page.waitForSelector('.records li')
  for (const line of await page.locator('.records summary').all()) await line.click()
  expect(await page.locator('.records').textContent()).toContain(hostile)
  await page.goto(`${plant.url}/#/letters/hostile`)
  await page.locator('.groups').getByText(hostile).first().waitFor()
  for (const view of ['line', 'bar', 'candle', 'table']) {
    await page.goto(`${plant.url}/#/outputs/hostile`)
    await page.getByLabel('Show').selectOption(view)
    await page.waitForTimeout(200)
  }
  expect(await page.evaluate('window.hit')).toBeUndefined()
  expect(await page.locator('#page img, #page script').count()).toBe(0)
  expect(faults).toEqual([])
  await page.close()
})
