/** A TypeScript or JavaScript file with pipelines, imported as it is. */
import { statSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MillraceError } from '../core/error.ts'
import type { Pipeline } from '../pipeline/node.ts'
import { hookModules } from './module-hooks.ts'
import { importFault } from './import-fault.ts'

export interface PipelineFile {
  /** As it was written, for messages. */
  readonly file: string
  /** Name of what has none of its own: the file's, without its ending. */
  readonly name: string
  /** The default export; null: there is none. Whether these are pipelines, the plan checks. */
  readonly pipelines: Pipeline | readonly Pipeline[] | null
}

/**
 * Imports the file, with `millrace` in it being this installation.
 * @throws `file-not-found` · `invalid-pipeline-file`, with the line where it can be told · for a
 *   MillraceError that the file throws: the same with file and line
 */
export async function loadPipelineFile(file: string): Promise<PipelineFile> {
  const path = resolve(file)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined || !stat.isFile()) {
    const text = stat === undefined ? `there is no file ${file}` : `${file} is no file`
    throw new MillraceError('file-not-found', text, {
      hint: `name a file that exports a pipeline: millrace run pipeline.ts`,
    })
  }
  hookModules()
  const name = basename(path, extname(path))
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown }
    const value: unknown = await module.default
    return { file, name, pipelines: (value ?? null) as PipelineFile['pipelines'] }
  } catch (thrown) {
    throw importFault(thrown, { file, path })
  }
}

/** @throws `invalid-pipeline-file` where the file has no default export */
export function pipelinesIn({ file, pipelines }: PipelineFile): Pipeline | readonly Pipeline[] {
  if (pipelines !== null) return pipelines
  throw new MillraceError('invalid-pipeline-file', `${file} has no default export`, {
    hint: 'write: export default from(topic(…)).map(…).print()',
  })
}

/**
 * What is wrong with a default export that is no pipeline, as the file's fault; other errors stay
 * as they are.
 */
export function asFileFault(thrown: unknown, { file, pipelines }: PipelineFile): unknown {
  const isPlanFault = thrown instanceof MillraceError && thrown.code === 'invalid-plan'
  if (!isPlanFault || isPipelines(pipelines)) return thrown
  return new MillraceError(
    'invalid-pipeline-file',
    `${file} exports no pipeline: ${thrown.message}`,
    {
      ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
      cause: thrown,
    },
  )
}

function isPipelines(value: unknown): boolean {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  return (
    all.length > 0 && all.every((one) => (one as { kind?: unknown } | null)?.kind === 'pipeline')
  )
}
