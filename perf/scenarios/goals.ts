import type { Suite } from '../harness/scenario.ts'
import { routes } from './routes.ts'
import { traffic } from './traffic.ts'

/** What has no goal of its own and is measured beside those that have: their traffic repeats itself, and this does not. */
const besides = ['varied']

/** Of other suites' scenarios those of which a ratio to nginx is asked. */
export const goals: Suite = {
  name: 'goals',
  what: 'what CPU per request may be at most, divided by that of nginx in the same turn; and varied traffic, of which nothing is asked',
  scenarios: [...routes.scenarios, ...traffic.scenarios].filter(
    ({ name, mostCpuRatio }) => mostCpuRatio !== undefined || besides.includes(name),
  ),
  form: { turns: 150, seconds: 0.4, warmupSeconds: 5, passes: false, peers: ['nginx'] },
}
