/** What `weir demo` runs and says: a configuration in front of the embedded origins, and what to try with it. */
import type { DemoOrigin } from './origins.ts'

/** What the demo needs to know of an origin. */
export type DemoTarget = Pick<DemoOrigin, 'name' | 'url' | 'slow'>

/** A configuration as a user would write it, as plain JSON: the defaults, and checks quick enough to watch. */
export function demoConfig(origins: readonly DemoTarget[], port: number): object {
  return {
    listen: { host: '127.0.0.1', port },
    upstreams: {
      demo: {
        endpoints: origins.map(({ url }) => ({ url })),
        balance: 'round-robin',
        health: { path: '/health', interval: '1s', timeout: '500ms', unhealthyAfter: 3, healthyAfter: 2 },
      },
    },
    routes: [{ path: '/isolated', respond: { status: 200 } }, { upstream: 'demo' }],
    // Otherwise nothing would be seen of requests that go well.
    log: { level: 'info', access: 'all' },
  }
}

/** The addresses, and commands to copy with what each of them shows. Ends with a line end. */
export function demoText(origins: readonly DemoTarget[], port: number): string {
  const weir = `http://127.0.0.1:${port}`
  const [first, second = first] = origins
  if (first === undefined || second === undefined) throw new RangeError('a demo needs an origin')
  const round = Array.from({ length: 2 * origins.length }, (_, index) => index + 1).join(' ')
  const addresses = origins.map(({ name, url, slow }) => `  ${name}  ${url}${slow ? '  (slow)' : ''}\n`)

  return `
Weir listens on ${weir}, in front of
${addresses.join('')}
To try in another terminal, while you watch the log here:

  # Balancing: the origins take turns, and the slow one shows.
  for i in ${round}; do curl -s ${weir}/; done

  # The isolated route: Weir answers by itself and touches no origin.
  curl -i ${weir}/isolated

  # Headers: what an origin receives, with the X-Forwarded-* that Weir adds.
  curl ${weir}/headers

  # Streaming: the lines come one by one, not together at the end.
  curl -N ${weir}/stream

  # A body both ways: nothing is gathered on the way.
  curl -d 'there and back' ${weir}/echo

  # Taking an origin out: ${second.name} fails its health check, and after three failures gets no more requests.
  # The same command again brings it back.
  curl -X POST ${second.url}/toggle

  # Killing an origin: ${first.name} closes its port for 10 s, and the others take its requests.
  curl -X POST ${first.url}/kill

Ctrl+C drains: what is in flight is finished, then Weir ends. A second Ctrl+C ends it at once.

`
}
