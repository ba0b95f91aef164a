import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findPeer } from '../peers/peers.ts'
import { type Certificate, makeCertificate } from './certificate.ts'
import { fastApiCommand } from './fastapi.ts'
import { tailOf } from './processes.ts'
import { freePort, type ProxySetup, startProxy } from './proxy.ts'
import type { Row } from './row.ts'
import { type Bench, fileFor, type Running, writerFor } from './running.ts'
import type { OriginShape, Scenario, SlotsShape, SlowShape } from './scenario.ts'
import { weirCommand } from './weir.ts'

/**
 * Starts the origins that a scenario has behind all its proxies.
 *
 * @param name what their files are called: of its own where the same scenario runs twice at once
 */
export async function startOrigins(
  bench: Bench,
  scenario: Scenario,
  name = scenario.name,
): Promise<readonly Running[]> {
  const cores = bench.cores(scenario.workers)?.rest ?? null
  const origins: Running[] = []
  for (let number = 1; number <= scenario.endpoints; number++) {
    origins.push(await startOrigin(bench, `${name} origin ${number}`, scenario.origin, number, cores))
  }
  return origins
}

/**
 * Starts what a row measures, ready to answer.
 *
 * @throws {Error} with the end of its outputs if it does not come up.
 */
export async function startSubject(bench: Bench, row: Row, origins: readonly Running[]): Promise<Running> {
  const { scenario } = row
  const cores = bench.cores(scenario.workers)?.subject ?? null
  if (row.subject === 'origin') return startOrigin(bench, row.name, scenario.origin, 1, cores)
  const setup = await setupFor(bench, row, origins)
  const weir = row.subject === 'weir' ? bench.weir : row.subject === 'before' ? bench.before : undefined
  const run =
    weir !== undefined && scenario.weir !== null
      ? weirCommand({ folder: bench.folder, weir }, setup, scenario.weir)
      : await findPeer(row.subject).command(setup)
  return startProxy(bench, setup, run, cores, origins)
}

/** What a proxy needs to know, with a port of its own. */
export async function setupFor(
  bench: Pick<Bench, 'folder'>,
  row: Row,
  origins: readonly Running[],
): Promise<ProxySetup> {
  const folder = fileFor(bench, row.name, 'folder')
  mkdirSync(folder, { recursive: true })
  return {
    row,
    origins: origins.map((origin) => origin.url),
    port: await freePort(),
    certificate: row.scenario.tls ? certificateIn(bench.folder) : null,
    write: writerFor(bench, row.name),
    folder,
  }
}

const certificates = new Map<string, Certificate>()

/** One for a whole run. */
function certificateIn(folder: string): Certificate {
  const known = certificates.get(folder) ?? makeCertificate(folder)
  certificates.set(folder, known)
  return known
}

async function startOrigin(
  bench: Bench,
  name: string,
  shape: OriginShape,
  number: number,
  cores: string | null,
): Promise<Running> {
  const command = originCommand(shape, number)
  const child = await bench.processes.start(name, command, { cores, stderr: fileFor(bench, name, 'err') })
  const line = child.process.stdout!.setEncoding('utf8')
  const first = await Promise.race([once(line, 'data'), child.ended])
  if (typeof first === 'string') throw new Error(`${name} did not start: ${first}\n${tailOf(child.stderr)}`)
  const { port } = JSON.parse(String(first[0])) as { port: number }
  return { child, url: `http://127.0.0.1:${port}`, log: null, behind: [] }
}

function originCommand(shape: OriginShape, number: number): readonly string[] {
  if (shape.fastApi !== undefined) return fastApiCommand(shape, number)
  if (shape.slow !== undefined) return orderedOriginCommand(shape.bytes, shape.slow)
  return shape.slots === undefined ? cheapest(shape) : slotOriginCommand(shape.bytes, shape.slots)
}

function orderedOriginCommand(bytes: number, { path, ms }: SlowShape): readonly string[] {
  const script = fileURLToPath(new URL('ordered-origin.ts', import.meta.url))
  return [
    process.execPath,
    script,
    ...['--bytes', String(bytes), '--slow-path', path, '--slow-ms', String(ms)],
  ]
}

function slotOriginCommand(bytes: number, { slots, serviceMs }: SlotsShape): readonly string[] {
  const script = fileURLToPath(new URL('slot-origin.ts', import.meta.url))
  const counts = { bytes, slots, 'service-ms': serviceMs }
  return [
    process.execPath,
    script,
    ...Object.entries(counts).flatMap(([name, count]) => [`--${name}`, String(count)]),
  ]
}

function cheapest({ bytes, webSocket, closes, varied }: OriginShape): readonly string[] {
  const script = fileURLToPath(new URL('origin.ts', import.meta.url))
  return [
    process.execPath,
    script,
    ...['--bytes', String(bytes)],
    ...(varied === undefined ? [] : ['--varied', String(varied)]),
    ...(webSocket ? ['--websocket'] : []),
    ...(closes === true ? ['--close'] : []),
  ]
}
