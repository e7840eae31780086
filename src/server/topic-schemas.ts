/** What answers about topics look like, as JSON Schema. */

export const topicSchema = {
  type: 'object',
  required: ['topic', 'config', 'createdMs', 'records', 'bytes', 'partitions'],
  properties: {
    topic: { type: 'string' },
    createdMs: { type: ['number', 'null'] },
    records: { type: 'integer', description: 'Offsets in all: after compaction more than records' },
    bytes: { type: 'integer' },
    config: {
      type: 'object',
      required: ['partitions', 'retentionMs', 'retentionBytes', 'cleanup', 'recordBytesMax'],
      properties: {
        partitions: { type: 'integer' },
        retentionMs: { type: ['number', 'null'] },
        retentionBytes: { type: ['number', 'null'] },
        cleanup: { type: 'string', enum: ['delete', 'compact'] },
        recordBytesMax: { type: 'integer' },
      },
    },
    partitions: {
      type: 'array',
      items: {
        type: 'object',
        required: ['partition', 'startOffset', 'endOffset', 'bytes'],
        properties: {
          partition: { type: 'integer' },
          startOffset: { type: 'integer' },
          endOffset: { type: 'integer' },
          bytes: { type: 'integer' },
        },
      },
    },
  },
}

/** A page of what a search has found. */
export function searchSchema(item: object): object {
  return {
    type: 'object',
    required: ['topic', 'isComplete', 'next', 'records'],
    properties: {
      topic: { type: 'string' },
      isComplete: { type: 'boolean', description: 'Nothing is left behind these records' },
      next: {
        type: 'array',
        description: 'Where to go on: `offset` of each partition',
        items: {
          type: 'object',
          required: ['partition', 'offset'],
          properties: { partition: { type: 'integer' }, offset: { type: 'integer' } },
        },
      },
      records: { type: 'array', items: item },
    },
  }
}

export const recordsSchema = searchSchema({
  type: 'object',
  required: ['partition', 'offset', 'time', 'key', 'value', 'form', 'bytes', 'headers'],
  properties: {
    partition: { type: 'integer' },
    offset: { type: 'integer' },
    time: { type: 'number', description: 'ms since 1970' },
    key: { description: 'Text, {"base64": …} for what is no UTF-8, or null' },
    value: {},
    form: {
      type: ['string', 'null'],
      enum: ['text', 'json', 'base64', null],
      description: 'How the value is written; null: there is none',
    },
    bytes: { type: 'integer', description: 'Of the whole value' },
    cut: { type: 'boolean', description: 'Only the beginning of the value is shown' },
    headers: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'value'],
        properties: { name: { type: 'string' }, value: {} },
      },
    },
  },
})
