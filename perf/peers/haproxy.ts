import { which } from '../harness/processes.ts'
import type { ProxySetup } from '../harness/proxy.ts'
import { fromDebian, hasBodies, type Peer } from './peer.ts'

export const haproxy: Peer = {
  name: 'haproxy',
  what: 'HAProxy, connections to the origins shared by all clients, no log',
  balances: true,
  webSocket: true,
  workers: true,
  ...fromDebian('haproxy', 'haproxy', '-v'),
  command: (setup) => ({
    // -db: in the foreground, one process.
    command: [which('haproxy')!, '-db', '-q', '-f', setup.write('cfg', configuration(setup))],
  }),
}

export function configuration({ row, origins, port, certificate }: ProxySetup): string {
  const { load, workers, protection } = row.scenario
  const tls = certificate === null ? '' : ` ssl crt ${certificate.both} alpn http/1.1`
  const bound = protection === undefined ? '' : ` maxconn ${protection.perEndpoint}`
  // 16 KiB by default, which an answer of 16 KiB with its head is just above: with 64, as Weir reads them, bodies of 1 MiB take
  // it a third less CPU time. Where there are none a buffer is memory for nothing.
  const buffers = hasBodies(row.scenario) ? '\n  tune.bufsize 65536' : ''
  const servers = origins.map((url, index) => `  server origin${index + 1} ${new URL(url).host}${bound}`)
  return `
global
  nbthread ${workers}
  maxconn ${load.connections + 512}
  # By default it keeps idle connections to servers only while less than 20 % of the files that it may open are open, and
  # closes some above 25 %. The files are counted from maxconn, clients with them: at 500 clients it would keep none.
  tune.pool-low-fd-ratio 80
  tune.pool-high-fd-ratio 90${buffers}
  # A machine that allows fewer files is warned about and not refused.
  no strict-limits

defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h${protection === undefined ? '' : `\n  timeout queue ${protection.queueMs}ms`}
  http-reuse always

frontend clients
  bind 127.0.0.1:${port}${tls} backlog 4096
  http-request return status 200 if { path /isolated }
  option forwardfor
  http-request set-header X-Forwarded-Proto ${certificate === null ? 'http' : 'https'}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  default_backend app

backend app
  balance roundrobin
${servers.join('\n')}
`
}
