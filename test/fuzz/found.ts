/** Inputs by which the fuzzer found a fault, kept so that it does not come back. */

export interface FoundInput {
  readonly target: string
  /** What it did. */
  readonly was: string
  readonly base64: string
}

export const foundInputs: readonly FoundInput[] = [
  {
    target: 'codec/msgpack',
    was: 'a timestamp beyond what Date holds became an invalid date',
    base64: 'haYwMDAwMDAwpzAwMDAwMDAwMMcM/zAwMDAwMDAwMDAwMADHCgAwMDAwMDAwMDAwADA=',
  },
  {
    target: 'text/machine',
    was: 'a line without columns made the count NaN',
    base64: 'MDo=',
  },
  {
    target: 'records/block',
    was: 'offsets that do not rise',
    base64:
      'AQUwMO7XzHgDAAAACQAAAA8AAAAAAAAAAAAAAABAU0AAAAAAAEBTQAAAAAAAQFNAAAAAAABAU0AAAAAA' +
      'AAAAAIQDAAADAAAABgAAAAkAAAAFAAAAAAAAGw8AAABrZXlrZXlrZXl2YWx1ZXZhbHVldmFsdWU=',
  },
  {
    target: 'records/block',
    was: 'a key that ends 15 MB behind a block of 116 bytes',
    base64:
      'AQUwMK+su1QDAAAACQAAAA8AAAAAAAAAAAAAAABAU0AAAAAAAEBTQAAAAAAAQFNAAAAAAABAU0AAAAAA' +
      'AwAAAIQDAAADAAAABgAAAAkA6wAFAAAACgAAAA8AAABrZXlrZXlrZXl2YWx1ZXZhbHVldmFsdWU=',
  },
  {
    target: 'records/block',
    was: 'headers that are cut off: RangeError',
    base64:
      'AQMwMO/ZZu4DAAAABgAAAAYAAAA4AAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAPA/AAAAAADeAEACAAAA' +
      'BAAAAAYAAAACAAAABAAAAAYAAAABAAAAHAAAADgAAABrMGsxazJ2MHYxdjIFAHRyYWNlAwAAAGFiYwIA' +
      'w6T/////AAAAAAAABQB0cmFjZQMAAABhYmMCAMOk/////wAAAAAAAA==',
  },
  { target: 'records/headers', was: 'a name that is cut off: RangeError', base64: 'MDA=' },
  { target: 'records/headers', was: 'half a length: RangeError', base64: 'MA==' },
  {
    target: 'kafka/scram',
    was: 'a number of iterations with a fraction: RangeError of node:crypto',
    base64: 'cj1hYmMwLHM9MDAwLGk9NDA5Ni40',
  },
  {
    target: 'state/blob',
    was: 'a key that is none: invalid-argument',
    base64: 'ATBFY291bnQAMAAAAAAAAAAARTAwMDAwAQ8CQTAQAwAAQTAAEQMwMDAAAAAAAAAAAAA0EAAAAADAw',
  },
  {
    target: 'kafka/subscription',
    was: 'a topic of -2 bytes and a count of 2^31: read for ever, memory without end',
    base64: Buffer.from('00037ffffffffffe', 'hex').toString('base64'),
  },
  {
    target: 'format/avro',
    was: 'an array of 2^35 items in four bytes: made one by one',
    base64: 'AAAAAAECMDAwAjAwMDAwMDAwBjAwMAAwMDBkhI37Fw==',
  },
  {
    target: 'format/avro-resolved',
    was: 'an array of 2^34 nulls, passed over one by one',
    base64: 'AAAAAAEAAAAAAAAwMDAwAICAgICAAQA=',
  },
  {
    target: 'format/avro-resolved',
    was: 'a count that is NaN, after which any other was believed',
    base64:
      'AAAAAAEAAAAAAAAwMDAwgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICA' +
      'gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICA' +
      'gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgACAgICA' +
      'gAEA',
  },
]
