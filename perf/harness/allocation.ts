import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** Bytes in use on the heap around one garbage collection. */
export interface Collection {
  readonly before: number
  readonly after: number
}

/**
 * What was allocated between two looks at the heap: what came to be in use between the collections. Buffers lie
 * outside the heap and are not in it (buffer-count.ts).
 */
export function allocatedBytes(first: number, collections: readonly Collection[], last: number): number {
  let sum = 0
  let used = first
  for (const { before, after } of collections) {
    sum += before - used
    used = after
  }
  return sum + last - used
}

/** Environment that lets Node processes be asked, each through a socket in `folder`. Others do not mind it. */
export function probeEnvironment(folder: string): Readonly<Record<string, string>> {
  mkdirSync(folder, { recursive: true })
  const probe = new URL('allocation-probe.ts', import.meta.url)
  const options = `${process.env.NODE_OPTIONS ?? ''} --import=${probe} --disable-warning=ExperimentalWarning`
  return { NODE_OPTIONS: options.trim(), WEIR_BENCH_PROBE: folder }
}

/** Bytes. */
export interface Allocated {
  /** On the JavaScript heap. */
  readonly heap: number
  /** Of Buffers, outside of it. */
  readonly buffers: number
}

/**
 * What the Node processes of a subject allocate while something runs, all together; null if it has none.
 *
 * @throws {Error} if one of them no longer answers.
 */
export async function allocationDuring(
  folder: string,
  pids: readonly number[],
  run: () => Promise<void>,
): Promise<Allocated | null> {
  const sockets = readdirSync(folder).filter((file) => pids.some((pid) => file === `${pid}.sock`))
  if (sockets.length === 0) return null
  const ask = (command: string) => Promise.all(sockets.map((file) => askProbe(join(folder, file), command)))
  await ask('start')
  await run()
  return (await ask('stop')).reduce((sum, one) => ({
    heap: sum.heap + one.heap,
    buffers: sum.buffers + one.buffers,
  }))
}

async function askProbe(path: string, command: string): Promise<Allocated> {
  const socket = createConnection(path)
  await once(socket, 'connect')
  socket.write(command)
  return JSON.parse(await text(socket)) as Allocated
}
