import type { Scenario, Suite, WeirShape } from '../harness/scenario.ts'
import { defaultWeir, small, smallLoad } from './routes.ts'

/**
 * The access log as an A/B. `all-sync` is what the project's first report had in its request path: a write to the
 * log before the next request is looked at. `WEIR_LOG_SYNC` exists for this measurement only.
 */
const variants: readonly { readonly name: string; readonly what: string; readonly weir: WeirShape }[] = [
  { name: 'off', what: 'no access log', weir: { ...defaultWeir, access: 'off' } },
  { name: 'errors', what: 'the default: 5xx and aborted', weir: { ...defaultWeir, access: 'errors' } },
  {
    name: 'sampled',
    what: 'a line for one request in a hundred',
    weir: { ...defaultWeir, access: { sample: 0.01 } },
  },
  {
    name: 'all',
    what: 'a line per request, asynchronous as shipped',
    weir: { ...defaultWeir, access: 'all' },
  },
  {
    name: 'all-sync',
    what: 'a line per request, each written before the next is looked at',
    weir: { ...defaultWeir, access: 'all', env: { WEIR_LOG_SYNC: '1' } },
  },
]

const paths = [
  { name: 'isolated', what: 'isolated route', path: '/isolated' },
  { name: 'one', what: 'one endpoint', path: '/' },
] as const

const scenarios: readonly Scenario[] = paths.flatMap((path) =>
  variants.map(
    (variant): Scenario => ({
      ...small,
      name: `${path.name}/${variant.name}`,
      what: `${path.what}; access log: ${variant.what}`,
      baseline: `${path.name}/off`,
      weir: variant.weir,
      peers: false,
      load: { ...smallLoad, path: path.path },
    }),
  ),
)

export const logging: Suite = {
  name: 'logging',
  what: 'the access log off, errors only, sampled, all, and all written synchronously',
  scenarios,
}
