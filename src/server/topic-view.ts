/** A topic as JSON. */
import type { TopicInfo } from '../log/log.ts'

export function topicJson({ name, config, createdMs, partitions }: TopicInfo): object {
  return {
    topic: name,
    createdMs,
    records: partitions.reduce((sum, part) => sum + part.endOffset - part.startOffset, 0),
    bytes: partitions.reduce((sum, part) => sum + part.bytes, 0),
    config,
    partitions,
  }
}
