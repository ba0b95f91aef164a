import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Peer } from './peer.ts'

/** They have packages of their own, so that Weir's installation is not burdened with them. */
const folder = fileURLToPath(new URL('node/', import.meta.url))

export const httpProxy3 = nodePeer('http-proxy-3', 'http-proxy-3', 'http-proxy, continued')
export const fastifyHttpProxy = nodePeer('fastify-http-proxy', '@fastify/http-proxy', "fastify's proxy")
export const fastProxy = nodePeer('fast-proxy', 'fast-proxy', 'a proxy without a framework, with undici')

function nodePeer(name: string, packageName: string, what: string): Peer {
  const manifest = `${folder}node_modules/${packageName}/package.json`
  return {
    name,
    what: `${what} (Node: ${packageName})`,
    // What they balance with is not theirs, and a cluster of them would be measured for the cluster.
    balances: false,
    webSocket: false,
    workers: false,
    missing: () => (existsSync(manifest) ? null : 'not installed (npm ci --prefix perf/peers/node)'),
    version: () => (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version,
    command: ({ origins, port, certificate }) => ({
      command: [
        process.execPath,
        `${folder}${name}.js`,
        ...['--port', String(port), '--target', origins[0]!],
        ...(certificate === null ? [] : ['--cert', certificate.cert, '--key', certificate.key]),
      ],
      // What frameworks look at to leave out what helps to develop.
      env: { NODE_ENV: 'production' },
    }),
  }
}
