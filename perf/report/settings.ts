/** What the report supposes of the balancer's settings and recommends: variants of one subject that differ in one thing. */
import { fastApi } from '../harness/fastapi.ts'
import { smallOrigin } from '../scenarios/routes.ts'
import type { Claim, Experiment } from './experiment.ts'
import { each, isolated, isolatedLoad, proxied, ratio, set } from './variants.ts'

const logLines = {
  off: set({ access: 'off' }),
  all: set({ access: 'all' }),
  sync: set({ access: 'all', env: { WEIR_LOG_SYNC: '1' } }),
}

const logClaims: readonly Claim[] = [
  ratio('Writing the log synchronously lowers the rate', ['weir sync', 'weir async'], 'rate', 'lower'),
  ratio('Writing it synchronously costs CPU time', ['weir sync', 'weir async'], 'cpu', 'higher'),
  ratio('A log line per request lowers the rate at all', ['weir async', 'weir off'], 'rate', 'lower'),
  ratio('A log line per request costs CPU time at all', ['weir async', 'weir off'], 'cpu', 'higher'),
]

const logReport =
  'Section 3.2.1 blames the synchronous log line per request for the drop from 900 to 500; section 4.1 recommends to log errors only, or asynchronously.'
const logWhat = [
  'no access log',
  'a line per request, asynchronous as shipped',
  'a line per request, each written before the next is looked at',
] as const
const logHere =
  'The log goes to a file, as it does in the Go balancer here; a terminal or a full pipe would make a synchronous log wait, which this does not show.'

function logging(name: string, title: string, pinned: boolean, make: typeof isolated): Experiment {
  return {
    name,
    title,
    report: logReport,
    here: logHere,
    pinned,
    variants: each(
      ['weir'],
      [
        ['off', make('log off', logLines.off), logWhat[0]],
        ['async', make('log async', logLines.all), logWhat[1]],
        ['sync', make('log sync', logLines.sync), logWhat[2]],
      ],
    ),
    claims: logClaims,
  }
}

const close = { ...isolatedLoad, headers: { Connection: 'close' } }
const keptReport =
  'Section 3.2.2 counts the opening of connections to backends among the causes; section 4.2 recommends keep-alive.'
const noSwitch =
  'Weir has no setting that turns keep-alive towards backends off, so that the backend does: it sends `Connection: close` with each answer.'
const keptClaims: readonly Claim[] = [
  ratio('Without keep-alive towards the backend the rate is lower', ['weir off', 'weir on'], 'rate', 'lower'),
  ratio(
    'Without keep-alive towards the backend a request costs more CPU time',
    ['weir off', 'weir on'],
    'cpu',
    'higher',
  ),
]

const every = (interval: string) => set({ upstream: { health: { path: '/', interval } } })
const slow = { endpoints: 3, origin: { ...fastApi, fastApi: { delaysMs: [0, 0, 200] } } }

export const settings: readonly Experiment[] = [
  logging('logging', 'Logging, one FastAPI backend', false, proxied),
  logging('logging-isolated', 'Logging, without backends', true, isolated),
  {
    name: 'keep-alive',
    title: 'Keep-alive towards a FastAPI backend',
    report: keptReport,
    here: noSwitch,
    pinned: false,
    variants: each(
      ['weir'],
      [
        ['on', proxied('kept'), 'the backend keeps connections'],
        [
          'off',
          proxied('closed', { origin: { ...fastApi, closes: true } }),
          'the backend closes each behind its answer',
        ],
      ],
    ),
    claims: keptClaims,
  },
  {
    name: 'keep-alive-light',
    title: 'Keep-alive towards a light backend',
    report: keptReport,
    here: `The same with a backend that is not the limit: uWebSockets.js and 100 bytes. ${noSwitch}`,
    pinned: true,
    variants: each(
      ['weir'],
      [
        ['on', proxied('light kept', { origin: smallOrigin }), 'the backend keeps connections'],
        [
          'off',
          proxied('light closed', { origin: { ...smallOrigin, closes: true } }),
          'the backend closes each behind its answer',
        ],
      ],
    ),
    claims: keptClaims,
  },
  {
    name: 'keep-alive-clients',
    title: 'Keep-alive towards clients',
    report: 'Nothing of its own: keep-alive is recommended towards backends. wrk keeps its connections.',
    here: 'wrk sends `Connection: close` with each request and opens a new connection for the next. It counts a read error for each connection that ends without having been announced in the answer.',
    pinned: true,
    variants: each(
      ['weir', 'go'],
      [
        ['on', isolated('clients kept'), 'clients keep their connections'],
        ['off', isolated('clients closed', { load: close }), 'a connection for each request'],
      ],
    ),
    claims: ['weir', 'go'].flatMap((name) => [
      ratio(
        `Without keep-alive towards clients the rate of ${name} is lower`,
        [`${name} off`, `${name} on`],
        'rate',
        'lower',
      ),
      ratio(
        `Without keep-alive towards clients a request costs ${name} more CPU time`,
        [`${name} off`, `${name} on`],
        'cpu',
        'higher',
      ),
    ]),
  },
  {
    name: 'health',
    title: 'Health interval',
    report:
      'Section 3.2.2 counts health checks, every 100 s, among the overhead and fears that they notice too late; section 4.2 recommends every 10 s.',
    here: '`health: { path: "/", interval }` with one FastAPI backend. How soon a dead backend is noticed follows from the settings (`interval` times `unhealthyAfter`) and is not measured. A turn is shorter than the long intervals.',
    pinned: false,
    variants: each(
      ['weir'],
      [
        ['100s', proxied('health 100s', every('100s')), "the report's interval"],
        ['10s', proxied('health 10s', every('10s')), 'what it recommends, and the default'],
        ['100ms', proxied('health 100ms', every('100ms')), 'ten checks a second'],
      ],
    ),
    claims: [
      ratio(
        'Checks every 10 s instead of every 100 s lower the rate',
        ['weir 10s', 'weir 100s'],
        'rate',
        'lower',
      ),
      ratio(
        'Checks every 100 ms instead of every 10 s lower the rate',
        ['weir 100ms', 'weir 10s'],
        'rate',
        'lower',
      ),
    ],
  },
  {
    name: 'balance',
    title: 'One slow backend of three',
    report: 'Section 4.2: least_conn may be better where backends differ in performance.',
    here: 'Three FastAPI backends, of which one waits for 200 ms before each answer. Weir has at most 64 requests in flight to each, the others wait in its queue.',
    pinned: false,
    variants: each(
      ['weir'],
      [
        [
          'round-robin',
          proxied('round-robin', { ...slow, ...set({ upstream: { balance: 'round-robin' } }) }),
          'in turn',
        ],
        [
          'least-connections',
          proxied('least-connections', { ...slow, ...set({ upstream: { balance: 'least-connections' } }) }),
          'the one with the fewest requests in flight',
        ],
      ],
    ),
    claims: [
      ratio(
        'With one slow backend least-connections has the higher rate',
        ['weir least-connections', 'weir round-robin'],
        'rate',
        'higher',
      ),
    ],
  },
]
