/** Bugs in the log on Kafka that show without a broker: its parts run on models of one. */
import type { Planted } from './planted-bug.ts'

export const kafkaBugs: readonly Planted[] = [
  {
    name: 'records of an aborted transaction are shown',
    file: 'src/log/kafka/records/decode.ts',
    find: 'return !this.#abortedProducers.has(producer)',
    replace: 'return producer >= 0',
  },
  {
    name: 'after an abort the next transaction of its producer stays hidden',
    file: 'src/log/kafka/records/decode.ts',
    find: 'if (bytes.readInt16BE(records.keyStart + 2) === 0)',
    replace: 'if (bytes.readInt16BE(records.keyStart + 2) === 1)',
  },
  {
    name: 'records before the offset asked for are given again',
    file: 'src/log/kafka/records/decode.ts',
    find: '      if (offset < fromOffset) continue\n',
    replace: '',
  },
  {
    name: 'what retention took is skipped in silence on Kafka',
    file: 'src/log/kafka/fetch/fetcher.ts',
    find: "if (offset < start && outOfRange === 'stop') {",
    replace: "if (offset < start && outOfRange === 'stop' && follow.loop === null) {",
  },
  {
    name: 'a topic made anew is read on at the old offset',
    file: 'src/log/kafka/fetch/fetcher.ts',
    find: 'if (input.topicId !== leader.topicId) return this.#stop(input, madeAnew(input))',
    replace: 'input.topicId = leader.topicId',
  },
  {
    name: 'records that a new leader lacks, but which were given, are passed over in silence',
    file: 'src/log/kafka/fetch/fetch-input.ts',
    find: 'if (endOffset < this.#position || given > epoch) return false',
    replace: 'if (given > epoch) return false',
  },
  {
    name: 'what is fetched ahead of the engine is not bounded',
    file: 'src/log/kafka/fetch/broker-loop.ts',
    find: 'if (input.bytes >= bytesMax || input.notBeforeMs > nowMs) continue',
    replace: 'if (input.notBeforeMs > nowMs) continue',
  },
  {
    name: 'batches behind one that failed are sent all the same',
    file: 'src/log/kafka/produce/batch-sender.ts',
    find: '    this.isHalted = true\n',
    replace: '',
  },
  {
    name: 'after an abort the numbers of its batches are used again',
    file: 'src/log/kafka/produce/transactional-producer.ts',
    find: '    this.#calls.spendEpoch()\n',
    replace: '',
  },
  {
    name: 'an heir with the same producer id is not noticed',
    file: 'src/log/kafka/produce/transactional-producer.ts',
    find: 'return held.producerId !== producerId || held.epoch !== epoch',
    replace: 'return held.producerId !== producerId',
  },
  {
    name: 'an end whose answer was lost is taken for one that did not happen',
    file: 'src/log/kafka/produce/transaction-errors.ts',
    find: 'unknown: [...fencing, code.invalidTxnState, code.transactionAbortable, ...rights]',
    replace: 'refused: [...fencing, code.invalidTxnState, code.transactionAbortable, ...rights]',
  },
  {
    name: 'a restore begins at a round that is not complete',
    file: 'src/log/kafka/session/changelog.ts',
    find: 'if (!write.endsRound) return { from: this.#from ?? base, roundStart }',
    replace: 'if (!write.endsRound) return { from: roundStart ?? base, roundStart }',
  },
  {
    name: 'a local copy of another changelog is believed',
    file: 'src/log/kafka/session/changelog.ts',
    find: 'if (!isSame(await reader.next(end), last)) {',
    replace: 'if ((await reader.next(end)) === null) {',
  },
  {
    name: 'a task is handed over before its last commit',
    file: 'src/log/kafka/group/held-tasks.ts',
    find: '    await parting.done.promise\n',
    replace: '',
  },
  {
    name: 'a member keeps its tasks after its session is over',
    file: 'src/log/kafka/group/pulse.ts',
    find: '      expired(text)\n',
    replace: '',
  },
]
