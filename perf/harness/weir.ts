import type { ProxyCommand, ProxySetup } from './proxy.ts'
import { type Bench, fileFor } from './running.ts'
import type { WeirShape } from './scenario.ts'

/** Weir in front of origins; it is ready when every worker accepts, which only its log says. */
export function weirCommand(
  bench: Pick<Bench, 'folder' | 'weir'>,
  setup: ProxySetup,
  shape: WeirShape,
): ProxyCommand {
  const file = setup.write('json', JSON.stringify(configuration(shape, setup), null, 2))
  const command = [process.execPath, bench.weir, 'run', '--config', file]
  if (shape.output === 'null') return { command, env: shape.env }
  const log = fileFor(bench, setup.row.name, 'log')
  return { command, env: shape.env, log, readyLine: '"msg":"ready"' }
}

/** A configuration file's content: everything that the scenario does not name is left to its default. */
export function configuration(
  shape: WeirShape,
  { row, origins, port, certificate }: Pick<ProxySetup, 'row' | 'origins' | 'port' | 'certificate'>,
): unknown {
  const tls = certificate === null ? {} : { tls: { cert: certificate.cert, key: certificate.key } }
  const endpoints = origins.map((url) => ({ url }))
  return {
    listen: [{ host: '127.0.0.1', port, ...tls }],
    workers: row.scenario.workers,
    drainTimeout: '2s',
    upstreams: {
      app: { endpoints, ...shape.upstream },
      ...Object.fromEntries((shape.others ?? []).map((name) => [name, { endpoints }])),
    },
    routes: [
      { path: '/isolated', respond: { status: 200 } },
      { upstream: 'app', ...shape.route },
    ],
    log: { level: 'info', access: shape.access },
    ...shape.settings,
  }
}
