/** The formats of strings that can be made, each with what tells whether a text has it. */
import type { Arbitrary, FastCheck } from './fast-check.ts'

/** What times are made of, ms; `last` is not one. */
export interface Years {
  readonly first: number
  readonly last: number
}

interface Format {
  readonly make: (fc: FastCheck, years: Years) => Arbitrary<string>
  readonly fits: (text: string) => boolean
}

const uuidPattern = /^[\da-f]{8}-[\da-f]{4}-[1-8][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i
const datePattern = /^\d{4}-\d\d-\d\d$/
const timePattern = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/i
const dateTimePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/i
const hostPattern = /^[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/i
const ipv4Pattern = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/

const dateTimes = (fc: FastCheck, { first, last }: Years): Arbitrary<string> =>
  fc.integer({ min: first, max: last - 1 }).map((ms) => new Date(ms).toISOString())
const isTime = (text: string): boolean => !Number.isNaN(Date.parse(text))
const uris = (fc: FastCheck): Arbitrary<string> => {
  const word = fc.stringMatching(/^[a-z]{1,8}$/)
  const path = fc.array(word, { maxLength: 3 })
  return fc
    .tuple(fc.constantFrom('http', 'https'), word, path)
    .map(([scheme, host, parts]) => `${scheme}://${[`${host}.example`, ...parts].join('/')}`)
}

const uri: Format = { make: uris, fits: (text) => URL.canParse(text) }
const dateTime: Format = {
  make: dateTimes,
  fits: (text) => dateTimePattern.test(text) && isTime(text),
}

/** Name, as JSON Schema has it → how it is made. */
export const formats: Readonly<Record<string, Format>> = {
  'date-time': dateTime,
  date: {
    make: (fc, years) => dateTimes(fc, years).map((text) => text.slice(0, 10)),
    fits: (text) => datePattern.test(text) && isTime(text),
  },
  time: {
    make: (fc, years) => dateTimes(fc, years).map((text) => text.slice(11)),
    fits: (text) => timePattern.test(text),
  },
  duration: {
    make: (fc) =>
      fc
        .tuple(fc.nat({ max: 59 }), fc.nat({ max: 59 }))
        .map(([minutes, seconds]) => `PT${minutes}M${seconds}S`),
    fits: (text) => /^P(?!$)(\d+[YMWD])*(T(\d+[HMS])+)?$/.test(text),
  },
  uuid: { make: (fc) => fc.uuid(), fits: (text) => uuidPattern.test(text) },
  email: {
    // Plain ones: schemas differ in which of the rarer they take.
    make: (fc) =>
      fc
        .tuple(fc.stringMatching(/^[a-z][a-z\d]{0,9}$/), fc.stringMatching(/^[a-z]{2,8}$/))
        .map(([name, host]) => `${name}@${host}.example`),
    fits: (text) => /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text),
  },
  hostname: {
    make: (fc) => fc.domain(),
    fits: (text) => text.length <= 253 && hostPattern.test(text),
  },
  ipv4: { make: (fc) => fc.ipV4(), fits: (text) => ipv4Pattern.test(text) },
  ipv6: {
    make: (fc) => fc.ipV6().filter(isIpv6),
    fits: isIpv6,
  },
  uri,
  url: uri,
  'uri-reference': { make: uris, fits: () => true },
  regex: {
    make: (fc) => fc.stringMatching(/^[a-z]{1,5}[+*?]?$/),
    fits: (text) => {
      try {
        return new RegExp(text).source !== ''
      } catch {
        return false
      }
    },
  },
}

function isIpv6(text: string): boolean {
  return /^[\da-f:]+$/i.test(text) && URL.canParse(`http://[${text}]/`)
}
