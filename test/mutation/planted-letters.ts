/** Bugs of replaying and discarding letters. */
import type { Planted } from './planted-bug.ts'

export const letterBugs: readonly Planted[] = [
  {
    name: 'marks of letters are committed after the records',
    file: 'src/connect/letters/settle-letters.ts',
    find: 'const { appended } = await session.commit({ offsets: [], appends, changelog: null })',
    replace: `const [marks] = appends.splice(-1)
    const { appended } = await session.commit({ offsets: [], appends, changelog: null })
    if (marks !== undefined) {
      await session.commit({ offsets: [], appends: [marks], changelog: null })
    }`,
  },
  {
    name: 'who takes letters over does not look at what was done meanwhile',
    file: 'src/connect/letters/settle-letters.ts',
    find: `    await this.#marks.catchUp()
    this.#chunk`,
    replace: '    this.#chunk',
  },
  {
    name: 'letters are replayed under no fence',
    file: 'src/connect/letters/settle-letters.ts',
    find: "task: 'marks', inputs",
    replace: 'task: this.#run, inputs',
  },
  {
    name: 'a record that two letters tell of is replayed twice',
    file: 'src/connect/letters/letter-marks.ts',
    find: '    return this.#inputs.get(input)?.to ?? null\n',
    replace: '    return this.#inputs.get(`${input}!`)?.to ?? null\n',
  },
  {
    name: 'marks of a letters’ topic that was deleted hold for the one made anew',
    file: 'src/connect/letters/letter-marks.ts',
    find: 'return mark?.of === identityOf(letter) ? mark : null',
    replace: 'return mark ?? null',
  },
  {
    name: 'a replayed record is taken by pipelines that had not refused it',
    file: 'src/engine/cursor.ts',
    find: 'this.#isAddressed = batch.headersHold(addressMark)',
    replace: 'this.#isAddressed = batch.count > 1e9 && batch.headersHold(addressMark)',
  },
  {
    name: 'a letter loses the headers of its record',
    file: 'src/engine/letters.ts',
    find: 'if (ownBytes > 0 && ownBytes <= all) headers.push(...own)',
    replace: 'if (ownBytes > 1e9 && ownBytes <= all) headers.push(...own)',
  },
  {
    name: 'a replayed record is delivered under another id',
    file: 'src/connect/delivery/held-record.ts',
    find: 'placeText(chainOf(origin.headers)?.first ?? origin)',
    replace: 'placeText(origin)',
  },
]
