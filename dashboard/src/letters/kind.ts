/** Whether records were refused, or came too late. */
export type Kind = 'dead' | 'late'
