/** Where in the page one is: `#/topics/clicks`. */
import { signal } from '@preact/signals'

export interface Place {
  readonly view: string
  /** What is chosen in it; '': nothing. */
  readonly item: string
}

export const place = signal<Place>(read())

addEventListener('hashchange', () => {
  place.value = read()
})

function read(): Place {
  const [view = '', item = ''] = location.hash.replace(/^#\/?/, '').split('/')
  try {
    return { view: view === '' ? 'flow' : view, item: decodeURIComponent(item) }
  } catch {
    return { view: 'flow', item: '' }
  }
}

export function linkTo(view: string, item = ''): string {
  return item === '' ? `#/${view}` : `#/${view}/${encodeURIComponent(item)}`
}
