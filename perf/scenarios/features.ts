import type { Scenario, Suite, WeirShape } from '../harness/scenario.ts'
import { defaultWeir, small } from './routes.ts'

const weir = (differs: Partial<WeirShape>): WeirShape => ({ ...defaultWeir, ...differs })
const limits = { rate: { requests: 1_000_000 }, inFlight: 1_000 }

/** Each turned on where it refuses and changes nothing: what is measured is what it costs to look. */
const variants: readonly { readonly name: string; readonly what: string; readonly weir: WeirShape }[] = [
  { name: 'plain', what: 'the defaults, which everything else is divided by', weir: defaultWeir },
  {
    name: 'adaptive',
    what: '"concurrency": "adaptive"; 64 connections are above what it lets in at once, so that some wait',
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

export const features: Suite = {
  name: 'features',
  what: 'what it costs to turn on what balances, limits and protects, beside the defaults',
  scenarios: variants.map(
    (variant): Scenario => ({
      ...small,
      name: `features/${variant.name}`,
      what: `a small GET, ${variant.what}`,
      baseline: 'features/plain',
      weir: variant.weir,
      peers: false,
    }),
  ),
  form: { turns: 9, seconds: 1, warmupSeconds: 1, passes: false },
  mostCpuRatio: 1.03,
}
