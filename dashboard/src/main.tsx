import { render } from 'preact'
import './styles.css'
import { App } from './app.tsx'
import { listen } from './lib/live.ts'
import { applyTheme } from './lib/theme.ts'

applyTheme()
listen()
render(<App />, document.getElementById('page') as HTMLElement)
