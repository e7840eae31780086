/** What happens between this process and the brokers, in words. */
import { messageOf } from '../core/error.ts'
import type { KafkaEvent } from '../log/kafka/kafka-log-options.ts'
import type { LogNotice } from './log-notice.ts'

const blockedHint = 'raise session-timeout-ms over the longest computation, or compute elsewhere'

export function kafkaNotice(event: KafkaEvent): LogNotice {
  switch (event.kind) {
    case 'broker-away': {
      const about = `broker ${event.place}`
      const since = new Date(event.sinceMs).toISOString()
      const reason = event.reason.replace(`${about}: `, '')
      const text = `${about} is away since ${since}: ${reason}; it is tried again and again`
      return { about, text, state: 'away' }
    }
    case 'broker-back': {
      const about = `broker ${event.place}`
      const seconds = (event.awayMs / 1_000).toFixed(1)
      return { about, text: `${about} answers again, after ${seconds} s`, state: 'back' }
    }
    default: {
      const cause = event.error === undefined ? '' : `: ${messageOf(event.error)}`
      const hint = event.kind === 'blocked' ? ` - ${blockedHint}` : ''
      return { about: 'group', text: `${event.text}${cause}${hint}`, state: 'told' }
    }
  }
}
