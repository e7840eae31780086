/** What the HTTP API answers with, as far as the page looks at it; /openapi.json has it all. */

export interface Live {
  readonly atMs: number
  readonly log: 'memory' | 'embedded' | 'kafka'
  readonly place: string
  readonly state: 'running' | 'starting' | 'no-pipeline'
  readonly waitsFor: readonly string[]
  readonly tasks: readonly TaskLive[]
  readonly sources: readonly SourceLive[]
  readonly deliveries: readonly DeliveryLive[]
  readonly edges: readonly EdgeLive[]
  /** null: the log does not answer. */
  readonly topics: readonly TopicLive[] | null
  readonly topicCount: number
}

export interface EdgeLive {
  readonly pipeline: string
  readonly from: string
  readonly to: string
  readonly records: number
}

export interface Seen {
  readonly time: number
  readonly key: string | null
  readonly value: string
}

export interface StepFigures {
  readonly steps: readonly {
    readonly recordsIn: number
    readonly recordsOut: number
    readonly late: number
    readonly dead: number
    readonly ownNsP50: number | null
    readonly ownNsP99: number | null
    readonly stateEntries: number
  }[]
  readonly look:
    | readonly {
        readonly task: string
        readonly taken: readonly Seen[]
        readonly given: readonly Seen[]
        readonly open: {
          readonly count: number
          readonly firstStartMs: number | null
          readonly nextDueMs: number | null
        } | null
      }[]
    | null
}

export interface TaskLive {
  readonly pipeline: string
  readonly task: string
  readonly state: 'restoring' | 'running' | 'closed'
  readonly watermarkMs: number | null
  readonly counters: {
    readonly recordsIn: number
    readonly recordsOut: number
    readonly late: number
    readonly dead: number
    readonly commits: number
  }
  readonly stateEntries: number
  readonly inputs: readonly InputLive[]
}

export interface InputLive {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly lag: number
  readonly idle: boolean
}

export interface SourceLive {
  readonly source: string
  readonly topic: string
  readonly state: string
  readonly position: unknown
  readonly recordCount: number
  readonly commitCount: number
  readonly refusedCount: number
}

export interface DeliveryLive {
  readonly pipeline: string
  readonly sink: string
  readonly type: string
  readonly outbox: string
  readonly state: 'delivering' | 'away'
  readonly backlog: number
  readonly inFlight: number
  readonly delivered: number
  readonly failures: number
  readonly dead: number
  readonly lastError: { readonly code: string; readonly text: string; readonly atMs: number } | null
  readonly tryMsP50: number | null
  readonly tryMsP99: number | null
}

export interface TopicLive {
  readonly topic: string
  readonly partitions: number
  /** Sums of the partitions' offsets. */
  readonly start: number
  readonly end: number
  readonly bytes: number
}

export interface PlanStep {
  readonly name: string
  readonly kind: string
  readonly inputs: readonly string[]
  readonly settings: Readonly<Record<string, string>>
  readonly state: string | null
  readonly grows: boolean
  readonly late: readonly string[]
}

export interface PlanRead {
  readonly step: string
  readonly topic: string
}

export interface Plan {
  readonly pipeline: string
  readonly parts: readonly {
    readonly name: string
    readonly reads: readonly PlanRead[]
    readonly repartitions: readonly PlanRead[]
    readonly steps: readonly PlanStep[]
  }[]
}

export interface InputTime {
  readonly topic: string
  readonly partition: number
  readonly reachedMs: number | null
  readonly sinceMs: number
  readonly state: 'holds' | 'ahead' | 'idle' | 'global'
  readonly hasBacklog: boolean
}

export interface StepTime {
  readonly step: string
  /** What it waits for. */
  readonly text: string
  readonly watermarkMs: number | null
  readonly dueMs: number | null
  readonly clockDueMs: number | null
}

export interface TaskTime {
  readonly pipeline: string
  readonly task: string
  /** What is the case, and what would change it. */
  readonly text: string
  readonly remedy: string
  readonly watermarkMs: number | null
  readonly inputs: readonly InputTime[]
  readonly steps: readonly StepTime[]
}

export interface ShownRecord {
  readonly partition: number
  readonly offset: number
  readonly time: number
  readonly key: string | { readonly base64: string } | null
  readonly value: unknown
  readonly form: 'text' | 'json' | 'base64' | null
  readonly bytes: number
  readonly cut?: boolean
  readonly headers: readonly { readonly name: string; readonly value: unknown }[]
}

export interface RecordPage {
  readonly topic: string
  readonly isComplete: boolean
  readonly next: readonly { readonly partition: number; readonly offset: number }[]
  readonly records: readonly ShownRecord[]
}

export interface TopicInfo {
  readonly topic: string
  readonly records: number
  readonly bytes: number
  readonly config: Readonly<Record<string, unknown>>
  readonly partitions: readonly {
    readonly partition: number
    readonly startOffset: number
    readonly endOffset: number
    readonly bytes: number
  }[]
}

export interface LetterGroup {
  readonly reason: string
  readonly step: string
  readonly pipeline: string | null
  readonly count: number
  readonly firstMs: number
  readonly lastMs: number
  readonly message: string
}

export interface LetterGroups {
  readonly letters: string
  readonly counts: { readonly open: number; readonly replayed: number; readonly discarded: number }
  readonly groups: readonly LetterGroup[]
  readonly isComplete: boolean
}

export interface Letter {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly form: 'text' | 'json' | 'base64' | null
  readonly bytes: number
  readonly cut?: boolean
  readonly state: 'open' | 'replayed' | 'discarded'
  readonly settled: {
    readonly at: number
    readonly to: { readonly topic: string; readonly partition: number } | null
  } | null
  readonly letter: Readonly<Record<string, string | number>>
}

export interface Settled {
  readonly settled: number
  readonly already: number
  readonly skipped: Readonly<Record<string, number>>
  readonly isComplete: boolean
}
