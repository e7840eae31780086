/** Records as lines that open: always as text, whatever is in them. */
import { bytes, time } from '../lib/format.ts'
import { Empty } from '../lib/parts.tsx'
import { indentedText, keyText, valueText } from '../lib/record-text.ts'
import type { ShownRecord } from '../lib/shapes.ts'

const lineMax = 400

export function RecordLines({ records }: { readonly records: readonly ShownRecord[] }) {
  if (records.length === 0) return <Empty>No records.</Empty>
  return (
    <ul class="records">
      {records.map((record) => (
        <li key={`${record.partition}/${record.offset}`}>
          <details>
            <summary>
              <span class="where">
                {record.partition}/{record.offset}
              </span>
              <span class="when">{time(record.time)}</span>
              <span class="key">{keyText(record.key)}</span>
              <code class="value">{valueText(record).slice(0, lineMax)}</code>
            </summary>
            <RecordWhole record={record} />
          </details>
        </li>
      ))}
    </ul>
  )
}

function RecordWhole({ record }: { readonly record: ShownRecord }) {
  const { form, headers } = record
  return (
    <div class="record-whole">
      <p class="muted">
        {record.form === null ? 'a tombstone: no value' : `${bytes(record.bytes)}, ${form}`}
        {record.cut === true ? ', cut here' : ''}
      </p>
      <pre tabIndex={0}>{indentedText(record)}</pre>
      {headers.length === 0 ? null : (
        <dl class="facts">
          {headers.map(({ name, value }, i) => (
            <div key={`${i} ${name}`}>
              <dt>{name}</dt>
              <dd>
                <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}
