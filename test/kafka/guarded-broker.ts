/** A broker with ACLs: whoever logs in at the second port has only the rights that were given. */
import { createServer } from 'node:net'
import { KafkaCluster } from './cluster.ts'

export interface GuardedBroker {
  /** `127.0.0.1:port`; whoever comes here may do everything. */
  readonly open: string
  /** Login by PLAIN. */
  readonly guarded: string
  readonly user: { readonly username: string; readonly password: string }
  /** Gives the user rights, as options of Kafka's own tool: `--operation Read --topic t`. */
  allow(...options: string[]): void
  stop(): Promise<void>
}

export async function startGuardedBroker(): Promise<GuardedBroker> {
  const user = { username: 'ann', password: 'ann-plain-secret' }
  const port = await freePorts()
  const module = 'org.apache.kafka.common.security.plain.PlainLoginModule'
  const login = `${module} required user_${user.username}="${user.password}";`
  const names = `PLAINTEXT://127.0.0.1:${port},GUARDED://127.0.0.1:${port + 2}`
  const cluster = await KafkaCluster.start({
    port,
    heapMb: 256,
    settings: {
      listeners: `${names},CONTROLLER://127.0.0.1:${port + 1}`,
      'advertised.listeners': names,
      'listener.security.protocol.map':
        'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,GUARDED:SASL_PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
      'listener.name.guarded.sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.guarded.plain.sasl.jaas.config': login,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    },
  })
  const open = `127.0.0.1:${port}`
  return {
    open,
    guarded: `127.0.0.1:${port + 2}`,
    user,
    allow(...options) {
      const common = ['--bootstrap-server', open, '--add', '--allow-principal', 'User:ann']
      const { stdout, status } = cluster.tool('org.apache.kafka.tools.AclCommand', [
        ...common,
        ...options,
      ])
      if (status !== 0) throw new Error(stdout)
    },
    stop: () => cluster.stop(),
  }
}

/** The first of three ports in a row that are free now. */
async function freePorts(): Promise<number> {
  for (let tries = 0; tries < 20; tries++) {
    const first = await listening(0)
    if (first === null) continue
    const others = [await listening(first + 1), await listening(first + 2)]
    if (!others.includes(null)) return first
  }
  throw new Error('no three free ports in a row')
}

/** The port, free again; null: it is taken. */
function listening(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const found = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(found))
    })
  })
}
