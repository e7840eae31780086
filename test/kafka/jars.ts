/**
 * Apache Kafka as its jars from Maven, kept outside of the project: fetched once for each version.
 * Apache License 2.0; nothing of it is part of Millrace.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const kafkaVersion = '4.3.1'
/** The oldest line that is tested as well. */
export const olderKafkaVersion = '3.9.1'

const pom = fileURLToPath(new URL('pom.xml', import.meta.url))
const javaMin = 17

/** Where the jars of a version are or will be. KAFKA_JARS names another parent directory. */
export function jarsDirectory(version = kafkaVersion): string {
  const parent = process.env['KAFKA_JARS'] ?? join(homedir(), '.cache', 'millrace', 'kafka')
  return join(parent, version)
}

function hasJars(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).some((name) => name.startsWith('kafka_2'))
}

/** Why no broker can be started on this machine; null when one can. */
export function whyNoKafka(version = kafkaVersion): string | null {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' })
  if (java.status !== 0) return `there is no Java (${javaMin} or newer)`
  const found = /version "(\d+)/.exec(java.stderr)?.[1] ?? '0'
  if (Number(found) < javaMin) return `Java is ${found}, ${javaMin} or newer is needed`
  if (hasJars(jarsDirectory(version))) return null
  if (spawnSync('mvn', ['-v']).status === 0) return null
  return `there is no Maven (mvn) to fetch Kafka ${version} with`
}

/** Fetches the jars where they are not there yet. @throws Error with what Maven said */
export function fetchJars(version = kafkaVersion): string {
  const directory = jarsDirectory(version)
  if (hasJars(directory)) return directory
  // Put in place by one rename, so that two runs at once do not see half of them.
  const partial = `${directory}.${process.pid}`
  mkdirSync(partial, { recursive: true })
  const maven = spawnSync(
    'mvn',
    [
      '-q',
      '-B',
      '-f',
      pom,
      `-Dkafka.version=${version}`,
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${partial}`,
    ],
    { encoding: 'utf8' },
  )
  if (maven.status !== 0 || !hasJars(partial)) {
    rmSync(partial, { recursive: true, force: true })
    throw new Error(`Maven could not fetch Kafka ${version}: ${maven.stdout}${maven.stderr}`)
  }
  if (hasJars(directory)) rmSync(partial, { recursive: true, force: true })
  else renameSync(partial, directory)
  return directory
}
