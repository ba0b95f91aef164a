import type { Generator } from './load.ts'
import { failedRequests } from './load.ts'
import type { Scenario } from './scenario.ts'
import { type Bench, type Running, startSubject } from './subject.ts'
import { formatNumber } from './table.ts'
import { measureTurn, type Turn } from './turn.ts'

export interface Schedule {
  /** How often each scenario is measured. */
  readonly turns: number
  /** Length of a turn. */
  readonly seconds: number
  /** Load on each scenario before the first turn, for compilers and connections. 0: none. */
  readonly warmupSeconds: number
}

export interface Measured {
  readonly scenario: Scenario
  /** In order: turn n of one scenario and turn n of another are a pair. */
  readonly turns: readonly Turn[]
}

/**
 * Starts every scenario's subject, warms each, and then measures turn by turn: each turn goes once through all
 * scenarios, beginning one further every time, so that neither a slow minute nor a place in the order falls to one of
 * them alone. Subjects that are not having their turn are idle.
 *
 * @param say is told what happens, a line at a time.
 * @throws {Error} if anything does not start or fails under load. The caller stops what was started.
 */
export async function runScenarios(
  bench: Bench,
  generator: Generator,
  scenarios: readonly Scenario[],
  schedule: Schedule,
  say: (line: string) => void,
): Promise<readonly Measured[]> {
  const running = new Map<Scenario, Running>()
  for (const scenario of scenarios) running.set(scenario, await startSubject(bench, scenario))
  if (schedule.warmupSeconds > 0) {
    for (const [scenario, subject] of running) {
      await measureTurn(bench, generator, scenario, subject, schedule.warmupSeconds)
      say(`warmed up ${scenario.name}`)
    }
  }
  const turns = new Map<Scenario, Turn[]>(scenarios.map((scenario) => [scenario, []]))
  for (let number = 0; number < schedule.turns; number++) {
    for (const scenario of rotate(scenarios, number)) {
      const turn = await measureTurn(bench, generator, scenario, running.get(scenario)!, schedule.seconds)
      turns.get(scenario)!.push(turn)
      say(`turn ${number + 1} of ${schedule.turns}  ${progress(scenario, turn)}`)
    }
  }
  return scenarios.map((scenario) => ({ scenario, turns: turns.get(scenario)! }))
}

/** The same list, beginning with another one. */
export function rotate<T>(list: readonly T[], by: number): readonly T[] {
  const start = by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

function progress(scenario: Scenario, turn: Turn): string {
  const failed = failedRequests(turn.load)
  return [
    scenario.name,
    `${formatNumber(turn.load.requestsPerSecond)} req/s`,
    turn.cpu === null ? null : `${formatNumber(turn.cpu.userUs + turn.cpu.systemUs, 1)} us CPU/req`,
    failed === 0 ? null : `${formatNumber(failed)} failed`,
    turn.foreign !== null && turn.foreign > 0.05
      ? `others had ${formatNumber(turn.foreign * 100)} % of the machine`
      : null,
  ]
    .filter((part) => part !== null)
    .join('  ')
}
