import { which } from '../harness/processes.ts'
import type { ProxySetup } from '../harness/proxy.ts'
import { fromDebian, type Peer } from './peer.ts'

export const caddy: Peer = {
  name: 'caddy',
  what: 'Caddy, as many processors as workers, no access log',
  balances: true,
  webSocket: true,
  workers: true,
  ...fromDebian('caddy', 'caddy', 'version'),
  command: (setup) => ({
    command: [
      which('caddy')!,
      ...['run', '--adapter', 'caddyfile', '--config', setup.write('Caddyfile', configuration(setup))],
    ],
    env: {
      GOMAXPROCS: String(setup.row.scenario.workers),
      // It keeps certificates and its last configuration in the user's home.
      HOME: setup.folder,
      XDG_DATA_HOME: setup.folder,
      XDG_CONFIG_HOME: setup.folder,
    },
  }),
}

export function configuration({ row, origins, port, certificate }: ProxySetup): string {
  const { load } = row.scenario
  const site = `${certificate === null ? 'http' : 'https'}://:${port}`
  return `
{
  admin off
  auto_https off
  log {
    level ERROR
  }
  servers {
    protocols h1
  }
}
${site} {
  bind 127.0.0.1
${certificate === null ? '' : `  tls ${certificate.cert} ${certificate.key}`}
  handle /isolated {
    respond 200
  }
  handle {
    reverse_proxy ${origins.map((url) => new URL(url).host).join(' ')} {
      lb_policy round_robin
      transport http {
        # The default keeps 32.
        keepalive_idle_conns_per_host ${Math.max(64, load.connections)}
        keepalive 4s
      }
    }
  }
}
`
}
