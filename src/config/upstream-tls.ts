/** The files that upstreams with https endpoints name: read into the plan, and checked as those of listeners are. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { z } from 'zod'
import type { UpstreamTlsPlan } from '../plan/upstream-plan.ts'
import type { Finding, Path } from './problem.ts'
import { upstreamTls } from './schema-upstream-tls.ts'
import { authorities, pairFindings } from './tls-files.ts'

/** @param directory where relative paths begin */
export function upstreamTlsPlan(config: z.output<typeof upstreamTls>, directory: string): UpstreamTlsPlan {
  const read = (file: string | undefined) =>
    file === undefined ? null : readFileSync(resolve(directory, file), 'utf8')
  return {
    ca: read(config.ca),
    cert: read(config.cert),
    key: read(config.key),
    passphrase: config.passphrase ?? null,
    servername: config.servername ?? null,
    verify: config.verify,
  }
}

/** What is wrong with the files. Looks at upstreams whose `tls` is in shape; runs on the raw input. */
export function upstreamTlsFindings(input: unknown, directory: string): Finding[] {
  const upstreams = (input as { upstreams?: Record<string, { tls?: unknown } | null> } | null)?.upstreams
  if (typeof upstreams !== 'object' || upstreams === null) return []
  return Object.entries(upstreams).flatMap(([name, upstream]) => {
    const parsed = upstreamTls.safeParse(upstream?.tls)
    return parsed.success ? findings(parsed.data, ['upstreams', name, 'tls'], directory) : []
  })
}

function findings(config: z.output<typeof upstreamTls>, path: Path, directory: string): Finding[] {
  const { ca, cert, key, passphrase } = config
  const found = ca === undefined ? [] : authorities(ca, [...path, 'ca'], directory)
  if (cert !== undefined && key !== undefined) {
    const pair = passphrase === undefined ? { cert, key } : { cert, key, passphrase }
    return [...found, ...pairFindings(pair, path, directory)]
  }
  if (cert === undefined && key === undefined) return found
  const [present, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key']
  const expected = 'cert and key together, or neither'
  return [...found, { path, expected, found: `${present} alone`, hint: `add "${missing}"` }]
}
