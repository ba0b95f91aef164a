/**
 * An open loop of GET requests: a process of its own, so that it can be placed on a core and does not share one with the harness.
 *
 *     node perf/harness/open-loop.ts '{"urls":["http://127.0.0.1:40123/"],"perSecond":1000, …}'
 *
 * prints an `OpenLoopFigures` as JSON. Not wrk, whose connections send the next request when the last is answered; and not
 * h2load, which has a schedule per connection but sends one request at a time on it: with a server that hangs the load stops.
 */
import { fileURLToPath } from 'node:url'
import { OpenLoop, type OpenLoopFigures, type OpenLoopPlan } from './open-loop-client.ts'
import type { Processes } from './processes.ts'

const thisFile = fileURLToPath(import.meta.url)

/**
 * One bounded run.
 *
 * @param cores as `taskset -c` takes them; null: any
 * @param stderr a file
 * @throws {Error} if it fails, hangs or prints no figures.
 */
export async function runOpenLoop(
  processes: Processes,
  plan: OpenLoopPlan,
  cores: string | null,
  stderr: string,
): Promise<OpenLoopFigures> {
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', thisFile, JSON.stringify(plan)]
  const limitMs = (plan.settleSeconds + plan.seconds + 20) * 1000 + plan.timeoutMs
  return JSON.parse(await processes.run('open-loop', command, { cores, stderr }, limitMs)) as OpenLoopFigures
}

if (process.argv[1] === thisFile) {
  const figures = await new OpenLoop(JSON.parse(process.argv[2] ?? '') as OpenLoopPlan).run()
  console.log(JSON.stringify(figures))
}
