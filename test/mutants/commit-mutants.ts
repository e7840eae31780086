/** Logs whose commits are wrong. */
import type { ChangelogWrite, CommitBatch, Log, Session } from '../../src/log/log.ts'
import { change, type LogMutant, withSessions } from './wrap-log.ts'

export const commitMutants: readonly LogMutant[] = [
  {
    name: 'ignores the fence',
    breaks: 'L4',
    wrap: (log, { store }) =>
      withCommit(log, async (session, batch) => {
        const run = session.commit(batch)
        return await run.catch(async (error: { code?: string }) => {
          if (error.code !== 'task-fenced') throw error
          const prepared = store.prepare(batch.appends)
          prepared.apply(0)
          return { appended: prepared.appended }
        })
      }),
  },
  {
    name: 'checks the fence only after appending the records',
    breaks: 'L4',
    wrap: (log) =>
      withCommit(log, async (session, batch) => {
        const appended = batch.appends.length === 0 ? [] : await log.append(batch.appends)
        await session.commit({ ...batch, appends: [] })
        return { appended }
      }),
  },
  {
    name: 'shows the records of a commit before it is complete',
    breaks: 'L2',
    wrap: (log) =>
      withCommit(log, async (session, batch) => {
        const appended = []
        for (const one of batch.appends) appended.push(...(await log.append([one])))
        await session.commit({ ...batch, appends: [] })
        return { appended }
      }),
  },
  {
    name: 'commits offsets although the records are refused',
    breaks: 'L1',
    wrap: (log) =>
      withCommit(log, async (session, batch) => {
        await session.commit({ ...batch, appends: [], changelog: null })
        return await session.commit({ ...batch, offsets: batch.offsets.map(() => -1) })
      }),
  },
  {
    name: 'keeps the changelog although the records are refused',
    breaks: 'L1',
    wrap: (log) =>
      withCommit(log, async (session, batch) => {
        const offsets = batch.offsets.map(() => -1)
        await session.commit({ offsets, appends: [], changelog: batch.changelog })
        return await session.commit({ ...batch, changelog: null })
      }),
  },
  {
    name: 'forgets the offsets of a commit',
    breaks: 'C5',
    wrap: (log) =>
      withCommit(log, (session, batch) =>
        session.commit({ ...batch, offsets: batch.offsets.map(() => -1) }),
      ),
  },
  {
    name: 'takes -1 for the beginning',
    breaks: 'C5',
    wrap: (log) =>
      withCommit(log, (session, batch) =>
        session.commit({ ...batch, offsets: batch.offsets.map((o) => Math.max(0, o)) }),
      ),
  },
  {
    name: 'lets every commit delete the changelog before it',
    breaks: 'C5',
    wrap: (log) =>
      withCommit(log, (session, batch) =>
        session.commit({ ...batch, changelog: wholeRound(batch.changelog) }),
      ),
  },
  {
    name: 'never deletes changelog',
    breaks: 'C5',
    wrap: (log) =>
      withCommit(log, (session, batch) => {
        const { changelog } = batch
        const kept = changelog === null ? null : { ...changelog, endsRound: false }
        return session.commit({ ...batch, changelog: kept })
      }),
  },
]

function withCommit(
  log: Log,
  commit: (session: Session, batch: CommitBatch, log: Log) => ReturnType<Session['commit']>,
): Log {
  return withSessions(log, (session) =>
    change(session, { commit: (batch) => commit(session, batch, log) }),
  )
}

/** A changelog blob that claims to be a round of its own, so that everything before it goes. */
function wholeRound(changelog: ChangelogWrite | null): ChangelogWrite | null {
  return changelog === null ? null : { ...changelog, startsRound: true, endsRound: true }
}
