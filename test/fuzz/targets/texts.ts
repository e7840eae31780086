/** Short texts that people write: durations, times, sizes, names, addresses. */
import { Calendar } from '../../../src/core/calendar.ts'
import type { CalendarUnit } from '../../../src/core/calendar.ts'
import { Cron } from '../../../src/core/cron.ts'
import { durationMs, formatDuration } from '../../../src/core/duration.ts'
import {
  bytesOrNone,
  durationOrNone,
  positiveNumber,
  someText,
  wholeNumber,
} from '../../../src/cli/option-values.ts'
import { parsePosition } from '../../../src/cli/position.ts'
import { parseTemplate } from '../../../src/cli/record-template.ts'
import { addressOf, placeOf } from '../../../src/log/kafka/wire/place.ts'
import { parseKafkaUrl, securityFromEnvironment } from '../../../src/log/kafka/wire/kafka-url.ts'
import { checkTopicName } from '../../../src/log/topic-rules.ts'
import { parseDiskStats, parseNetDev } from '../../../src/connect/sources/machine.ts'
import { must, readingText, texts } from '../target.ts'
import type { Target } from '../target.ts'

const units = 'ms s m h d . 0 9 1e5 0x10 - + 5s hours '.split(' ')
const optionErrors = ['CommanderError', 'InvalidArgumentError', 'Error']
const dayMs = 86_400_000

export const textTargets: readonly Target[] = [
  {
    name: 'text/duration',
    seeds: texts('250ms', '5s', '1.5h', '104249991d', '0.001s', '1m30s', '5 minutes', '-3s', '7'),
    dictionary: units,
    codes: ['invalid-duration'],
    open: readingText((text) => {
      const ms = durationMs(text, 'size')
      must(Number.isSafeInteger(ms) && ms >= 0, () => `'${text}' is ${ms} ms`)
      must(durationMs(`${ms}ms`, 'size') === ms, () => `${ms} ms is not ${ms} ms`)
      must(!/[^\dmshd]/.test(formatDuration(ms)), () => `${ms} is shown as ${formatDuration(ms)}`)
    }),
  },
  {
    name: 'text/time-zone',
    seeds: texts('0 0 Europe/Berlin', '1 7 UTC', '2 9000 America/St_Johns', '0 99 Pacific/Apia'),
    dictionary: ['Etc/GMT+12', '+05:30', '-8.64e15', '8.64e15', ' ', 'Africa/Monrovia', 'EST'],
    codes: ['invalid-argument'],
    bytesMax: 80,
    open: readingText(findPeriod),
  },
  {
    name: 'text/cron',
    seeds: texts('* * * * *', '0 3 * * mon-fri', '*/10 8-18/2 1,15 jan 7', '5/20 0 29 2 *'),
    dictionary: ['*', '/', '-', ',', ' ', '59', '0', '*/7', 'sun', 'dec', '29 2', '1-5'],
    codes: ['invalid-argument'],
    bytesMax: 200,
    open: readingText((text) => {
      for (const timeZone of ['UTC', 'America/St_Johns']) {
        const cron = new Cron(text, timeZone)
        const first = cron.next(1_700_000_000_000)
        const second = cron.next(first)
        must(first > 1_700_000_000_000 && second > first, () => `${first}, then ${second}`)
        must(first % 60_000 === 0, () => `${first} is no whole minute`)
        must(cron.next(first - 1) === first, () => `${first} is not after the ms before it`)
      }
    }),
  },
  {
    name: 'text/options',
    seeds: texts('5', '1048576', '500MB', '2GiB', 'none', '1.5', '10m', '-3', '1e3'),
    dictionary: [...units, 'none', 'KiB', 'TB', '__proto__', 'constructor'],
    codes: [],
    errorNames: optionErrors,
    open: readingText((text) => {
      const parsers = [wholeNumber(0), wholeNumber(-5, 5), durationOrNone, bytesOrNone]
      for (const parse of [...parsers, positiveNumber, someText]) {
        const value = orError(() => parse(text))
        if (typeof value !== 'number') continue
        must(Number.isFinite(value), () => `'${text}' is ${value}`)
      }
    }),
  },
  {
    name: 'text/position',
    seeds: texts('earliest', 'latest', '42', '-10', '2024-05-06T07:08:09Z', '10m', '2024-05-06'),
    dictionary: [...units, 'T', 'Z', '+02:00', '-', ':', '2024'],
    codes: [],
    errorNames: optionErrors,
    open: readingText((text) => {
      const { kind, ...values } = parsePosition(text)
      for (const value of Object.values(values)) {
        must(Number.isFinite(value), () => `'${text}' is ${kind} ${String(value)}`)
      }
    }),
  },
  {
    name: 'text/template',
    seeds: texts('{key}\\t{value}', '{{{topic}}} {partition}/{offset}\\n', '{timeMs}{headers}'),
    dictionary: ['{', '}', '{{', '}}', '\\', '\\t', '{key}', '{toString}', '{__proto__}'],
    codes: [],
    errorNames: optionErrors,
    open: readingText((text) => void parseTemplate(text)),
  },
  {
    name: 'text/kafka-url',
    seeds: texts(
      'kafka://127.0.0.1:9092',
      'kafka://a:9092,b:9092?tls=true&sasl=scram-sha-512&username=u',
      'kafka://[::1]:9092/?ca=/x.pem&verify=false&servername=s',
    ),
    dictionary: 'kafka:// ? & = , % %00 @ : [ ] # tls=false password= sasl=plain'.split(' '),
    codes: ['invalid-argument'],
    open: readingText((text) => {
      const { brokers, tls, sasl } = parseKafkaUrl(text, ['replicas'])
      for (const broker of brokers) {
        must(placeOf(addressOf(broker)) === broker, () => `${broker} is another place`)
      }
      securityFromEnvironment(
        { MILLRACE_KAFKA_USERNAME: text.slice(0, 5), MILLRACE_KAFKA_PASSWORD: 'p' },
        {
          ...(tls === undefined ? {} : { tls }),
          ...(sasl === undefined || sasl.mechanism === 'oauthbearer' ? {} : { sasl }),
        },
      )
    }),
  },
  {
    name: 'text/topic-name',
    seeds: texts('orders', 'a.b-c_d', '..', 'ä'),
    dictionary: ['/', '\0', '\n', '..'],
    codes: ['invalid-topic'],
    open: readingText((text) => {
      checkTopicName(text)
      must(!/[^\w.-]/.test(text) && text.length < 250, () => `'${text}' is taken`)
    }),
  },
  {
    name: 'text/machine',
    seeds: texts(
      '   8       0 sda 100 2 3000 4 500 6 7000 8 0 9 10\n   8  1 sda1 1 2 3 4 5 6 7 8',
      'Inter-|   Receive\n face |bytes\n  lo: 1 2 3\neth0: 10 2 3 4 5 6 7 8 99 10 11',
    ),
    dictionary: ['sda', 'nvme0n1', 'eth0:', ' ', '\n', '-', '99999999999999999999'],
    codes: [],
    open: readingText((text) => {
      for (const read of [parseDiskStats, parseNetDev]) {
        const { inBytes, outBytes } = read(text)
        const isRight = Number.isFinite(inBytes) && Number.isFinite(outBytes)
        must(isRight, () => `${read.name} counts ${inBytes} and ${outBytes}`)
      }
    }),
  },
]

function orError(parse: () => unknown): unknown {
  try {
    return parse()
  } catch (thrown) {
    must(thrown instanceof Error && 'exitCode' in thrown, () => `it throws ${String(thrown)}`)
    return thrown
  }
}

const calendarUnits: readonly CalendarUnit[] = ['day', 'week', 'month']

/** `unit days zone`: the period of that day holds it, and the next one begins where it ends. */
function findPeriod(text: string): void {
  const [unit = '', days = '', ...zone] = text.split(' ')
  const timeMs = Math.trunc(Number(days) * dayMs)
  if (!(Math.abs(timeMs) <= 8e15)) return
  const calendar = new Calendar({
    unit: calendarUnits[unit.charCodeAt(0) % 3] ?? 'day',
    count: 1 + (unit.charCodeAt(1) % 5 || 0),
    timeZone: zone.join(' '),
    offsetMs: 0,
  })
  const { startMs, endMs } = calendar.periodAt(timeMs)
  must(startMs <= timeMs && timeMs < endMs, () => `${timeMs} is not in ${startMs} to ${endMs}`)
  const next = calendar.periodAt(endMs)
  must(next.startMs === endMs, () => `after ${endMs} comes ${next.startMs}`)
}
