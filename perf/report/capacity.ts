/** The report's own measurements: the balancer without backends, FastAPI alone, one backend and three. */
import { fastApi, workingFastApi, workingMs } from '../harness/fastapi.ts'
import type { OriginShape } from '../harness/scenario.ts'
import type { Claim, Experiment, Variant } from './experiment.ts'
import { each, isolated, proxied, variant } from './variants.ts'

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

/** A backend asked directly, and some balancers in front of one and of three. */
function inFront(balancers: readonly string[], name: string, origin: OriginShape): readonly Variant[] {
  return [
    variant(
      'alone',
      'origin',
      proxied(`${name}alone`, { origin, weir: null }),
      'one backend, asked directly',
    ),
    ...each(balancers, [
      ['1', proxied(`${name}one`, { origin }), ''],
      ['3', proxied(`${name}three`, { origin, endpoints: 3 }), ''],
    ]),
  ]
}

/** In the order of their columns and rows. */
export const balancers: readonly string[] = ['weir', 'go', 'go-tuned', 'go-kept', 'nginx', 'haproxy']
export const slowBalancers: readonly string[] = ['weir', 'go', 'go-kept']

function slower(says: string, of: string, to: string): Claim {
  return { kind: 'ratio', says, figure: 'rate', of, to, expects: 'lower' }
}

/** The two settings that the recommendations leave out. */
function keptIsFaster(backends: string, count: number): Claim {
  return {
    kind: 'ratio',
    says: `With its idle connections kept the Go balancer's rate is higher, ${backends}`,
    figure: 'rate',
    of: `go-kept ${count}`,
    to: `go-tuned ${count}`,
    expects: 'higher',
  }
}

export const backends: Experiment = {
  name: 'fastapi',
  title: 'FastAPI alone, one backend and three',
  report:
    'Section 3.1: FastAPI alone served 900 requests per second, 500 behind the balancer, and 360 with three backends behind it. Section 3 finds the balancer itself not to be the limit, and its conclusion expects that the recommendations of section 4 reach or exceed 900. Section 3.2.2 counts the opening of connections to backends among the causes; against it section 4.2 recommends a transport with `MaxIdleConns: 100`.',
  here: 'The backend is the first page of the FastAPI tutorial on one uvicorn worker each. Nothing is pinned: balancer, backends and load generator share the machine, as in the report; each balancer has one worker or thread (Go: `GOMAXPROCS=1`). The number behind a name is that of the backends. `go-tuned` is the Go balancer with the recommendations of section 4: no log line per request, its transport, health checks every 10 s. That transport keeps two idle connections to a backend all the same, which is what Go does unless `MaxIdleConnsPerHost` says otherwise, and opens one for nearly every request of 500 clients, as `go` does. `go-kept` is `go-tuned` that keeps as many as there are clients, and lends buffers to copy bodies with. `go` and `go-tuned` have backends of their own, as many, so that the connections that they close are not in the others’ way.',
  pinned: false,
  variants: inFront(balancers, '', fastApi),
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
    keptIsFaster('one backend', 1),
    keptIsFaster('three', 3),
    {
      kind: 'ratio',
      says: 'With its idle connections kept a request costs the Go balancer less CPU time, one backend',
      figure: 'cpu',
      of: 'go-kept 1',
      to: 'go-tuned 1',
      expects: 'lower',
    },
    {
      kind: 'ratio',
      says: 'With its idle connections kept it reaches what the backend serves alone',
      figure: 'rate',
      of: 'go-kept 1',
      to: 'alone',
      expects: 'not-lower',
    },
    ...against('go 1', ['weir 1', 'nginx 1', 'haproxy 1']),
    ...against('go 3', ['weir 3', 'nginx 3', 'haproxy 3']),
  ],
}

export const slowBackends: Experiment = {
  name: 'fastapi-slow',
  title: "FastAPI as slow as the report's, one backend and three",
  report:
    'Section 3.1, as for `fastapi`: 900 requests per second alone, 500 behind the balancer with one backend, 360 with three. Section 3.2.3 has the backends compete with the balancer for one machine.',
  here: `As \`fastapi\`, with backends that take ${workingMs} ms of CPU time for each answer, which makes one about as fast as the report's. Those of \`fastapi\` do next to nothing and are far faster, so that one of them, balancer and load generator fill two cores together, and two more have no room: whether three can be slower than one is to be asked of these. \`go\` is as it was written; \`go-kept\` has the recommendations too.`,
  pinned: false,
  variants: inFront(slowBalancers, 'slow ', workingFastApi),
  claims: [
    slower('The Go balancer in front of one backend lowers its rate', 'go 1', 'alone'),
    slower('Weir in front of one backend lowers its rate', 'weir 1', 'alone'),
    slower('Behind the Go balancer three backends are slower than one', 'go 3', 'go 1'),
    slower(
      'Behind the Go balancer with its idle connections kept three backends are slower than one',
      'go-kept 3',
      'go-kept 1',
    ),
    slower('Behind Weir three backends are slower than one', 'weir 3', 'weir 1'),
    {
      kind: 'spare',
      says: 'What the Go balancer itself can do is not the limit, three backends',
      of: 'go 3',
    },
    ...against('go 1', ['go-kept 1', 'weir 1']),
    ...against('go 3', ['go-kept 3', 'weir 3']),
  ],
}
