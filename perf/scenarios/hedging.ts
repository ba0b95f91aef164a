import type { Scenario, Suite, WeirShape } from '../harness/scenario.ts'
import { defaultWeir, small } from './routes.ts'

/**
 * What hedging costs a request that is not hedged. `min` is longer than any answer takes, so that none is: what is left is the line, the
 * clock and the percentile.
 */
const variants: readonly { readonly name: string; readonly what: string; readonly weir: WeirShape }[] = [
  { name: 'off', what: 'off, the default', weir: defaultWeir },
  {
    name: 'watching',
    what: 'on, and no answer is late',
    weir: { ...defaultWeir, upstream: { hedging: { min: '10s' } } },
  },
]

const scenarios: readonly Scenario[] = variants.map(({ name, what, weir }) => ({
  ...small,
  name: `hedging/${name}`,
  what: `a small GET to two endpoints; hedging ${what}`,
  baseline: 'hedging/off',
  endpoints: 2,
  weir,
  peers: false,
}))

export const hedging: Suite = { name: 'hedging', what: 'hedging off, and on with nothing late', scenarios }
