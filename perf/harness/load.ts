import { accessSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { autocannonArguments, parseAutocannon } from './autocannon.ts'
import { autocannonVariedCommand } from './autocannon-varied.ts'
import type { LoadFigures } from './load-figures.ts'
import { type Processes, which } from './processes.ts'
import type { Load } from './scenario.ts'
import { webSocketLoadArguments } from './websocket-load.ts'
import { parseWrk, wrkArguments } from './wrk.ts'

export const generatorNames = ['wrk', 'autocannon'] as const
export type GeneratorName = (typeof generatorNames)[number]

export interface Generator {
  readonly name: GeneratorName | 'websocket'
  /** For the output: which one and, if it was not the first choice, why. */
  readonly explanation: string
  readonly command: (
    load: Load,
    seconds: number,
    url: string,
    /** Stores a file for this run and returns its path. */
    write: (ending: string, content: string) => string,
  ) => readonly string[]
  readonly parse: (output: string) => LoadFigures
}

/**
 * wrk where it is installed, else autocannon; or the one that was asked for.
 *
 * @throws {Error} if that one, or both, are missing.
 */
export function findGenerator(wanted: GeneratorName | null): Generator {
  const wrk = which('wrk')
  if (wanted !== 'autocannon' && wrk !== null) {
    return {
      name: 'wrk',
      explanation: 'wrk',
      command: (load, seconds, url, write) => [wrk, ...wrkArguments(load, seconds, url, write)],
      parse: parseWrk,
    }
  }
  if (wanted === 'wrk') throw new Error('wrk is not installed (Debian: apt-get install wrk)')
  const autocannon = fileURLToPath(new URL('../../node_modules/.bin/autocannon', import.meta.url))
  try {
    accessSync(autocannon)
  } catch {
    throw new Error(
      'neither wrk (Debian: apt-get install wrk) nor autocannon (npm install) is there to make load',
    )
  }
  return {
    name: 'autocannon',
    explanation:
      wanted === null
        ? 'autocannon (skipped: wrk, which is not installed; Debian: apt-get install wrk)'
        : 'autocannon',
    command: (load, seconds, url, write) =>
      load.varied === undefined
        ? [process.execPath, autocannon, ...autocannonArguments(load, seconds, url, write)]
        : autocannonVariedCommand({ origin: new URL(url).origin, load, seconds }, write),
    parse: parseAutocannon,
  }
}

export interface LoadRun {
  readonly load: Load
  readonly seconds: number
  /** `http://127.0.0.1:PORT`. Never another machine's. */
  readonly origin: string
  readonly cores: string | null
  /** Stores a file for this run and returns its path. */
  readonly write: (ending: string, content: string) => string
}

/** One bounded run. @throws {Error} if it fails, hangs, prints what cannot be read or got no answer at all. */
export async function runLoad(
  processes: Processes,
  generator: Generator,
  run: LoadRun,
): Promise<LoadFigures> {
  const { name, command: commandOf, parse } = fitting(generator, run)
  const command = commandOf(run.load, run.seconds, run.origin + run.load.path, run.write)
  const options = { cores: run.cores, stderr: run.write('err', '') }
  const output = await processes.run(name, command, options, (run.seconds + 20) * 1000)
  const figures = parse(output)
  if (figures.requests === 0)
    throw new Error(`no request was answered: ${command.join(' ')}\n${output.trim()}`)
  return figures
}

type Making = Omit<Generator, 'explanation'>

/** Neither wrk nor autocannon speaks WebSocket. */
function fitting(generator: Generator, { load }: LoadRun): Making {
  return load.protocol === 'websocket' ? webSocketGenerator : generator
}

const webSocketGenerator: Making = {
  name: 'websocket',
  command: (load, seconds, url) => [process.execPath, ...webSocketLoadArguments(load, seconds, url)],
  parse: (output) => JSON.parse(output) as LoadFigures,
}

export function failedRequests(figures: LoadFigures): number {
  return Object.values(figures.failed).reduce((sum, count) => sum + count, 0)
}
