/** Settings at the broker that concern groups: read to explain a refusal, written for standbys. */
import { MillraceError } from '../../../core/error.ts'
import { api, type Api } from '../wire/api.ts'
import type { Cluster } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { describeConfigs, type DescribedConfig } from '../wire/requests/describe-configs.ts'
import { incrementalAlterConfigs } from '../wire/requests/incremental-alter-configs.ts'

/** Kinds of resources that have settings. */
const brokerResource = 4
const groupResource = 32
const setOperation = 0

const sessionMin = 'group.min.session.timeout.ms'
const sessionMax = 'group.max.session.timeout.ms'

const describeBroker: Api<
  { readonly node: number; readonly settings: readonly string[] },
  readonly DescribedConfig[]
> = api({
  ...describeConfigs,
  write(writer, { node, settings }) {
    writer
      .appendArray([node], (w) => {
        w.appendInt8(brokerResource)
          .appendString(String(node))
          .appendArray([...settings], (s, setting) => s.appendString(setting), true, false)
      })
      .appendBoolean(false)
      .appendBoolean(false)
      .appendTaggedFields()
  },
})

const alterGroup: Api<
  { readonly group: string; readonly settings: Readonly<Record<string, string>> },
  { readonly code: number; readonly reason: string | null }
> = api({
  ...incrementalAlterConfigs,
  write(writer, { group, settings }) {
    writer
      .appendArray([group], (w) => {
        w.appendInt8(groupResource)
          .appendString(group)
          .appendArray(Object.entries(settings), (c, [name, value]) => {
            c.appendString(name).appendInt8(setOperation).appendString(value)
          })
      })
      .appendBoolean(false)
      .appendTaggedFields()
  },
})

/** @returns which session time-outs the brokers allow, as text; null where they do not say */
export async function sessionLimits(cluster: Cluster): Promise<string | null> {
  try {
    const [broker] = await cluster.brokers()
    if (broker === undefined) return null
    const request = { node: broker.node, settings: [sessionMin, sessionMax] }
    const [answer] = await cluster.send({ node: broker.node }, describeBroker, request)
    const from = answer?.settings.get(sessionMin)
    const to = answer?.settings.get(sessionMax)
    if (typeof from !== 'string' || typeof to !== 'string') return null
    return `from ${from} (${sessionMin}) to ${to} (${sessionMax})`
  } catch {
    return null // the refusal itself is told anyway
  }
}

/**
 * How many standby copies the broker gives each task of a streams group.
 * @throws `not-authorised` · `invalid-argument` (more than the broker allows) · `log-unreachable`
 */
export async function setStandbys(cluster: Cluster, group: string, count: number): Promise<void> {
  const settings = { 'streams.num.standby.replicas': String(count) }
  const { code, reason } = await cluster.send('any', alterGroup, { group, settings })
  if (code === errorCode.none) return
  const isRefused =
    code === errorCode.groupAuthorizationFailed || code === errorCode.clusterAuthorizationFailed
  throw new MillraceError(
    isRefused ? 'not-authorised' : 'invalid-argument',
    `cannot set ${count} standbys for group '${group}': ${reason ?? codeName(code)}`,
    { hint: 'allow ALTER_CONFIGS on the group, or run with fewer standbys' },
  )
}
