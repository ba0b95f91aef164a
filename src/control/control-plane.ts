/**
 * The control plane: from a configuration file to running workers, and what happens to them afterwards. One process;
 * no request passes through it.
 *
 *     start ──► ready ──► (reload)* ──► drain ──► exit 0
 *       └─► exit 1: a listener cannot be bound, or a worker cannot start
 */
import type { Logger } from 'pino'
import { loadConfig } from '../config/load.ts'
import type { Problem } from '../config/problem.ts'
import type { ListenerPlan } from '../plan/listener-plan.ts'
import type { Plan } from '../plan/plan.ts'
import { BindError, checkBind } from './bind-check.ts'
import { type HealthChange, HealthChecker } from './health/checker.ts'
import { MetricsServer, type Text } from './metrics/metrics-server.ts'
import { makeStickySecret, withStickySecret } from './sticky-secret.ts'
import { Supervisor } from './supervisor.ts'
import type { StartWorker } from './worker-handle.ts'

export interface ControlPlaneOptions {
  /** Reread on `reload`; null: there is no file (the demo), and nothing to reload. */
  readonly file: string | null
  readonly plan: Plan
  readonly log: Logger
  readonly startWorker: StartWorker
  /** 1 with `--inline`, whatever the plan says; null: as many as the plan says. */
  readonly workersMax: number | null
}

export class ControlPlane {
  readonly #file: string | null
  readonly #log: Logger
  readonly #startWorker: StartWorker
  readonly #workersMax: number | null
  readonly #health: HealthChecker
  readonly #metrics: MetricsServer
  /** Addresses and ports as configured -> the port as bound: a port 0 keeps its real port across reloads. */
  #bound: ReadonlyMap<string, number> = new Map()
  /** Ports of the plan before: workers that are about to leave, or slow, may still have them open. */
  #portsBefore: readonly number[] = []
  /** One for the whole life of this process, so that cookies stay good over reloads and in new workers. */
  readonly #stickySecret = makeStickySecret()
  #plan: Plan
  #supervisor: Supervisor | null = null
  #reloading: Promise<void> = Promise.resolve()
  #ended = false
  #reloads = 0
  #reloadsRefused = 0

  constructor({ file, plan, log, startWorker, workersMax }: ControlPlaneOptions) {
    this.#file = file
    this.#plan = plan
    this.#log = log
    this.#startWorker = startWorker
    this.#workersMax = workersMax
    this.#health = new HealthChecker({ onChange: (change) => this.#onHealth(change) })
    this.#metrics = new MetricsServer(
      () => this.#tell(),
      (host, port) => log.info({ host, port, path: '/metrics' }, 'metrics are served'),
    )
  }

  /**
   * Resolves when every worker accepts. A reload that is asked for meanwhile comes behind it.
   * @throws {Error} a message for a person: which listener cannot be bound and why, or which worker failed
   */
  start(): Promise<void> {
    const started = this.#begin()
    this.#reloading = started.catch(() => {
      // There is nothing to reload any more.
      this.#ended = true
    })
    return started
  }

  async #begin(): Promise<void> {
    this.#plan = await this.#bind(this.#plan)
    await this.#metrics.moveTo(this.#plan.metrics)
    if (this.#ended) return
    await new Promise<void>((resolve, reject) => {
      this.#supervisor = new Supervisor(
        this.#log,
        this.#plan,
        this.#startWorker,
        () => this.#health.unhealthy(),
        { onReady: resolve, onFailed: (reason) => reject(new Error(reason)) },
      )
      this.#supervisor.start()
    })
    if (this.#ended) return
    this.#health.update(this.#plan.upstreams)
    this.#log.info({ workers: this.#plan.workers }, 'ready')
  }

  /** Reads the file again. A bad one is reported and changes nothing. Reloads run one after another. Never rejects. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload()).catch((error: Error) => this.#refuse(error))
    return this.#reloading
  }

  /** Every worker logs its statistics. */
  report(): void {
    this.#supervisor?.report()
  }

  /** Resolves when everything in flight has ended, or drainTimeout has. */
  async drain(): Promise<void> {
    this.#ended = true
    this.#health.stop()
    this.#log.info({ drainTimeoutMs: this.#plan.drainTimeoutMs }, 'draining')
    await this.#supervisor?.drain()
    // Only now: how far the drain is can be seen there.
    void this.#metrics.close()
    this.#log.info('ended')
  }

  /** Ends the workers at once. */
  kill(): void {
    this.#ended = true
    this.#health.stop()
    void this.#metrics.close()
    this.#supervisor?.kill()
  }

  async #reload(): Promise<void> {
    if (this.#ended || this.#supervisor === null || this.#file === null) return
    const result = loadConfig(this.#file)
    if (!result.ok) {
      for (const problem of result.problems) this.#log.error(describe(problem), 'configuration error')
      const problems = result.problems.length
      this.#reloadsRefused++
      this.#log.error({ file: this.#file, problems }, 'reload refused: the running configuration stays')
      return
    }
    const [before, boundBefore] = [this.#plan, this.#bound]
    // First, since it fails whole, and a listener may want the port that it leaves.
    await this.#metrics.moveTo(result.plan.metrics)
    const plan = await this.#bind(result.plan).catch(async (error: Error) => {
      await this.#moveMetricsBack(before)
      throw error
    })
    if (this.#ended) return
    const refused = await this.#putIntoEffect(plan, this.#supervisor)
    if (this.#ended) return
    if (refused === null) {
      this.#log.level = plan.log.level
      this.#reloads++
      this.#log.info({ file: this.#file }, 'configuration reloaded')
      return
    }
    this.#reloadsRefused++
    this.#log.error(`${refused}: reload refused, the running configuration stays`)
    this.#portsBefore = [...this.#bound.values()]
    this.#bound = boundBefore
    const stuck = await this.#putIntoEffect(before, this.#supervisor)
    if (stuck !== null)
      this.#log.error(`${stuck}: not every worker is back at the configuration that ran before`)
    // Behind it: a listener of the refused plan may have the port.
    await this.#moveMetricsBack(before)
  }

  /** @returns null once every worker runs it, or why one does not */
  #putIntoEffect(plan: Plan, supervisor: Supervisor): Promise<string | null> {
    this.#plan = plan
    // The checks first: the workers' message carries the verdicts that are still good.
    this.#health.update(plan.upstreams)
    return supervisor.reload(plan)
  }

  async #moveMetricsBack({ metrics }: Plan): Promise<void> {
    try {
      await this.#metrics.moveTo(metrics)
    } catch (error) {
      this.#log.error(`metrics are not served where they were: ${(error as Error).message}`)
    }
  }

  /** What metrics tell at this moment. Who serves none does not load what writes them. */
  async #tell(): Promise<Text> {
    const { contentType, exposition } = await import('./metrics/exposition.ts')
    const supervisor = this.#supervisor
    const workers = (await supervisor?.census()) ?? []
    const body = await exposition({
      facts: {
        workers: this.#plan.workers,
        workerDeaths: supervisor?.deaths ?? 0,
        reloads: this.#reloads,
        reloadsRefused: this.#reloadsRefused,
      },
      workers,
      upstreams: this.#plan.upstreams,
      unhealthy: new Set(this.#health.unhealthy()),
    })
    return { type: contentType, body }
  }

  /** Whatever it is, what runs goes on. */
  #refuse(error: Error): void {
    this.#reloadsRefused++
    // Only an error that nobody has put into words for the user needs its stack.
    const facts = error instanceof BindError ? {} : { err: error }
    this.#log.error(facts, `${error.message}: reload refused, the running configuration stays`)
  }

  /**
   * The plan as it can be run: with real ports, at most `workersMax` workers, and a secret for cookies. Listeners that are open already
   * are not checked again.
   * @throws {BindError} for the first listener that cannot be bound
   */
  async #bind(plan: Plan): Promise<Plan> {
    const listeners: ListenerPlan[] = []
    const bound = new Map<string, number>()
    const ours = new Set([...this.#bound.values(), ...this.#portsBefore])
    for (const [index, wanted] of plan.listeners.entries()) {
      // Several listeners may ask for any free port: they are told apart by their place.
      const anyPort = wanted.port === 0 && wanted.unix === undefined
      const key = anyPort ? `${wanted.host} any ${index}` : `${wanted.host} ${wanted.port}`
      // What else the listener is may have changed under the same port: its certificates, say.
      const port = this.#bound.get(key) ?? (await checkBind(wanted, ours.has(wanted.port))).port
      bound.set(key, port)
      listeners.push({ ...wanted, port })
    }
    this.#portsBefore = [...this.#bound.values()]
    this.#bound = bound
    const workers = Math.min(plan.workers, this.#workersMax ?? plan.workers)
    return withStickySecret({ ...plan, listeners, workers }, this.#stickySecret)
  }

  #onHealth({ id, upstream, origin, healthy, reason, consecutive }: HealthChange): void {
    this.#supervisor?.setHealth(id, healthy)
    const facts = {
      upstream,
      endpoint: id,
      origin,
      consecutive,
      ...(reason === null ? undefined : { reason }),
    }
    if (healthy) this.#log.info(facts, 'endpoint is healthy')
    else this.#log.warn(facts, 'endpoint is unhealthy')
    const endpoints = this.#plan.upstreams.find(({ name }) => name === upstream)?.endpoints ?? []
    const out = new Set(this.#health.unhealthy())
    if (
      !healthy &&
      endpoints.every(({ id, weight, drain }) => out.has(id) || weight === 0 || drain === true)
    ) {
      this.#log.error({ upstream }, 'no endpoint is healthy: requests are answered with 503')
    }
  }
}

function describe({ path, expected, found, hint, line }: Problem): object {
  return {
    path,
    expected,
    found,
    ...(hint === null ? undefined : { hint }),
    ...(line === null ? undefined : { line }),
  }
}
