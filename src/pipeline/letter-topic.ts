/** Topics beside a topic, for the records of it that steps refused. */

/** What did not decode, validate or process. */
export const deadTopic = (topic: string): string => `${topic}.dead`
/** What came too late for a step. */
export const lateTopic = (topic: string): string => `${topic}.late`
/** What was done about the letters of such a topic: replayed, or discarded. */
export const marksTopic = (letters: string): string => `${letters}.marks`
