/** The report's own measurements: the balancer without backends, FastAPI alone, one backend and three. */
import type { Claim, Experiment } from './experiment.ts'
import { each, fastApi, isolated, proxied, variant } from './variants.ts'

const fixed = isolated('fixed')

/** Everything else is compared with the balancer that the report is about. */
function against(to: string, names: readonly string[]): readonly Claim[] {
  return names.map((of) => ({
    kind: 'ratio',
    says: `The rate of \`${of}\` beside that of \`${to}\``,
    figure: 'rate',
    of,
    to,
    expects: null,
  }))
}

export const capacity: Experiment = {
  name: 'isolated',
  title: 'The balancer without backends',
  report:
    'Section 2: with its handler changed to a bare 200, the Go balancer answered 29,062 requests per second, with 243 write errors. Section 4.4 asks for nginx and HAProxy beside it.',
  here: 'Every subject answers `/isolated` itself, with one core (Go: `GOMAXPROCS=1`; one worker or thread otherwise). wrk has the other cores.',
  pinned: true,
  variants: [
    variant('weir', 'weir', fixed, 'a route with `respond: { status: 200 }`'),
    variant(
      'go',
      'go',
      fixed,
      'the Go balancer as the report has it; tuning it changes nothing on this path',
    ),
    variant('nginx', 'nginx', fixed, '`return 200`'),
    variant('haproxy', 'haproxy', fixed, '`http-request return status 200`'),
  ],
  claims: against('go', ['weir', 'nginx', 'haproxy']),
}

const one = proxied('one')
const three = proxied('three', { endpoints: 3 })
const alone = proxied('alone', { origin: fastApi, weir: null })
const balancers = ['weir', 'go', 'go-tuned', 'nginx', 'haproxy']

function slower(says: string, of: string, to: string): Claim {
  return { kind: 'ratio', says, figure: 'rate', of, to, expects: 'lower' }
}

export const backends: Experiment = {
  name: 'fastapi',
  title: 'FastAPI alone, one backend and three',
  report:
    'Section 3.1: FastAPI alone served 900 requests per second, 500 behind the balancer, and 360 with three backends behind it. Section 3 finds the balancer itself not to be the limit, and its conclusion expects that the recommendations of section 4 reach or exceed 900.',
  here: 'The backend is the first page of the FastAPI tutorial on one uvicorn worker each. Nothing is pinned: balancer, backends and load generator share the machine, as in the report; each balancer has one worker or thread (Go: `GOMAXPROCS=1`). The number behind a name is that of the backends. `go-tuned` is the Go balancer with the recommendations of section 4: no log line per request, its transport, health checks every 10 s.',
  pinned: false,
  variants: [
    variant('alone', 'origin', alone, 'one backend, asked directly'),
    ...each(balancers, [
      ['1', one, ''],
      ['3', three, ''],
    ]),
  ],
  claims: [
    slower('The Go balancer in front of one backend lowers its rate', 'go 1', 'alone'),
    slower('Weir in front of one backend lowers its rate', 'weir 1', 'alone'),
    slower('Behind the Go balancer three backends are slower than one', 'go 3', 'go 1'),
    slower('Behind Weir three backends are slower than one', 'weir 3', 'weir 1'),
    { kind: 'spare', says: 'What the Go balancer itself can do is not the limit, one backend', of: 'go 1' },
    { kind: 'spare', says: 'What the Go balancer itself can do is not the limit, three', of: 'go 3' },
    { kind: 'spare', says: 'What Weir itself can do is not the limit, three backends', of: 'weir 3' },
    {
      kind: 'ratio',
      says: 'The recommendations raise the rate of the Go balancer',
      figure: 'rate',
      of: 'go-tuned 1',
      to: 'go 1',
      expects: 'higher',
    },
    {
      kind: 'ratio',
      says: 'With the recommendations it reaches what the backend serves alone',
      figure: 'rate',
      of: 'go-tuned 1',
      to: 'alone',
      expects: 'not-lower',
    },
    ...against('go 1', ['weir 1', 'nginx 1', 'haproxy 1']),
    ...against('go 3', ['weir 3', 'nginx 3', 'haproxy 3']),
  ],
}
