/** Topics beside a topic, for the records of it that steps refused. */

/** What did not decode, validate or process. */
export const deadTopic = (topic: string): string => `${topic}.dead`
/** What came too late for a step. */
export const lateTopic = (topic: string): string => `${topic}.late`
