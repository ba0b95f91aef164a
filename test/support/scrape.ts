/** Metrics of a real Weir, read as Prometheus reads them. */
import assert from 'node:assert/strict'
import { type Exposition, readExposition } from './exposition.ts'
import { fetchRaw } from './raw-client.ts'
import { waitFor } from './wait.ts'
import type { Weir } from './weir.ts'

export async function scrape(weir: Weir): Promise<Exposition> {
  const port = weir.log.named('metrics are served').at(-1)?.port as number
  const answer = await fetchRaw(port, { target: '/metrics' })
  assert.equal(answer.status, 200)
  assert.match(answer.header('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  return readExposition(answer.text)
}

/** Sum over all workers of the samples whose labels say this. NaN: there are none. */
export function sum({ samples }: Exposition, name: string, ...labels: string[]): number {
  let total = Number.NaN
  for (const [key, value] of samples) {
    if (!key.startsWith(`${name}{`) || !labels.every((label) => key.includes(label))) continue
    total = Number.isNaN(total) ? value : total + value
  }
  return total
}

/** Scrapes until it is as described. */
export function scrapeUntil(
  weir: Weir,
  condition: (seen: Exposition) => boolean,
  what: string,
): Promise<Exposition> {
  return waitFor(
    async () => {
      const seen = await scrape(weir)
      return condition(seen) && seen
    },
    { what, everyMs: 20 },
  )
}
