/** Light or dark: as the system has it, until the user says otherwise. */
import { signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'

const name = 'millrace-theme'
const themes: readonly Theme[] = ['system', 'light', 'dark']

export const theme = signal<Theme>(
  themes.find((one) => one === localStorage.getItem(name)) ?? 'system',
)
const systemIsDark = matchMedia('(prefers-color-scheme: dark)')

/** Changes with what is shown now: charts draw with colours of their own. */
export const isDark = signal(false)

export function applyTheme(): void {
  isDark.value = theme.value === 'dark' || (theme.value === 'system' && systemIsDark.matches)
  document.documentElement.dataset['theme'] = isDark.value ? 'dark' : 'light'
}

systemIsDark.addEventListener('change', applyTheme)

export function nextTheme(): void {
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length] as Theme
  theme.value = next
  localStorage.setItem(name, next)
  applyTheme()
}

/** A colour of the style sheet, for a canvas. */
export function colour(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim()
}
