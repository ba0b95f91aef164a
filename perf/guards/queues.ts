import { mkdirSync, readdirSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Generator } from '../harness/load.ts'
import { type Bench, fileFor } from '../harness/running.ts'
import type { Scenario } from '../harness/scenario.ts'
import { startOrigins } from '../harness/subject.ts'
import { putUnderLoad } from '../harness/turn.ts'
import { rowOf, startInline } from '../profiling/inline.ts'
import { small } from '../scenarios/routes.ts'
import type { QueueCounts } from './queue-probe.ts'

/** As many clients as wait, four times what goes ahead: both queues are put to the test. */
const connections = 16
const crowded: Scenario = {
  ...small,
  name: 'crowded',
  what: `64 clients, ${connections} connections to the endpoint`,
  weir: { ...small.weir!, upstream: { connections } },
}

export interface QueueFigures {
  /** fastq's turns per request that went to the endpoint, without those of clients that left the queue at the end. */
  readonly turns: number
  /** The most requests that undici had at once above what its connections take: its own queue. */
  readonly queuedInUndici: number
}

/** @throws {Error} if Weir does not come up, or the probe does not answer. */
export async function measureQueues(
  bench: Bench,
  generator: Generator,
  seconds: number,
): Promise<QueueFigures> {
  const row = rowOf(crowded, 'queues')
  const folder = fileFor(bench, row.name, 'queue-probe')
  mkdirSync(folder, { recursive: true })
  const probe = new URL('queue-probe.ts', import.meta.url).href
  const env = { WEIR_QUEUE_PROBE: folder }
  const weir = { ...crowded.weir!, env }
  const origins = await startOrigins(bench, crowded)
  try {
    const running = await startInline(
      { ...bench, allocation: false },
      { ...row, scenario: { ...row.scenario, weir } },
      origins,
      { node: [`--import=${probe}`] },
    )
    try {
      const ask = async () => {
        const [socket] = readdirSync(folder)
        if (socket === undefined) throw new Error('the probe of the queues was not loaded')
        return JSON.parse(await text(createConnection(join(folder, socket)))) as QueueCounts
      }
      const before = await ask()
      await putUnderLoad(bench, generator, row, running, seconds)
      const after = await ask()
      // What the load generator left behind at its end was in the queues, too: so not its answers, but undici's requests, and a
      // turn for each client that waited then. A slow machine has few requests to spread those over.
      const waiting = row.scenario.load.connections - connections
      return {
        turns: Math.max(0, after.turns - before.turns - waiting) / (after.requests - before.requests),
        queuedInUndici: Math.max(0, after.most - connections),
      }
    } finally {
      await bench.processes.stop(running.child)
    }
  } finally {
    await Promise.all(origins.map((origin) => bench.processes.stop(origin.child)))
  }
}
