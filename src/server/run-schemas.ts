/** What answers about running pipelines look like, as JSON Schema. */

const timeMs = { type: ['number', 'null'], description: 'ms since 1970' }
const place = { topic: { type: 'string' }, partition: { type: 'integer' } }

export const planSchema = {
  type: 'object',
  required: ['plans'],
  properties: {
    plans: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pipeline', 'parts'],
        properties: {
          pipeline: { type: 'string' },
          parts: {
            type: 'array',
            items: {
              type: 'object',
              required: ['name', 'reads', 'repartitions', 'steps'],
              properties: {
                name: { type: 'string' },
                reads: { type: 'array', items: { type: 'object' } },
                repartitions: { type: 'array', items: { type: 'object' } },
                steps: {
                  type: 'array',
                  items: {
                    type: 'object',
                    required: ['name', 'kind', 'inputs', 'settings', 'state', 'grows', 'late'],
                    properties: {
                      name: { type: 'string' },
                      kind: { type: 'string' },
                      inputs: { type: 'array', items: { type: 'string' } },
                      settings: { type: 'object' },
                      state: { type: ['string', 'null'] },
                      grows: { type: 'boolean' },
                      late: { type: 'array', items: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
}

const sourceSchema = {
  type: 'object',
  required: ['source', 'topic', 'state', 'recordCount', 'commitCount', 'refusedCount'],
  properties: {
    source: { type: 'string' },
    topic: { type: 'string' },
    state: {
      type: 'string',
      enum: ['running', 'retrying', 'ended', 'stopped', 'failed', 'elsewhere'],
    },
    position: { description: 'the last committed one, as the source writes it' },
    recordCount: { type: 'integer' },
    commitCount: { type: 'integer' },
    refusedCount: { type: 'integer' },
    dedupe: { type: ['object', 'null'] },
  },
}

const deliverySchema = {
  type: 'object',
  required: ['pipeline', 'sink', 'type', 'outbox', 'state', 'backlog', 'delivered', 'dead'],
  properties: {
    pipeline: { type: 'string' },
    sink: { type: 'string' },
    type: { type: 'string' },
    outbox: { type: 'string' },
    state: { type: 'string', enum: ['delivering', 'away'] },
    backlog: { type: 'integer' },
    inFlight: { type: 'integer' },
    delivered: { type: 'integer' },
    failures: { type: 'integer' },
    dead: { type: 'integer' },
    lastError: {
      type: ['object', 'null'],
      properties: { code: { type: 'string' }, text: { type: 'string' }, atMs: timeMs },
    },
    tryMsP50: { type: ['number', 'null'] },
    tryMsP99: { type: ['number', 'null'] },
  },
}

export const statusSchema = {
  type: 'object',
  required: ['log', 'place', 'state', 'waitsFor', 'tasks', 'sources', 'deliveries', 'groups'],
  properties: {
    log: { type: 'string', enum: ['memory', 'embedded', 'kafka'] },
    place: { type: 'string' },
    state: { type: 'string', enum: ['running', 'starting', 'no-pipeline'] },
    waitsFor: { type: 'array', items: { type: 'string' } },
    tasks: {
      type: 'array',
      items: {
        type: 'object',
        required: [
          'pipeline',
          'task',
          'state',
          'watermarkMs',
          'counters',
          'stateEntries',
          'inputs',
        ],
        properties: {
          pipeline: { type: 'string' },
          task: { type: 'string' },
          state: { type: 'string', enum: ['restoring', 'running', 'closed'] },
          restoring: { type: ['object', 'null'] },
          watermarkMs: timeMs,
          counters: {
            type: 'object',
            properties: {
              recordsIn: { type: 'integer' },
              recordsOut: { type: 'integer' },
              late: { type: 'integer' },
              dead: { type: 'integer' },
              commits: { type: 'integer' },
            },
          },
          stateEntries: { type: 'integer' },
          inputs: {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                ...place,
                offset: { type: 'integer' },
                lag: { type: 'integer' },
                idle: { type: 'boolean' },
              },
            },
          },
        },
      },
    },
    sources: { type: 'array', items: sourceSchema },
    deliveries: { type: 'array', items: deliverySchema },
    groups: {
      type: 'array',
      items: {
        type: 'object',
        required: ['group', 'owner', 'lag', 'offsets'],
        properties: {
          group: { type: 'string' },
          owner: { type: ['string', 'null'] },
          lag: { type: 'integer' },
          offsets: { type: 'array', items: { type: 'object' } },
        },
      },
    },
  },
}

const inputTime = {
  type: 'object',
  properties: {
    ...place,
    reachedMs: timeMs,
    sinceMs: { type: 'number' },
    state: { type: 'string', enum: ['holds', 'ahead', 'idle', 'global'] },
    hasBacklog: { type: 'boolean' },
  },
}

export const explainSchema = {
  type: 'object',
  required: ['tasks'],
  properties: {
    tasks: {
      type: 'array',
      items: {
        type: 'object',
        required: [
          'pipeline',
          'task',
          'text',
          'remedy',
          'watermarkMs',
          'heldBy',
          'inputs',
          'release',
          'steps',
        ],
        properties: {
          pipeline: { type: 'string' },
          task: { type: 'string' },
          text: { type: 'string', description: 'What is the case' },
          remedy: { type: 'string', description: 'What would change it; empty: nothing has to' },
          watermarkMs: timeMs,
          heldBy: { type: 'array', items: inputTime },
          inputs: { type: 'array', items: inputTime },
          release: { type: ['object', 'null'] },
          steps: {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                step: { type: 'string' },
                text: { type: 'string', description: 'What it waits for' },
                watermarkMs: timeMs,
                dueMs: timeMs,
                clockDueMs: timeMs,
              },
            },
          },
        },
      },
    },
  },
}
