import type { Scenario, Suite, WeirShape } from '../harness/scenario.ts'
import { defaultWeir, small } from './routes.ts'

const weir = (differs: Partial<WeirShape>): WeirShape => ({ ...defaultWeir, ...differs })
const limits = { rate: { requests: 1_000_000 }, inFlight: 1_000 }

/** What is off by default, said to be: the same plan comes of it. */
export const off: WeirShape = weir({
  upstream: { concurrency: 'off', queue: { target: '0s' }, hedging: false, balance: 'round-robin' },
  route: { priority: 'normal' },
  settings: { clientLimits: false },
})

/** Each turned on where it refuses and changes nothing: what is measured is what it costs to look. */
const variants: readonly { readonly name: string; readonly what: string; readonly weir: WeirShape }[] = [
  { name: 'plain', what: 'the defaults, which everything else is divided by', weir: defaultWeir },
  {
    name: 'off',
    what: 'the defaults, written out: each feature is said to be off. The same again, which shows how far the same lies apart',
    weir: off,
  },
  {
    name: 'adaptive',
    what: '"concurrency": "adaptive"; it begins with fewer places than there are connections, and learns',
    weir: weir({ upstream: { concurrency: 'adaptive' } }),
  },
  {
    name: 'adaptive-64',
    what: 'the same where it may not go below them: nobody waits',
    weir: weir({ upstream: { concurrency: { min: 64, initial: 64 } } }),
  },
  {
    name: 'target',
    what: '"queue": { "target": "5ms" }',
    weir: weir({ upstream: { queue: { target: '5ms' } } }),
  },
  { name: 'priority', what: '"priority": "high"', weir: weir({ route: { priority: 'high' } }) },
  {
    name: 'priority-header',
    what: 'a priority by header, which these requests have not',
    weir: weir({ route: { priority: { header: 'x-priority', values: { batch: 'low' } } } }),
  },
  {
    name: 'client-limits',
    what: '"clientLimits": a rate and requests in flight, by address',
    weir: weir({ settings: { clientLimits: limits } }),
  },
  {
    name: 'metrics',
    what: '"metrics": how long each request took and what its client got is counted; nobody asks',
    weir: weir({ settings: { metrics: 0 } }),
  },
  {
    name: 'access',
    what: '"access": one network that may, two that may not',
    weir: weir({ settings: { access: { allow: ['127.0.0.0/8'], deny: ['10.0.0.0/8', '192.168.0.0/16'] } } }),
  },
  {
    name: 'no-outliers',
    what: '"outliers": false; by default they are on',
    weir: weir({ upstream: { outliers: false } }),
  },
  {
    name: 'slow-factor',
    what: '"outliers": { "slowFactor": 5 }: the clock, and a logarithm for each answer',
    weir: weir({ upstream: { outliers: { slowFactor: 5 } } }),
  },
  {
    name: 'hedging',
    what: '"hedging" where no answer is late: the line, the clock and the percentile',
    weir: weir({ upstream: { hedging: { min: '10s' } } }),
  },
  {
    name: 'mirror',
    what: '"mirror", one request in a hundred; each copy is a request of its own, and costs one',
    weir: weir({ route: { mirror: { upstream: 'next', share: 0.01 } }, others: ['next'] }),
  },
  {
    name: 'split',
    what: 'a canary: 95 to one upstream, 5 to another',
    weir: weir({
      route: {
        upstream: [
          { upstream: 'app', weight: 95 },
          { upstream: 'next', weight: 5 },
        ],
      },
      others: ['next'],
    }),
  },
]

/** Policies, which have something to choose between: beside the default one in front of as many endpoints. */
const policies: readonly { readonly name: string; readonly what: string; readonly balance: unknown }[] = [
  { name: 'three', what: 'the defaults, in front of three endpoints', balance: 'round-robin' },
  { name: 'least-connections', what: '"balance": "least-connections"', balance: 'least-connections' },
  { name: 'random', what: '"balance": "random"', balance: 'random' },
  { name: 'two-choices', what: '"balance": "two-choices"', balance: 'two-choices' },
  { name: 'ewma', what: '"balance": "ewma"', balance: 'ewma' },
  {
    name: 'hash',
    what: '"balance": "hash", by the path: all go to one endpoint as far as its share lets them',
    balance: { policy: 'hash', by: 'path' },
  },
  {
    name: 'sticky',
    what: '"balance": "sticky", clients without a cookie: each answer sets one',
    balance: 'sticky',
  },
]

export const features: Suite = {
  name: 'features',
  what: 'what it costs to turn on what balances, limits and protects, beside the defaults',
  scenarios: [
    ...variants.map((variant) => scenario(variant.name, variant.what, 'plain', { weir: variant.weir })),
    ...policies.map(({ name, what, balance }) =>
      scenario(name, what, 'three', { weir: weir({ upstream: { balance } }), endpoints: 3 }),
    ),
  ],
  form: { turns: 50, seconds: 0.4, warmupSeconds: 4, passes: false },
  mostCpuRatio: 1.03,
}

function scenario(name: string, what: string, baseline: string, differs: Partial<Scenario>): Scenario {
  return {
    ...small,
    name: `features/${name}`,
    what: `a small GET, ${what}`,
    baseline: `features/${baseline}`,
    peers: false,
    ...differs,
  }
}
