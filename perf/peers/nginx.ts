import { join } from 'node:path'
import { which } from '../harness/processes.ts'
import type { ProxySetup } from '../harness/proxy.ts'
import { fromDebian, type Peer } from './peer.ts'

/** With the buffers that Debian's package has: what is asked for beside it is its defaults, so all is divided by this one. */
export const nginx = nginxPeer('nginx', 'nginx, kept connections to the origins, no access log', '')

/**
 * Buffers as long as the pieces in which Weir reads, in the place of pages: a long body takes fewer system calls. What
 * somebody sets who knows that bodies are long.
 */
export const nginxBuffers: Peer = {
  ...nginxPeer(
    'nginx-buffers',
    'the same with buffers of 64 KiB and more, where there are bodies',
    `
  proxy_buffer_size 64k;
  proxy_buffers 8 64k;
  proxy_busy_buffers_size 128k;
  client_body_buffer_size 128k;`,
  ),
  onlyBodies: true,
}

/** @param buffers directives on their sizes; empty: the defaults */
function nginxPeer(name: string, what: string, buffers: string): Peer {
  return {
    name,
    what,
    balances: true,
    webSocket: true,
    workers: true,
    ...fromDebian('nginx', 'nginx', '-v'),
    command: (setup) => ({
      command: [
        which('nginx')!,
        '-p',
        setup.folder,
        '-c',
        setup.write('conf', configuration(setup, buffers)),
        '-e',
        'stderr',
      ],
    }),
  }
}

/** The directive `name` for each kind of temporary file, which default to places that only root may write. */
function temporaryPaths(folder: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${join(folder, kind)};`)
    .join('\n')
}

/**
 * Clients, as many requests to the origins, and with several origins as many connections again that are idle because it was
 * another one's turn. When less than a sixteenth of `worker_connections` is free, nginx closes idle clients, which a client
 * that is about to send takes for an error.
 */
function connectionsAtOnce(kept: number, origins: number): number {
  const needed = kept * (origins === 1 ? 2 : 3)
  return Math.ceil((needed * 16) / 15) + 512
}

/**
 * Tuned as its documentation advises a proxy of many requests to be.
 *
 * @param buffers as for the peer
 */
export function configuration({ row, origins, port, certificate, folder }: ProxySetup, buffers = ''): string {
  const { load, workers } = row.scenario
  const tls = certificate === null ? '' : ' ssl'
  // Else all workers accept from one queue, and whichever is awake takes more than its share. Weir's have one each, too.
  const apart = workers > 1 ? ' reuseport' : ''
  // As many as there can be in use at once: every connection above would be closed after its request, and wait in
  // TIME_WAIT until there are no ports left.
  const kept = Math.max(64, load.connections)
  return `
daemon off;
worker_processes ${workers};
worker_rlimit_nofile 65536;
pid ${join(folder, 'nginx.pid')};
error_log stderr error;
# As root it would leave the temporary directory to somebody who may not enter it.
${process.getuid?.() === 0 ? 'user root;' : ''}
events {
  worker_connections ${connectionsAtOnce(kept, origins.length)};
}
http {
${temporaryPaths(folder)}
  access_log off;
  tcp_nodelay on;
  keepalive_timeout 75s;
  # The default of 1,000 makes clients reconnect all the time.
  keepalive_requests 1000000;
  client_max_body_size 0;
  # Streams both ways as the others do, and never over the disk.
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;${buffers}
  upstream app {
${origins.map((url) => `    server ${new URL(url).host};`).join('\n')}
    keepalive ${kept};
    keepalive_requests 1000000;
    # Below the 8 s after which the origins close.
    keepalive_timeout 4s;
  }
  server {
    listen 127.0.0.1:${port}${tls} backlog=4096${apart};
${
  certificate === null
    ? ''
    : `    ssl_certificate ${certificate.cert};
    ssl_certificate_key ${certificate.key};
    # What the others speak, and nginx by default from 1.23.4 on; before, it had nothing above 1.2.
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:SSL:1m;`
}
    location = /isolated {
      return 200;
    }
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
${load.protocol === 'websocket' ? '      proxy_set_header Upgrade $http_upgrade;\n      proxy_set_header Connection upgrade;' : '      proxy_set_header Connection "";'}
    }
  }
}
`
}
